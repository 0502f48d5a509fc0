"""The server that the adapter's own tests use too."""

from __future__ import annotations

from tests.adapters.wordpress.conftest import real_wordpress

__all__ = ["real_wordpress"]
