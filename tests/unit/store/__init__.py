"""What stores share: the hash chain, fencing, and what errors come to mean."""
