"""AWS: record sets, routing controls, Region switch plans, parameters, configurations, groups and global databases.

May live here: one module a driver, the pure parts that several of them share, and in ``calls`` the one way in which any
of them speaks to AWS: blocking clients in worker threads behind a limiter. May not: a credential in any form (they come
from boto3's own chain), or an import of boto3 before the first call.
"""
