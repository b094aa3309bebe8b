"""Bytes at a place: one store interface, and the places that implement it."""
