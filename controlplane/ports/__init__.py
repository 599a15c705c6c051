"""What the shell may ask of the world: protocols of four verbs or fewer.

May live here: protocols over the model's nouns. May not: an implementation, a default, a concrete class.
"""
