"""Columns and text indexes over the catalog's items, in immutable blocks: what searches, facets and listings read."""
