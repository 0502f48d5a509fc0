"""What posts to a site: the public contract in `api`, the built-in kinds, and their registry."""
