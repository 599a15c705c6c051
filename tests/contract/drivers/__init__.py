"""What every driver owes, asked of each against its real target.

A target joins by a module in ``targets/`` that registers a case; the simulator's drivers join the same way.
"""
