"""Verbs, pure: evidence into verdicts, verdicts into a plan, a plan into permits, all of it into sentences.

May live here: functions from the model's nouns to the model's nouns, and the optimiser. May not: a clock (``now`` is
an argument), chance, I/O, logging, threads, or knowledge of any driver. Whoever needs a mock to test something here
has put it in the wrong room.
"""
