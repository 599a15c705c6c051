"""Allocation: shares, shedding and knob depths as one optimisation, and the N-1 allocation of big fleets.

Exists so that the planner can ask for the best placement without knowing how it is found. May live here: the question
and the answer as values (``problem``), the joint solve (``allocate``), its parts, and ``fleet``: arrays in, arrays out.
May not: verdicts, policies, actions, rules, or an answer that depends on what was asked before.

``numpy`` and ``highspy`` are imported where they are used; importing ``problem`` costs nothing.
"""
