"""Users: an open-loop load generator that counts what they see.

Open loop: requests are sent when they are due, whether or not earlier ones have been answered, and latency counts from
when they were due, so that a stall is not hidden by the generator waiting for it. May live here: sending, judging an
answer as a user would, counting. May not: anything that knows why an answer is as it is.
"""
