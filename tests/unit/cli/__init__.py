"""The command line: what it asks, prints and answers, over a desk that stands still."""
