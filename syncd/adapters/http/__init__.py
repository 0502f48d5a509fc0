"""The adapter `http`: a CMS declared in config."""

from syncd.adapters.http.adapter import HttpAdapter
from syncd.adapters.http.plan import Options

__all__ = ["HttpAdapter", "Options"]
