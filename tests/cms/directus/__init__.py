"""A real Directus over PostgreSQL, with a collection as docs/directus says."""
