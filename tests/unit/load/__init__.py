"""Files into models: every kind of bad input at its exact place, and nothing but mistakes whatever is read."""
