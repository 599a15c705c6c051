"""The demo: a sandbox under load with a control plane over it, a region killed and brought back, and what users saw.

It exists so that the whole main job is shown, measured and written down in under two minutes. May live here: the order
of events, watching from outside, measuring, the report. May not: printing, a decision, or a look into the control
plane other than by its HTTP interface.
"""
