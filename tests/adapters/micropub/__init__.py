"""The Micropub adapter without a server: its options, what answers mean, its requests."""
