"""A real Strapi over SQLite, with the content type of docs/strapi."""
