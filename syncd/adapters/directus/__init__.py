"""Directus by its REST API: items of a collection that the site made, under an id of our own, changed under a condition."""

from syncd.adapters.directus.adapter import DirectusAdapter
from syncd.adapters.directus.options import Options

__all__ = ["DirectusAdapter", "Options"]
