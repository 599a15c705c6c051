"""Hands: each moves one kind of thing in the world, and knows why of none.

May live here: drivers behind the port, one package or module each, and their registry.
May not: a policy, a plan, or an import of another driver.
"""
