"""A session that ends while several calls are on their way, and a log-in that comes to nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from syncd.errors import AdapterError, AuthFailed, NotApplied, RateLimited
from tests.adapters.mediawiki.kit import SECRET, Site, entry, pages

LOOK: dict[str, Any] = {"action": "query", "titles": "x"}


def test_a_late_answer_to_a_session_that_has_ended_takes_nothing_from_the_next_one() -> None:
    site = Site({"query": [pages(entry("甲"))]})
    wiki = site.wiki()

    async def slow(asked: Mapping[str, str]) -> None:
        while asked["titles"] == "slow" and site.logins < 2:
            await asyncio.sleep(0)
        for _ in range(20 if asked["titles"] == "slow" else 0):
            await asyncio.sleep(0)

    async def both() -> None:
        await wiki.opened()
        site.ended, site.held = {"1"}, slow
        told = await asyncio.gather(*(wiki.get(**LOOK | {"titles": title}) for title in ("slow", "quick")))
        assert all(each["query"]["pages"] for each in told)

    asyncio.run(both())
    assert site.logins == 2


def test_a_session_that_ends_again_before_the_repeat_is_renewed_again() -> None:
    site = Site({"query": [pages(entry("甲"))]}, ended={"1", "2"})
    asyncio.run(site.wiki().get(**LOOK))
    assert site.logins == 3


def test_a_wiki_that_lets_no_session_last_is_not_logged_in_to_for_ever() -> None:
    site = Site({"query": [pages(entry("甲"))]}, ended={"1", "2", "3"})
    with pytest.raises(AuthFailed):
        asyncio.run(site.wiki().get(**LOOK))
    assert site.logins == 3


@pytest.mark.parametrize(("login", "kind"), [
    ({"result": "Failed", "reason": f"Incorrect username or password entered. {SECRET}"}, AuthFailed),
    ({"result": "Failed", "reason": "User \"Syncd\" does not have a bot password named \"syncd\"."}, AuthFailed),
    ({"result": "Aborted", "reason": "Authentication requires user interaction"}, AuthFailed),
    ({"result": "Failed", "reason": "You have made too many recent login attempts. Please wait"}, RateLimited),
    ({"result": "Failed", "reason": "Unable to continue login. Your session most likely timed out."}, NotApplied),
    ({"result": "NeedToken", "token": "x+\\"}, NotApplied), ({"result": "WrongToken"}, NotApplied), ({}, NotApplied),
])
def test_only_a_log_in_that_the_wiki_refuses_stops_the_site(login: dict[str, str], kind: type[AdapterError]) -> None:
    with pytest.raises(AdapterError) as failure:
        asyncio.run(Site(login=login).wiki().opened())
    assert type(failure.value) is kind
    assert failure.value.hint
    assert SECRET not in f"{failure.value}{failure.value.hint}"
