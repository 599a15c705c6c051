"""The edge: one Envoy whose routes come from a file, so that weights change without a restart.

**Who writes what.** The sandbox writes the bootstrap (listener, clusters, admin) once and the first route file. From
then on only the envoy driver replaces the route file, whole, by atomic rename within the same directory.

**The route file** (``rds.json`` in the sandbox's ``edge/`` directory) is a ``DiscoveryResponse`` in JSON holding one
``envoy.config.route.v3.RouteConfiguration`` named ``shop``::

    {"version_info": "7",
     "resources": [{
       "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
       "name": "shop",
       "virtual_hosts": [{
         "name": "shop", "domains": ["*"],
         "routes": [{
           "name": "checkout@IE",
           "match": {"path_separated_prefix": "/checkout",
                     "headers": [{"name": "x-origin", "string_match": {"exact": "IE"}}]},
           "stat_prefix": "checkout@IE",
           "route": {
             "timeout": "1.9s",
             "weighted_clusters": {"clusters": [
               {"name": "checkout@dublin", "weight": 700000},
               {"name": "checkout@frankfurt", "weight": 200000},
               {"name": "shed", "weight": 90000},
               {"name": "refused", "weight": 10000}]}}}]}]}]}

- One virtual host ``shop``; one route per (service, origin), its ``name`` and ``stat_prefix`` being
  ``{service}@{origin}``, sorted by service, then origin. The origin of a request is its ``x-origin`` header.
- Weights are whole numbers that add up to 1,000,000 per route. A weight of 0 is left out.
- Clusters named ``{service}@{region}`` exist for every service in every region where it is deployed, and count
  success, latency and requests in flight of that service there. Clusters named ``{region}`` lead to the same sockets
  for whoever needs no split by service. Regions of the estate that a service is not deployed in have no such cluster.
- ``shed`` answers 503 with ``x-leeward: shed`` ("busy, come back"), ``refused`` answers 451 with
  ``x-leeward: refused`` ("not here"). They are clusters like any other because Envoy draws one random number a
  request: a route fraction in front of a weighted route would be correlated with the choice behind it.
- The time-out is a little below the users' own 2 s, so that what a user gives up on is counted (504) at the edge too.
- No retries, unless the sandbox was made with ``retries`` (then each route's ``route`` has
  ``"retry_policy": {"retry_on": "5xx,reset,connect-failure", "num_retries": 1, "retry_host_predicate": […]}``; a
  driver keeps every field of a route that it does not set itself).
- A broken file keeps the old routes: ``http.edge.rds.shop.update_rejected`` counts it, ``update_success`` a good one,
  and ``http.edge.rds.shop.version_text`` tells which ``version_info`` is in force.

**What the admin address tells** (``/stats?filter=…&format=json``, or ``/stats/prometheus``):
``cluster.{service}@{region}.upstream_rq_2xx|4xx|5xx|total|timeout|cancelled`` (counters),
``cluster.{service}@{region}.upstream_rq_active`` (requests still in flight: the stragglers of a shift),
``cluster.{service}@{region}.upstream_rq_time`` (histogram, ms), ``cluster.shed.upstream_rq_total`` and
``vhost.shop.route.{service}@{origin}.upstream_rq_total`` (demand by origin, shed and refused included).
A dot in a service's name reads ``_`` in cluster statistics.
"""
