"""Rules about the house itself: sizes, names, imports, packaging, documents."""
