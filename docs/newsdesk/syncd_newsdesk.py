"""An adapter to start from: Newsdesk, an invented CMS with a JSON API in which the client chooses an article's id."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, SecretStr

from syncd.adapters.api import Capabilities, CheckItem, CheckReport, How, SiteConfig, Tools
from syncd.errors import AdapterError, NotApplied, NotFound, Rejected, Unknown
from syncd.model import Post, RemoteDoc, RemoteRef, RemoteState, WriteResult, Wrote
from syncd.web.status import raise_for_read, raise_for_write

ACCOUNT = "syncd"
_STATES = {"public": RemoteState.PUBLIC, "draft": RemoteState.DRAFT, "offline": RemoteState.WITHDRAWN}
_NAMES = {state: name for name, state in _STATES.items()}


class Options(BaseModel):
    """What an operator writes into [sites.options]. columns: name of a column to its number in Newsdesk."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    api_url: str
    token: SecretStr
    columns: dict[str, int] = {}


class NewsdeskAdapter:
    """One Newsdesk. Class A: it refuses a second article with an id, and takes If-Match."""

    api_version: ClassVar[int] = 1
    kind: ClassVar[str] = "newsdesk"
    Options: ClassVar[type[BaseModel]] = Options

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        self._site = site
        self._tools = tools
        self._options = Options.model_validate(site.options)
        self.capabilities = Capabilities(
            drafts=True, unpublish=True, taxonomy="fixed", lookup="pk", unique="server", conditional_update="server",
            html="raw", max_title=200, reads=True,
        )

    async def check(self) -> CheckReport:
        """Asks on a route that needs the log-in, and changes nothing."""
        try:
            told = await self._ask("GET", "/me")
        except AdapterError as error:
            return CheckReport(False, self.capabilities, (CheckItem("login", False, error.message, error.hint),))
        known = {int(number) for number in told["columns"]}
        items = [CheckItem("login", True, f"as {told['name']}")]
        for name, number in self._options.columns.items():
            hint = "" if number in known else "make it, or write another number into columns"
            items.append(CheckItem(f"column {name}", number in known, f"number {number}", hint))
        return CheckReport(all(item.ok for item in items), self.capabilities, tuple(items), str(told["version"]))

    async def find(self, key: str) -> RemoteRef | None:
        """By primary key, in every state: authoritative, unlike a search."""
        try:
            told = await self._ask("GET", f"/articles/{quote(key, safe='')}")
        except NotFound:
            return None
        return self._ref(told) if told["id"] == key else None

    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        """A taken id is answered by 409, which `raise_for_write` makes Conflict("exists")."""
        body = {"id": post.key, "column": self._column(post.column), **_body(post, state)}
        return self._result(await self._ask("POST", "/articles", body), Wrote.CREATED, post)

    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        """A version that does not match is answered by 412, which becomes Conflict("version")."""
        told = await self._ask("PUT", f"/articles/{quote(ref.id, safe='')}", _body(post, state), if_version)
        same = str(told["version"]) == ref.version
        return self._result(told, Wrote.UNCHANGED if same else Wrote.UPDATED, post)

    async def withdraw(self, ref: RemoteRef, how: How, if_version: str | None = None) -> WriteResult:
        """Takes it off the public site; what is off already, or gone, is ALREADY. how: we declared unpublish only."""
        try:
            told = await self._ask("PUT", f"/articles/{quote(ref.id, safe='')}/state", {"state": "offline"}, if_version)
        except NotFound:
            return WriteResult(replace(ref, state=RemoteState.WITHDRAWN, version=""), Wrote.ALREADY)
        done = Wrote.ALREADY if str(told["version"]) == ref.version else Wrote.WITHDRAWN
        return WriteResult(self._ref(told), done)

    async def read(self, ref: RemoteRef) -> RemoteDoc:
        """What is stored, as Newsdesk returns it; called because the capabilities say `reads`."""
        return self._doc(await self._ask("GET", f"/articles/{quote(ref.id, safe='')}"))

    async def aclose(self) -> None:
        """Nothing is kept open."""

    async def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, if_version: str | None = None
    ) -> dict[str, Any]:
        """The article or account of a good answer; every other answer is the error that says what to do."""
        headers = {"authorization": f"Bearer {self._options.token.get_secret_value()}", "content-type": "application/json"}
        if if_version is not None:
            headers["if-match"] = f'"{if_version}"'
        url = f"{self._options.api_url.rstrip('/')}/api{path}"
        data = b"" if body is None else json.dumps(body).encode()
        answer = await self._tools.client.call(method, url, headers=headers, body=data)
        told = _json(answer.body)
        if answer.status == 404 and told.get("error") != "no_article":
            raise NotApplied("no_route", "this is not the API of a Newsdesk", where=url, hint="check api_url")
        if method == "GET":
            raise_for_read(answer)
        else:
            raise_for_write(answer, creating=method == "POST")
        if "version" not in told:
            doubt = NotApplied if method == "GET" else Unknown
            raise doubt("not_json", "it answered something else than its JSON", where=url, hint="open the address")
        return told

    def _column(self, name: str) -> int:
        if name not in self._options.columns:
            raise Rejected("column", "no_column", f"no number is known for column {name!r}",
                           hint="add it to this site's columns, then syncd retry")
        return self._options.columns[name]

    def _result(self, told: Mapping[str, Any], outcome: Wrote, post: Post) -> WriteResult:
        """Newsdesk takes no files: links to attachments lead to the source, and that is told."""
        losses = tuple(f"{media.name} stays at its source" for media in post.media)
        if told["html"] != post.html:
            losses += ("the HTML was rewritten",)
        return WriteResult(self._ref(told), outcome, losses, self._doc(told))

    def _ref(self, told: Mapping[str, Any]) -> RemoteRef:
        state = _STATES[told["state"]]
        url = "" if state is RemoteState.DRAFT else f"{self._site.public_url}/news/{told['id']}"
        by = None if told["by"] == ACCOUNT else str(told["by"])
        return RemoteRef(str(told["id"]), url, str(told["version"]), state, by)

    def _doc(self, told: Mapping[str, Any]) -> RemoteDoc:
        return RemoteDoc(self._ref(told), str(told["id"]), str(told["title"]), str(told["html"]))


def _body(post: Post, state: RemoteState) -> dict[str, Any]:
    return {"title": post.title, "html": post.html, "state": _NAMES[state], "source": post.source_url}


def _json(body: bytes) -> dict[str, Any]:
    """The object of an answer, empty if it is none: a firewall's page has status 200 too."""
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
