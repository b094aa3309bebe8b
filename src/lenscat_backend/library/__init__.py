"""The gallery itself: folders, items, sidecars, thumbnails, scan, search, health."""
