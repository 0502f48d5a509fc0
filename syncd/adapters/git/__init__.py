"""A static site kept in git (Hugo, Eleventy, Pelican): class A, a page a commit, pushed only onto what was looked at."""

from syncd.adapters.git.adapter import GitAdapter
from syncd.adapters.git.options import Options

__all__ = ["GitAdapter", "Options"]
