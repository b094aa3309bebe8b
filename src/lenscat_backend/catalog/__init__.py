"""The disposable index of a library: what the last look at the files found, in SQLite. Delete it at any moment."""
