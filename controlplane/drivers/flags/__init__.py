"""Flags: knob values in a flag definition file, as flagd reads it and as OFREP serves it.

May live here: the file's format, its evaluation, and the driver that changes it. May not: HTTP routes (the API has
them), or what a knob's levels are.
"""
