"""PostgreSQL with streaming replication: who is primary, and that who was can no longer write.

May live here: the statements, what their answers mean, and the hook that makes a replaced primary follow. May not: the
servers' files (whoever owns them rewinds them), or when a promotion is right.
"""
