"""The HTTP API: thin. It parses, calls the library and answers."""
