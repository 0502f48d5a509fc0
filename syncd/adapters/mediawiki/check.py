"""What `syncd check` asks of a wiki: reach, version, log-in, rights, files, key pages, titles, columns, clock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from syncd.adapters.api import Capabilities, CheckReport
from syncd.adapters.checks import Steps
from syncd.adapters.json_api import Told
from syncd.adapters.mediawiki.names import key_page
from syncd.adapters.mediawiki.options import Options
from syncd.adapters.mediawiki.session import Session, Wiki
from syncd.errors import AdapterError

_GENERATOR = re.compile(r"MediaWiki (([0-9]+)\.([0-9]+)[0-9A-Za-z.-]{0,20})")
_OLDEST = (1, 35)
_GRANTS = "give the bot password the grants and its account the groups that docs/adapters/mediawiki.md lists"
_ANOTHER = "另一个标题"


class Checker(Steps):
    """One run of the check; each step that fails says what to do, and the later ones that need it are left out."""

    def __init__(self, wiki: Wiki, options: Options) -> None:
        super().__init__()
        self._wiki, self._options = wiki, options

    async def run(self, capabilities: Capabilities) -> CheckReport:
        version = ""
        try:
            told = await self._wiki.siteinfo()
            version = self._reach(told)
            self._clock(told.answer)
            session = await self._session()
            capabilities = self._rights(session, capabilities)
            await self._key_pages()
            await self._titles()
            await self._columns()
        except AdapterError as error:
            self._failed(self._step, error)
        return self._report(capabilities, version)

    _step = "reach"

    def _reach(self, told: Told) -> str:
        """The version."""
        general = _general(told)
        found = _GENERATOR.match(str(general.get("generator") or ""))
        known = found is not None and (int(found[2]), int(found[3])) >= _OLDEST
        self._say("reach", known, found[0] if found else "this is no MediaWiki",
                  "write the address of api.php of a MediaWiki 1.35 or later into api_url")
        self._https(self._options.api_url, "the password")
        return found[1] if found else ""

    async def _session(self) -> Session:
        self._step = "login"
        session = await self._wiki.opened()
        self._say("login", True, f"as {session.name}")
        read_only = str(session.general.get("readonlyreason") or "yes") if session.general.get("readonly") else ""
        self._say("writable", not read_only, read_only or "the wiki takes edits", "wait, or ask the wiki's owner")
        return session

    def _rights(self, session: Session, capabilities: Capabilities) -> Capabilities:
        wanted = {"edit", "createpage", "writeapi", *(("delete",) if self._options.withdraw == "delete" else ())}
        lacking = sorted(wanted - session.rights - ({"writeapi"} if "writeapi" not in _told_rights(session) else set()))
        self._say("rights", not lacking, f"lacks {', '.join(lacking)}" if lacking else "may create and edit pages", _GRANTS)
        calm = "noratelimit" in session.rights
        self._say("rate", True, "no limit" if calm else "the account's edits are limited ($wgRateLimits): give it noratelimit")
        uploads = bool(session.endings)
        self._say("files", True, f"are copied: {', '.join(sorted(session.endings))}" if uploads
                  else "stay at their source: set $wgEnableUploads, and give the right upload")
        size = session.general.get("maxarticlesize")
        return replace(
            capabilities, delete="delete" in session.rights, media="endpoint" if uploads else "none",
            max_body=size if isinstance(size, int) and size > 0 else capabilities.max_body)

    async def _key_pages(self) -> None:
        """Whether a page that leads from a key to its post can be made and edited."""
        self._step = "key_pages"
        name = key_page(self._options.key_pages, "syncd-check")
        told = await self._wiki.get(action="query", titles=name, prop="info", intestactions="edit|create")
        page = next(iter(_pages(told)), {})
        may = page.get("actions")
        ok = isinstance(may, dict) and bool(may.get("edit")) and not page.get("invalid")
        self._say("key_pages", ok, f"{page.get('title', name)}{'' if ok else ' can not be made'}",
                  "name another beginning of pages in key_pages, in a namespace that the account may edit")

    async def _titles(self) -> None:
        self._step = "titles"
        told = await self._wiki.get(
            action="parse", title="Syncd", text=f"{{{{DISPLAYTITLE:{_ANOTHER}}}}}", contentmodel="wikitext",
            prop="displaytitle")
        parsed = told.get("parse")
        shows = _ANOTHER in str(parsed.get("displaytitle")) if isinstance(parsed, dict) else False
        wanted = self._options.display_titles
        self._say("titles", shows or not wanted,
                  "the wiki shows a title that is not its page's name" if shows else "a title is its page's name",
                  "set $wgRestrictDisplayTitle = false in LocalSettings.php, or display_titles = false")

    async def _columns(self) -> None:
        self._step = "columns"
        for column, name in self._options.columns.items():
            told = await self._wiki.get(action="query", titles=f"Category:{name}", prop="info")
            page = next(iter(_pages(told)), {})
            self._say(f"column {column}", not page.get("invalid"), f"{page.get('title', name)}{_unmade(page)}",
                      "write a category's name into columns")


def _unmade(page: Mapping[str, Any]) -> str:
    return " (its page has no text yet)" if page.get("missing") else ""


def _general(told: Told) -> Mapping[str, Any]:
    query = told.value.get("query")
    general = query.get("general") if isinstance(query, dict) else None
    return general if isinstance(general, dict) else {}


def _told_rights(session: Session) -> frozenset[str]:
    """MediaWiki 1.41 took writeapi away: nobody has it there."""
    found = _GENERATOR.match(str(session.general.get("generator") or ""))
    late = found is not None and (int(found[2]), int(found[3])) >= (1, 41)
    return frozenset() if late else frozenset({"writeapi"})


def _pages(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    query = told.get("query")
    pages = query.get("pages") if isinstance(query, dict) else None
    return [each for each in pages or () if isinstance(each, dict)]
