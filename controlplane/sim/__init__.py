"""A false world behind the same ports, on a virtual clock, from a seed.

Why: policies are programs, and the only honest way to test them is to let the daemon's own code live through an
outage. Truth (what is so, what users suffer) and evidence (what somebody could have seen of it) are kept apart; what
breaks a rule is found by watchers that look at the truth, never by asking the code that decides.

May live here: regions, networks, queues, faults and clocks that are not real, the drivers and eyes that act on and look
at them, the watchers, the figures and the account of a run. May not: a real socket, thread, file or clock, and no
import of engine, decide, load or store: the daemon and its memory are handed in (``daemon.Parts``).
"""
