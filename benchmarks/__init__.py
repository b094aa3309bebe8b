"""What `make bench` runs: ratios measured in one run, never a test of absolute speed."""
