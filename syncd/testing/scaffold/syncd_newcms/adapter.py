"""The adapter `newcms`: the calls that syncd makes, and what the CMS can do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import BaseModel
from syncd.adapters.api import Capabilities, CheckItem, CheckReport, How, SiteConfig, Tools
from syncd.errors import AdapterError, NotFound
from syncd.model import Post, RemoteDoc, RemoteRef, RemoteState, WriteResult, Wrote

from syncd_newcms import options
from syncd_newcms.api import Api


class NewcmsAdapter:
    """One Newcms. Class A: it refuses a second post of a key, and takes If-Match."""

    api_version: ClassVar[int] = 1
    kind: ClassVar[str] = "newcms"
    Options: ClassVar[type[BaseModel]] = options.Options

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        self._site = site
        self._options = options.Options.model_validate(site.options)
        self._api = Api(tools.client, self._options)
        self.capabilities = Capabilities(
            drafts=True, unpublish=True, delete=True, notice=True, lookup="unique_field", unique="server",
            conditional_update="server", reads=True, lists=True,
        )

    async def check(self) -> CheckReport:
        """Asks on a route that needs the log-in, and changes nothing."""
        try:
            told = await self._api.get("/whoami")
        except AdapterError as error:
            return CheckReport(False, self.capabilities, (CheckItem("login", False, error.message, error.hint),))
        item = CheckItem("login", True, f"as {told['name']}")
        return CheckReport(True, self.capabilities, (item,), server_version=str(told["version"]))

    async def find(self, key: str) -> RemoteRef | None:
        """The post with this very key, in every state; the answer's own key is compared."""
        told = await self._api.get(f"/posts?key={quote(key, safe='')}")
        found = [post for post in told["posts"] if post["key"] == key]
        return self._ref(found[0]) if found else None

    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        """Raises Conflict("exists") for a key that is taken."""
        told = await self._api.create("/posts", {"key": post.key, **_body(post, state)})
        return self._result(told, Wrote.CREATED, post)

    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        """Keeps number and address. Raises Conflict("version") when somebody changed it since."""
        told = await self._api.change("PUT", f"/posts/{ref.id}", _body(post, state), if_version)
        same = str(told["version"]) == ref.version
        return self._result(told, Wrote.UNCHANGED if same else Wrote.UPDATED, post)

    async def withdraw(self, ref: RemoteRef, how: How, if_version: str | None = None) -> WriteResult:
        """Takes it from public view; what is gone already, or withdrawn, is ALREADY."""
        try:
            told = await self._api.change("POST", f"/posts/{ref.id}/withdraw", {"how": how}, if_version)
        except NotFound:
            return WriteResult(replace(ref, state=RemoteState.WITHDRAWN), Wrote.ALREADY)
        done = Wrote.ALREADY if str(told["version"]) == ref.version else Wrote.WITHDRAWN
        return WriteResult(replace(self._ref(told), state=RemoteState.WITHDRAWN), done)

    async def read(self, ref: RemoteRef) -> RemoteDoc:
        """What is stored, as the CMS returns it; called because the capabilities say `reads`."""
        return self._doc(await self._api.get(f"/posts/{ref.id}"))

    async def list(self, prefix: str) -> AsyncIterator[RemoteDoc]:
        """Everything whose key starts with prefix; called because the capabilities say `lists`."""
        told = await self._api.get(f"/posts?prefix={quote(prefix, safe='')}")
        for post in told["posts"]:
            yield self._doc(post)

    async def aclose(self) -> None:
        """Nothing is kept open."""

    def _result(self, told: Mapping[str, Any], outcome: Wrote, post: Post) -> WriteResult:
        """With what is really stored, and what was lost on the way: this CMS takes no files."""
        losses = tuple(f"{media.name} stays at its source" for media in post.media)
        if told["html"] != post.html:
            losses += ("the HTML was rewritten",)
        return WriteResult(self._ref(told), outcome, losses, self._doc(told))

    def _ref(self, told: Mapping[str, Any]) -> RemoteRef:
        """A draft has no public address. modified_by: None for ourselves, so that people's edits are told from ours."""
        state = RemoteState(told["state"])
        url = "" if state is RemoteState.DRAFT else f"{self._site.public_url}/p/{told['id']}"
        by = None if told["modified_by"] == self._options.account else str(told["modified_by"])
        return RemoteRef(str(told["id"]), url, str(told["version"]), state, by)

    def _doc(self, told: Mapping[str, Any]) -> RemoteDoc:
        return RemoteDoc(self._ref(told), str(told["key"]), str(told["title"]), str(told["html"]))


def _body(post: Post, state: RemoteState) -> dict[str, Any]:
    return {"title": post.title, "html": post.html, "state": state.value}
