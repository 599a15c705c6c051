"""The application service over a small estate, without servers."""
