"""syncd: reposts central policy on time, exactly once, and proves it."""

__version__ = "0.1.0"
