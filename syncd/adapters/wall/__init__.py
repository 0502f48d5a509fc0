"""The wall around an adapter: whatever one does harms its own site only."""

from syncd.adapters.wall.apart import Apart
from syncd.adapters.wall.faults import Fault
from syncd.adapters.wall.turnstile import Turnstile
from syncd.adapters.wall.wall import Wall
from syncd.adapters.wall.watch import Block, Watch

__all__ = ["Apart", "Block", "Fault", "Turnstile", "Wall", "Watch"]
