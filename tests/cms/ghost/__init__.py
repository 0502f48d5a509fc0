"""A real Ghost from npm, on SQLite."""
