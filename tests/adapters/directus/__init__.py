"""The Directus adapter without a server: its options, its answers as Directus 12.4.0 gives them, its requests."""
