"""The words of the control socket are the desk's own, and asking a running daemon loads none of what it needs itself."""

from __future__ import annotations

import inspect
import subprocess
import sys

from syncd.app.desk import Desk
from syncd.app.verbs import VERBS


def test_each_verb_is_a_method_of_the_desk_with_these_arguments() -> None:
    told = {verb: tuple(inspect.signature(getattr(Desk, verb)).parameters)[1:] for verb in VERBS}
    assert told == VERBS


def test_the_way_to_a_running_daemon_loads_no_heavy_library() -> None:
    heavy = ("sqlalchemy", "aiohttp", "httpx", "fastapi", "structlog", "apscheduler", "feedparser", "pydantic")
    code = f"import sys, syncd.app.doors, syncd.app; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_daemon_itself_does_not_load_what_only_its_child_uses() -> None:
    only = ("feedparser", "PIL", "trafilatura")
    code = f"import sys, syncd.app.daemon, syncd.sources.feed; print([m for m in {only!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
