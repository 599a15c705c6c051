"""Failed requests when a region fails: Leeward beside Envoy's own active health checks and outlier detection.

May live here: a region as light as can be, an edge for each contestant, open-loop users, and the account of a run.
May not: anything that knows of a contestant what users could not see, but for its detection.
"""
