"""The nine pictures of the sample library, painted with Pillow alone."""
