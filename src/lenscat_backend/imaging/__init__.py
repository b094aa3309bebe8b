"""Bytes to facts and thumbnails: the format table, headers, embedded metadata, hashing and rendering."""
