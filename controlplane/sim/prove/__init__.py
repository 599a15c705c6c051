"""The proof: trouble that nobody wrote down, and what two sets of policies make of the same trouble.

Why: a scenario shows what somebody thought of. Here chance thinks of estates and of faults, and puts the faults where
they hurt most: between the intent and the act, between the act and its confirmation. What breaks a rule is made as
small as it can be made and told, so that it can be mended.

May live here: making estates and trouble from a seed, running them by ``simulate``, shrinking what is found, writing it
down, and comparing runs. May not: a judgement of its own about what is right (that is ``sim.watch``), or anything that
knows the daemon but by ``sim.daemon``.
"""
