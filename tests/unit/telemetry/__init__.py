"""What listeners make of the journal and of ticks."""
