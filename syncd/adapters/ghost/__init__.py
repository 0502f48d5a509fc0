"""Ghost through its Admin API: a draft with a slug of ours, published by its number; an update carries its own condition."""

from syncd.adapters.ghost.adapter import GhostAdapter
from syncd.adapters.ghost.options import Options

__all__ = ["GhostAdapter", "Options"]
