"""The composition root: builds everything from the config, starts and stops it, reloads it, and answers for it."""

from syncd.app.daemon import run_daemon, run_once, upgrade
from syncd.app.doors import open_desk

__all__ = ["open_desk", "run_daemon", "run_once", "upgrade"]
