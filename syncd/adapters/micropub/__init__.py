"""Micropub (a W3C Recommendation): entries with a title and HTML, found at the address that our slug gives them."""

from syncd.adapters.micropub.adapter import MicropubAdapter
from syncd.adapters.micropub.options import Options

__all__ = ["MicropubAdapter", "Options"]
