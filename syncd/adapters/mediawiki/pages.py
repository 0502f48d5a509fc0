"""The pages of a wiki, looked up and written: by key, by number, on top of the revision that was looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

from syncd.adapters.mediawiki.names import candidates, key_page
from syncd.adapters.mediawiki.page import Opened, open_page, text_of_page
from syncd.adapters.mediawiki.session import Wiki
from syncd.errors import AdapterError, Conflict, NotApplied, NotFound, Rejected, Unknown
from syncd.model import RemoteState

_TRIES = 3
"""Looks at most while others take the names that were free."""
_REDIRECT = re.compile(r"#REDIRECT \[\[:?([^\]\n]+)\]\]")
_BY_PROGRAM = {"bot": "1", "watchlist": "nochange"}
_IDS = {"prop": "revisions", "rvslots": "main"}


@dataclass(frozen=True)
class Page:
    """A page's last revision. id: of the page, which stays when it is renamed. name: with its namespace. user: who wrote the
    revision."""

    id: str
    name: str
    revision: str
    user: str
    text: str

    @cached_property
    def opened(self) -> Opened:
        return open_page(self.text)

    @property
    def title(self) -> str:
        return self.opened.title or self.name

    @property
    def state(self) -> RemoteState:
        return RemoteState.WITHDRAWN if self.opened.notice else RemoteState.PUBLIC


@dataclass(frozen=True, slots=True)
class Written:
    """What an edit made. changed: False where the text was there already."""

    id: str
    name: str
    revision: str
    changed: bool = True


@dataclass(frozen=True, slots=True)
class _Place:
    """The name that a new page gets. leads: the key's page leads there already; base: its revision if it leads elsewhere."""

    name: str
    leads: bool = False
    base: str = ""


class Pages:
    """key_pages: what the names of the pages begin with that lead from a key to its page."""

    def __init__(self, wiki: Wiki, key_pages: str) -> None:
        self._wiki = wiki
        self._prefix = key_pages

    async def find(self, key: str) -> Page | None:
        """Where the key's page leads, if it is ours: MediaWiki keeps one page of a name and follows renames."""
        found = _first(await self._wiki.get(
            action="query", titles=key_page(self._prefix, key), redirects="1", rvprop="ids|user|content", **_IDS))
        return found if found is not None and await self._is_of(found, key) else None

    async def get(self, id: str) -> Page:
        """Raises NotFound."""
        found = _first(await self._wiki.get(action="query", pageids=id, rvprop="ids|user|content", **_IDS))
        if found is None:
            raise NotFound("gone", f"page {id} is not there any more", hint="was it deleted at the site? see its deletion log")
        return found

    async def _is_of(self, page: Page, key: str) -> bool:
        """By the seal; where an editor has removed it, by who made the page and why, which nobody can change."""
        if page.opened.key:
            return page.opened.key == key
        told = await self._wiki.get(
            action="query", pageids=page.id, prop="revisions", rvprop="user|comment", rvdir="newer", rvlimit="1")
        first = _revision(_entries(told)[0] if _entries(told) else {})
        me = (await self._wiki.opened()).name
        return first.get("user") == me and f"({key})" in str(first.get("comment") or "")

    async def make(self, title: str, key: str, text: Callable[[str], str], summary: str) -> Written:
        """A new page: first the one that leads from the key to it, which nobody can make twice. text: made of its name.
        Raises Conflict("exists") for a key that has a page."""
        for _ in range(_TRIES):
            place = await self._place(title, key)
            if not await self._lead(place, key):
                continue
            try:
                fields = {"title": place.name, "createonly": "1", "text": text(place.name), "summary": f"{summary} ({key})"}
                return await self._edit(fields)
            except Conflict:
                continue
        raise NotApplied("names_taken", f"{_TRIES} times somebody else took the names that were free",
                         hint="it is tried again by itself")

    async def _place(self, title: str, key: str) -> _Place:
        """Where a new page goes, by one look at all that may be there."""
        lead, names = key_page(self._prefix, key), candidates(title, key)
        told = await self._wiki.get(action="query", titles="|".join(dict.fromkeys((lead, *names))), **_IDS,
                                    rvprop="ids|content|user")
        there = {page.name: page for page in _pages(told)}
        leading = there.get(_normal(told, lead))
        base = leading.revision if leading else ""
        if ours := next((there[name] for name in names if name in there and there[name].opened.key == key), None):
            raise await self._found_again(ours, leading, key)
        aim = _REDIRECT.match(leading.text) if leading else None
        if aim is not None and not await self._is_taken(aim[1], key):
            return _Place(aim[1], leads=True)
        return _Place(next((name for name in names if name not in there), names[-1]), base=base)

    async def _found_again(self, ours: Page, leading: Page | None, key: str) -> Conflict:
        """The key has a page. Nothing would find it if somebody deleted what leads to it: then that is made again."""
        if leading is None:
            await self._lead(_Place(ours.name), key)
        return Conflict("exists", f"{key} has a page already", where=ours.name, hint="it is found by its key")

    async def _is_taken(self, name: str, key: str) -> bool:
        """Whether the page to which the key leads is somebody else's. Raises Conflict("exists") if it is the key's own."""
        if await self.find(key) is not None:
            raise Conflict("exists", f"{key} has a page already", where=name, hint="it is found by its key")
        told = await self._wiki.get(action="query", titles=name, prop="info")
        return any(not each.get("missing") for each in _entries(told))

    async def _lead(self, place: _Place, key: str) -> bool:
        """Let the key's page lead to the name; False when somebody else was there first."""
        if place.leads:
            return True
        name = key_page(self._prefix, key)
        only = {"nocreate": "1", "baserevid": place.base} if place.base else {"createonly": "1"}
        fields = {"title": name, "text": f"#REDIRECT [[{place.name}]]", "summary": f"({key})", **only}
        try:
            await self._edit(fields)
        except Conflict:
            return False
        return True

    async def change(self, before: Page, text: str, summary: str) -> Written:
        """Raises Conflict("version") when somebody has changed the page since it was looked at."""
        fields = {"pageid": before.id, "nocreate": "1", "baserevid": before.revision, "text": text, "summary": summary}
        done = await self._wiki.post("edit", {**fields, **_BY_PROGRAM})
        written = self._written(done)
        if not written.changed:
            return Written(before.id, before.name, before.revision, changed=False)
        if str(done.get("oldrevid")) != before.revision:
            await self._put_back(written)
        return written

    async def _put_back(self, merged: Written) -> None:
        """MediaWiki writes two texts into one where they were changed in different lines: it is undone, and told."""
        fields = {"pageid": merged.id, "undo": merged.revision, "nocreate": "1", "summary": "undo"}
        hint = "the editor's text stands: see the page's history"
        try:
            await self._edit(fields)
        except AdapterError as error:
            hint = f"revision {merged.revision} has both texts in one and could not be undone ({error.reason}): mend the page"
        raise Conflict("version", f"page {merged.name} was changed in the very moment", hint=hint)

    async def remove(self, page: Page, key: str, summary: str) -> tuple[str, ...]:
        """The page, then the one that leads to it; what is left comes back in words. Raises NotFound."""
        await self._wiki.post("delete", {"pageid": page.id, "reason": summary, "watchlist": "nochange"})
        lead = key_page(self._prefix, key)
        try:
            await self._wiki.post("delete", {"title": lead, "reason": summary, "watchlist": "nochange"})
        except NotFound:
            return ()
        except AdapterError as error:
            return (f"{lead} may still be there: {error.message}",)
        return ()

    async def shown(self, id: str) -> tuple[Page, str]:
        """A page and the HTML of its text, of one revision. Who wrote it is asked only where it is not what we wrote.
        Raises NotFound."""
        told = await self._wiki.get(
            action="parse", pageid=id, prop="text|wikitext|revid", disablelimitreport="1", disableeditsection="1",
            disabletoc="1", wrapoutputclass="")
        parsed = told.get("parse")
        parsed = parsed if isinstance(parsed, dict) else {}
        text, stored, revision = parsed.get("text"), parsed.get("wikitext"), parsed.get("revid")
        if not isinstance(text, str) or not isinstance(stored, str) or not revision:
            raise NotApplied("not_json", "the wiki shows no text of a page", hint="open the page in a browser")
        page = Page(id, str(parsed.get("title")), str(revision), "", stored)
        user = (await self._wiki.opened()).name if page.opened.whole else await self._user(page)
        return replace(page, user=user), text_of_page(text, page.opened)

    async def _user(self, page: Page) -> str:
        told = await self._wiki.get(action="query", revids=page.revision, prop="revisions", rvprop="user")
        entries = _entries(told)
        return str(_revision(entries[0]).get("user") or "") if entries else ""

    async def _edit(self, fields: Mapping[str, str]) -> Written:
        return self._written(await self._wiki.post("edit", {**fields, **_BY_PROGRAM}))

    def _written(self, done: Mapping[str, Any]) -> Written:
        id, name, revision = done.get("pageid"), done.get("title"), done.get("newrevid")
        if done.get("result") == "Success" and id and isinstance(name, str) and (revision or "nochange" in done):
            return Written(str(id), name, str(revision or ""), changed=bool(revision))
        if done.get("result") == "Failure":
            raise _refused(done)
        raise Unknown("not_json", "the wiki does not tell what it wrote", hint="it is looked at before it is repeated")


def address(public_url: str, general: Mapping[str, Any], name: str) -> str:
    """Where the public finds a page. general: siteinfo."""
    parts = urlsplit(public_url)
    path = str(general.get("articlepath") or "/index.php/$1")
    return f"{parts.scheme}://{parts.netloc}{path.replace('$1', quote(name.replace(' ', '_'), safe=';@$!*(),/~:'))}"


def _refused(done: Mapping[str, Any]) -> AdapterError:
    """An extension said no: a captcha, a filter, a blacklist."""
    words = " ".join(str(value) for name, value in sorted(done.items()) if name != "result" and isinstance(value, str))
    return Rejected("", "refused", f"an extension of the wiki refused the text: {words[:200] or 'without a reason'}",
                    hint="let the account skip captchas and filters (skipcaptcha, abusefilter-bypass); then syncd retry")


def _first(told: Mapping[str, Any]) -> Page | None:
    return next(iter(_pages(told)), None)


def _pages(told: Mapping[str, Any]) -> list[Page]:
    return [page for page in map(_page, _entries(told)) if page is not None]


def _entries(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    query = told.get("query")
    pages = query.get("pages") if isinstance(query, dict) else None
    if not isinstance(pages, list):
        raise NotApplied("not_json", "the wiki's answer tells of no page", hint="is this a MediaWiki of 1.35 or later?")
    return [each for each in pages if isinstance(each, dict)]


def _page(entry: Mapping[str, Any]) -> Page | None:
    if entry.get("missing") or entry.get("invalid") or not entry.get("pageid"):
        return None
    revision = _revision(entry)
    slots = revision.get("slots")
    content = slots.get("main", {}).get("content") if isinstance(slots, dict) else None
    number, user = (str(revision.get(name) or "") for name in ("revid", "user"))
    return Page(str(entry["pageid"]), str(entry.get("title")), number, user, content if isinstance(content, str) else "")


def _revision(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    told = entry.get("revisions")
    return told[0] if isinstance(told, list) and told and isinstance(told[0], dict) else {}


def _normal(told: Mapping[str, Any], name: str) -> str:
    """How the wiki itself writes a name that was asked for (the namespace in its language)."""
    query = told.get("query")
    pairs = query.get("normalized") if isinstance(query, dict) else None
    return next((str(each.get("to")) for each in pairs or () if each.get("from") == name), name)
