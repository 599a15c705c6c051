"""The report of a demo: one page of HTML that needs no network and no script, with everything on one time axis.

May live here: a record and its outcome into geometry and words, and the template. May not: measuring, or waiting.
"""
