"""Eyes: looking at real things from here, cheaply, thousands of times a second.

May live here: one module a kind of probe (the entry-point group ``leeward.probes``), and what they share: the
scheduler, the reactor of raw sockets, the watch on the prober itself. May not: weighing of evidence, memory of what
was seen before (the engine's book has it), anything that acts.
"""
