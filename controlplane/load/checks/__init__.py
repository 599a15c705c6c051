"""What only shows when documents are laid side by side.

May live here: one module a question, each of which goes over a whole folder and tells mistakes and warnings. May not:
reading files, what one document's model can check itself, decisions.
"""
