"""Everything the command line prints, and the only place that prints.

It exists so that words and layout are one hand's: most important first, short, what to do next at the end.
May live here: nouns into lines and tables, live views, questions to the person at the terminal. May not: a request to
the daemon, a decision, or an exit code.
"""
