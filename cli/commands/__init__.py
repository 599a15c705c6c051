"""One file a noun: what is typed becomes a question to the desk, and its answer goes to render/.

May live here: arguments, options, which view shows what, exit codes. May not: printing, sentences, a decision, or an
import at the head of a module that the command's own help does not need.
"""
