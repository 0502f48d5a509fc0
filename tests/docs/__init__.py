"""The documents are run: each command of the guides, each snippet, each link, the adapter author's example."""
