"""What `syncd check` asks of a Mastodon: reach, version, length of a status, log-in, and the account's own statuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from syncd.adapters.api import Capabilities, CheckReport
from syncd.adapters.checks import Steps
from syncd.adapters.json_api import JsonApi, Told
from syncd.adapters.mastodon.options import LEAST, Options
from syncd.adapters.mastodon.timeline import Timeline
from syncd.adapters.note import FRAME, mark_of
from syncd.core.abridge import ADDRESS
from syncd.errors import AdapterError


class Checker(Steps):
    """One run of the check; each step that fails says what to do, and the later ones that need it are left out."""

    def __init__(self, api: JsonApi, options: Options, timeline: Timeline) -> None:
        super().__init__()
        self._api, self._options, self._timeline = api, options, timeline

    async def run(self, declared: Callable[[int], Capabilities], usual: int) -> CheckReport:
        """declared: the capabilities where a status has so many characters. usual: how many where the server doesn't say."""
        told = await self._reach()
        if told is not None and await self._login():
            await self._history()
        most = self._length(told, usual)
        version = str(told.value.get("version") or "") if told else ""
        return self._report(declared(most), version)

    async def _reach(self) -> Told | None:
        """Mastodon 4 and later; anybody may ask for that."""
        try:
            told = await self._api.get("/api/v2/instance")
        except AdapterError as error:
            self._say("reach", False, error.message, error.hint or "check api_url: a Mastodon 4 or later must be there")
            return None
        self._say("reach", True, f"{str(told.value.get('title') or 'the server')[:60]} answers")
        self._clock(told.answer)
        self._https(self._options.api_url, "the token")
        return told

    async def _login(self) -> bool:
        try:
            account = await self._timeline.account()
        except AdapterError as error:
            return self._say("login", False, error.message, error.hint or "make a new access token")
        return self._say("login", True, f"the token is taken, the account is {account}")

    async def _history(self) -> None:
        """All statuses are read once, so that it shows here if they are too many."""
        try:
            await self._timeline.bearing(mark_of(""))
        except AdapterError as error:
            self._say("statuses", False, error.message, error.hint)
        else:
            self._say("statuses", True, "the account's own statuses can be read")

    def _length(self, told: Told | None, usual: int) -> int:
        """Characters of a status, less what an address counts more than it does at Mastodon."""
        limits = _limits(told.value if told else {})
        said, address = limits.get("max_characters"), limits.get("characters_reserved_per_url")
        most = said if isinstance(said, int) else usual
        most -= max(0, address - ADDRESS) if isinstance(address, int) else 0
        most = min(most, self._options.max_characters or most)
        if told is not None:
            self._say("length", most >= FRAME + LEAST, f"{most} characters a status", "a note needs more characters than that")
        return most


def _limits(value: Mapping[str, Any]) -> Mapping[str, Any]:
    configuration = value.get("configuration")
    statuses = configuration.get("statuses") if isinstance(configuration, dict) else None
    return statuses if isinstance(statuses, dict) else {}
