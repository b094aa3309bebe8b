"""What things are: paths, facts, items, sidecars, manifests, queries. No input or output."""
