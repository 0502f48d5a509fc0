"""The MediaWiki adapter keeps the contract on a real wiki, and its pages are looked at as anybody does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from syncd.adapters.api import Tools
from syncd.adapters.mediawiki import MediaWikiAdapter
from tests.cms.contract import OnCms, needs
from tests.cms.install import Unavailable
from tests.cms.mediawiki.kit import Chen, adapter
from tests.cms.mediawiki.site import PASSWORDS, Wiki, wiki
from tests.cms.subject import Act, Subject

pytestmark = pytest.mark.cms
_WRITES = frozenset({"edit", "upload", "delete"})


@pytest.mark.servers
class TestMediaWiki(OnCms):
    subject = Subject("mediawiki", "MediaWiki", "MediaWiki")
    secrets = (PASSWORDS["Syncd@syncd"],)
    wiki: Wiki
    chen: Chen

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _running(cls) -> Iterator[None]:
        try:
            with wiki() as running:
                cls.wiki, cls.chen, cls.hosts = running, Chen(running), running.server.hosts
                yield
        except Unavailable as reason:
            needs(cls.subject.component, reason)

    def make_adapter(self, tools: Tools) -> MediaWikiAdapter:
        return adapter(self.wiki, tools)

    def make_stranger(self, tools: Tools) -> MediaWikiAdapter:
        return adapter(self.wiki, tools, password="x" * 32)

    def make_editor(self, tools: Tools) -> Chen:
        return self.chen

    def writes(self, method: str, url: str, body: bytes) -> bool:
        """A log-in is a POST, too."""
        return parse_qs(urlsplit(url).query).get("action", [""])[0] in _WRITES

    async def clean_up(self, keys: list[str]) -> None:
        """The whole wiki is thrown away."""

    def version(self) -> str:
        return self.wiki.version

    def servers(self) -> list[int]:
        return [self.wiki.server.pid]

    def make_bare(self, tools: Tools) -> Act:
        """The one call that makes a page."""
        return self._script(tools, careful=False)

    def make_calls(self, tools: Tools) -> Act:
        return self._script(tools, careful=True)

    def _script(self, tools: Tools, *, careful: bool) -> Act:
        """careful: what a script does that promises the same: it looks whether key or name are taken, makes the page that
        leads from the key to the post, which nobody can make twice, and then the post. It logs in once, as the adapter."""
        api, kind = f"{self.wiki.url}/api.php", {"content-type": "application/x-www-form-urlencoded"}
        session: dict[str, str] = {}

        async def ask(method: str, **fields: str) -> dict[str, dict[str, object]]:
            form = urlencode({**fields, "format": "json", "formatversion": "2"})
            headers = {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
            if method == "GET":
                answer = await tools.client.call("GET", f"{api}?{form}", headers=headers)
            else:
                answer = await tools.client.call("POST", api, headers={**headers, **kind}, body=form.encode())
            for name, value in answer.headers:
                if name == b"set-cookie":
                    pair = value.decode().partition(";")[0].partition("=")
                    cookies[pair[0]] = pair[2]
            told: dict[str, dict[str, object]] = json.loads(answer.body)
            assert "error" not in told, told
            return told

        cookies: dict[str, str] = {}

        async def log_in() -> None:
            user = "Syncd@syncd"
            told = await ask("GET", action="query", meta="tokens", type="login")
            token = str(told["query"]["tokens"]["logintoken"])  # type: ignore[index]
            await ask("POST", action="login", lgname=user, lgpassword=PASSWORDS[user], lgtoken=token)
            told = await ask("GET", action="query", meta="tokens")
            session["token"] = str(told["query"]["tokens"]["csrftoken"])  # type: ignore[index]

        async def post(n: int) -> None:
            if not session:
                await log_in()
            name, lead = f"脚本 {careful} {n}", f"Project:Script/{n}"
            only = {"createonly": "1", "token": session["token"]}
            if careful:
                await ask("GET", action="query", titles=f"{lead}|{name}", prop="revisions", rvprop="content", rvslots="main")
                await ask("POST", action="edit", title=lead, text=f"#REDIRECT [[{name}]]", **only)
            await ask("POST", action="edit", title=name, text="各县（市、区）人民政府：\n\n[[Category:要闻]]", **only)

        return post
