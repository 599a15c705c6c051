"""What the AWS drivers and eyes compute, without AWS."""
