"""The rules of decision, one value in and one value out."""
