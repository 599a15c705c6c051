"""What is shipped in policies/ and runbooks/ loads, plans and behaves as it says."""
