"""What is kept: about two dozen verbs of the domain, each one transaction."""
