"""The account's own statuses by the marks that they bear: Mastodon can search for nothing with certainty."""

from __future__ import annotations

from collections.abc import Iterable

from syncd.adapters.json_api import JsonApi, Query, Told
from syncd.adapters.mastodon.options import Options
from syncd.adapters.mastodon.status import Status, parse
from syncd.errors import NotApplied, NotFound

_PAGE = 40
"""Statuses of a page, at most: https://docs.joinmastodon.org/methods/accounts/#statuses"""


class Timeline:
    """Read whole once, newest first; from then on only as far as something is new.

    Every page that is read again proves itself by a status that is known; what is not on such a page is asked for by its id.
    """

    def __init__(self, api: JsonApi, options: Options) -> None:
        self._api, self._options = api, options
        self._account = ""
        self._known: set[str] = set()
        self._bearing: dict[str, set[str]] = {}
        self._whole = False
        self._gone: dict[str, str] = {}

    async def bearing(self, mark: str) -> list[Status]:
        """The statuses with this mark, the oldest first. Raises NotApplied("too_many_statuses") where not all could be read."""
        fresh = await self._read()
        found = []
        for id in sorted(self._bearing.get(mark, ()), key=_age):
            status = fresh.get(id) or await self._still(id, mark)
            if status is not None and status.opened.mark == mark:
                found.append(status)
        return found

    def learn(self, status: Status) -> None:
        """Of a status that was made or read, whose it is; it does not prove that all older ones were read."""
        if mark := status.opened.mark:
            self._bearing.setdefault(mark, set()).add(status.id)

    def last_gone(self, mark: str) -> str:
        """The id of a status of this mark that was deleted, the newest that is known of, or ""."""
        return self._gone.get(mark, "")

    async def get(self, id: str) -> Status:
        """Raises NotFound, and AuthFailed for a token that is not taken: anybody may read a public status."""
        await self.account()
        if not id.isalnum():
            raise NotFound("not_found", f"{id[:40]!r} is no id of a status", hint="give the id that its address shows")
        told = await self._api.get(f"/api/v1/statuses/{id}")
        status = self.status(told, writes=False)
        if status.id != id:
            raise self._api.garbled(told.answer, writes=False)
        return status

    def status(self, told: Told, *, writes: bool) -> Status:
        """The status in an answer. Raises Unknown or NotApplied if there is none."""
        try:
            return parse(told.value)
        except (KeyError, TypeError, ValueError) as cause:
            raise self._api.garbled(told.answer, writes=writes) from cause

    async def account(self) -> str:
        """The id of the account; asking for it needs the log-in."""
        if not self._account:
            told = await self._api.get("/api/v1/accounts/verify_credentials")
            if not isinstance(told.value.get("id"), str):
                raise self._api.garbled(told.answer, writes=False)
            self._account = told.value["id"]
        return self._account

    async def _still(self, id: str, mark: str) -> Status | None:
        try:
            return await self.get(id)
        except NotFound:
            self._bearing[mark].discard(id)
            self._gone[mark] = max(self._gone.get(mark, ""), id, key=_age)
            return None

    async def _read(self) -> dict[str, Status]:
        """The newest statuses, down to one that is known; all of them at first."""
        fresh: dict[str, Status] = {}
        oldest = ""
        while page := await self._page(oldest):
            oldest = page[-1].id
            fresh |= {status.id: status for status in page}
            if self._whole and oldest in self._known:
                break
            self._refuse_too_many(len(fresh))
        self._remember(fresh.values())
        return fresh

    async def _page(self, before: str) -> list[Status]:
        query: dict[str, str | int] = {"limit": _PAGE, "exclude_reblogs": "true"}
        query |= {"max_id": before} if before else {}
        query |= {"since_id": self._options.after} if self._options.after else {}
        return await self._statuses(await self.account(), query)

    async def _statuses(self, account: str, query: Query) -> list[Status]:
        told = await self._api.get(f"/api/v1/accounts/{account}/statuses", query, several=True)
        try:
            page = [parse(each) for each in told.items]
        except (KeyError, TypeError, ValueError) as cause:
            raise self._api.garbled(told.answer, writes=False) from cause
        before = query.get("max_id")
        if before and any(_age(status.id) >= _age(str(before)) for status in page):
            raise self._api.garbled(told.answer, writes=False)  # a proxy that drops the question would turn us in a circle
        return page

    def _refuse_too_many(self, read: int) -> None:
        if read >= self._options.look_back:
            raise NotApplied("too_many_statuses", f"{read} statuses were read, and the account has more",
                             where=self._options.api_url,
                             hint="write the id of the last status from before syncd into after, or set look_back higher")

    def _remember(self, statuses: Iterable[Status]) -> None:
        for status in statuses:
            self._known.add(status.id)
            self.learn(status)
        self._whole = True


def _age(id: str) -> tuple[int, str]:
    """Ids grow with time; they are numbers, of which only the server knows how long they are."""
    return len(id), id
