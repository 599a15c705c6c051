"""What probes decide without a socket: parsing, timing, whose fault an error is."""
