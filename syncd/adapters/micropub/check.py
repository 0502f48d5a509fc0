"""What `syncd check` asks of a Micropub endpoint: reach, token, queries, the look-up, rights, files, clock.

Changes nothing: whether the token may update and delete is asked of an entry that is not there, and without saying what.
Whether it may create can't be asked: many an endpoint makes an entry of a request that says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from syncd.adapters.api import Capabilities, CheckReport
from syncd.adapters.checks import Steps
from syncd.adapters.micropub.api import Endpoint
from syncd.adapters.micropub.options import Options
from syncd.errors import AdapterError, NotFound, Rejected

_NOTHING = "syncd-check-nothing-is-here"


class Checker(Steps):
    """One run of the check. media_url: where files go, "" where nobody says."""

    def __init__(self, api: Endpoint, options: Options, public_url: str) -> None:
        super().__init__()
        self.media_url = options.media_url
        self._api = api
        self._options = options
        self._nothing = options.address_of(_NOTHING, public_url) or f"{public_url}/{_NOTHING}"

    async def run(self, capabilities: Capabilities) -> CheckReport:
        try:
            config, answer = await self._api.config()
        except AdapterError as error:
            self._failed("endpoint", error)
            return self._report(capabilities)
        self._say("endpoint", True, "it takes the token")
        self._clock(answer)
        self._https(self._options.api_url, "the token")
        self._queries(config)
        await self._look_up()
        await self._may("update")
        deletes = await self._may("delete")
        capabilities = replace(capabilities, delete=deletes, media=self._media(config, capabilities))
        return self._report(capabilities)

    def _queries(self, config: Mapping[str, Any]) -> None:
        """What it says that it can do; an endpoint need not say it."""
        known = config.get("q")
        if isinstance(known, list) and "source" not in known:
            self._say("source", False, "the endpoint does not know q=source", "without it nothing can be looked at or compared")
        targets = {str(each.get("uid")) for each in config.get("syndicate-to") or [] if isinstance(each, dict)}
        for uid in self._options.syndicate_to:
            self._say(f"target {uid}", uid in targets, uid, f"the endpoint knows {', '.join(sorted(targets)) or 'none'}")

    async def _look_up(self) -> None:
        """What is not there must be told as such, else nothing is ever found to be missing."""
        try:
            await self._api.source(self._nothing)
        except NotFound:
            way = "by the address of a slug" if self._options.address else "none: what is in doubt waits for a person"
            self._say("look-up", True, way)
        except AdapterError as error:
            self._say("look-up", False, f"q=source of an entry that is not there: {error.message}", error.hint)
        else:
            self._say("look-up", False, f"the endpoint tells of an entry at {self._nothing}, where nothing is",
                      "it must answer q=source for the entry that is asked for")

    async def _may(self, action: str) -> bool:
        try:
            await self._api.act(action, self._nothing)
        except (NotFound, Rejected):
            pass
        except AdapterError as error:
            return self._say(action, False, f"may not {action}: {error.message}", error.hint)
        return self._say(action, True, f"may {action} entries")

    def _media(self, config: Mapping[str, Any], capabilities: Capabilities) -> Any:
        """Without a media endpoint files stay at their source."""
        if capabilities.media == "none":
            return "none"
        self.media_url = self.media_url or media_endpoint(config)
        self._say("files", True, "go to the media endpoint" if self.media_url else "stay at their source: no media endpoint")
        return "endpoint" if self.media_url else "none"


def media_endpoint(config: Mapping[str, Any]) -> str:
    """Where q=config says that files go, "" where it says nothing."""
    told = config.get("media-endpoint")
    return told if isinstance(told, str) and told.startswith(("http://", "https://")) else ""
