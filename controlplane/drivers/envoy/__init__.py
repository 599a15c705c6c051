"""Envoy: shares of traffic as weighted clusters in a route file that Envoy watches.

May live here: the route file, its reading and writing, and what Envoy's admin address tells. May not: how clusters or
listeners are made (whoever runs the edge makes them), or anything about why traffic moves.
"""
