"""Wagtail 8 through its write API v3: pages with a key of our own, changed under a condition that the server holds."""

from syncd.adapters.wagtail.adapter import WagtailAdapter
from syncd.adapters.wagtail.options import Options

__all__ = ["Options", "WagtailAdapter"]
