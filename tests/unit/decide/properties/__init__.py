"""R1 to R16, each as a property over random worlds.

May live here: random estates and worlds (``worlds``), and properties that any plan, verdict or permit must have, read
from the contract and not from the planner's code.
"""
