"""The status endpoint: health, metrics, the API and the pages for people, over what a Desk tells."""

from __future__ import annotations

from syncd.status.api import Desk
from syncd.status.app import create_app
from syncd.status.server import Server, serve

__all__ = ["Desk", "Server", "create_app", "serve"]
