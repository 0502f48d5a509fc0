"""A folder that any web server can serve as a site: pages, lists and feeds."""

from syncd.adapters.static.adapter import Options, StaticAdapter

__all__ = ["Options", "StaticAdapter"]
