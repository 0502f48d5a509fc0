"""The Strapi adapter without a server: its options, its answers as Strapi 5.54.0 gives them, its requests."""
