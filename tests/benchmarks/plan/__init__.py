"""How good and how fast decisions are, beside the full model solved by plain HiGHS and a greedy water-filler."""
