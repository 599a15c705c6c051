"""Memory that outlives a process: the journal, the state and the lease.

May live here: implementations of ``ports.store`` and what they share (the hash chain, the schema and its migrations).
May not: what any document or entry means, a decision, a plan. Everything here answers the same contract suite, the
in-memory store of the simulator included. SQLAlchemy is imported only when a database is opened.
"""
