"""Effects: the loop that watches, decides, acts, confirms and remembers.

May live here: observe (evidence into belief), state (what must outlive the process), execute (the only caller of a
driver's ``apply``), recover, reconcile (the loop), supervise (the only broad ``except``), and what people ask of the
loop. May not: a concrete driver, probe or store, a thread, a socket, the wall clock or chance of its own: all waiting
goes through asyncio and the Clock port, so that the same code lives in the simulator's virtual time.
"""
