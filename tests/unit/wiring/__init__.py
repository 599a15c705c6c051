"""What wiring puts between two rooms."""
