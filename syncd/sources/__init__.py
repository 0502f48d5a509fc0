"""The kinds of lists that are watched, and how a document's page is taken apart."""
