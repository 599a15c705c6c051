"""A real small estate on loopback: Envoy as the edge, the shop, PostgreSQL, Redis, faults and users.

It exists so that a failover is shown on real processes and sockets, not told. May live here: what starts, breaks,
mends, loads and stops those processes. May not: a decision, a policy, a driver or a probe; it imports the model alone.
"""
