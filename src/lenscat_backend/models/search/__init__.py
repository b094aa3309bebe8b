"""The search language: text to a tree of conditions, which the catalog's engines evaluate."""
