"""HTTP: an exclusive job that starts and stops when it is told to over HTTP, with the epoch as a fencing token.

May live here: the four calls, and when a holder that cannot be reached has surely stopped. May not: what the job does.
"""
