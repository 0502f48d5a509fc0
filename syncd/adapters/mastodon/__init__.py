"""Mastodon by its REST API: a note of each document on the site's social channel, with a link to the document."""

from syncd.adapters.mastodon.adapter import MastodonAdapter
from syncd.adapters.mastodon.options import Options

__all__ = ["MastodonAdapter", "Options"]
