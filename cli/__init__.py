"""The operator's face: commands in, tables and JSON out.

May live here: parsing of arguments, rendering, exit codes. May not: decisions, I/O with the estate, or an import at
start-up of anything that the command at hand does not use. ``render/`` is the only place that prints.
"""
