"""The Ghost adapter without a server: what it asks, and what it makes of answers that a real Ghost 6.65.0 gave."""
