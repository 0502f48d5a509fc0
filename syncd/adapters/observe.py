"""The observe adapter: a site that nothing is posted to; people's own reposts are found on its public list."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from typing import ClassVar
from urllib.parse import urldefrag, urljoin, urlsplit
from xml.etree import ElementTree

from pydantic import BaseModel, ConfigDict, Field
from selectolax.lexbor import LexborHTMLParser

from syncd.adapters.api import Capabilities, CheckItem, CheckReport, How, SiteConfig, Tools
from syncd.adapters.markup import decode
from syncd.errors import NotApplied, NotFound, ReadFailed, Rejected
from syncd.model import Post, RemoteDoc, RemoteRef, RemoteState, WriteResult
from syncd.web.api import Answer

_NEXT = ("下一页", "下页", "后一页", "next", "next page", "›", "»", ">")
_ATOM_LINK = "{http://www.w3.org/2005/Atom}link"
_MAX_LIST = 4 * 1024 * 1024
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class Options(BaseModel):
    """list_url: the site's public column pages or feeds. link_selector: CSS of the links to its posts there.

    max_pages: how many pages of each list are followed. max_posts: how many posts one look reads at most.
    """

    model_config = ConfigDict(extra="forbid")

    list_url: str | tuple[str, ...]
    link_selector: str = "a[href]"
    max_pages: int = Field(default=1, ge=1, le=50)
    max_posts: int = Field(default=100, ge=1, le=1000)


class ObserveAdapter:
    """Reads only; every write is refused."""

    api_version: ClassVar[int] = 1
    kind: ClassVar[str] = "observe"
    Options: ClassVar[type[BaseModel]] = Options
    capabilities = Capabilities(posts=False, reads=True, lists=True)

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        self._options = Options.model_validate(site.options)
        self._tools = tools
        listed = self._options.list_url
        self._lists = (listed,) if isinstance(listed, str) else listed
        self._hosts = {_host(url) for url in (site.public_url, *self._lists)} - {""}

    async def check(self) -> CheckReport:
        """Every list can be read and shows links."""
        items = tuple([await self._try(url) for url in self._lists])
        return CheckReport(all(item.ok for item in items), self.capabilities, items)

    async def find(self, key: str) -> RemoteRef | None:
        """Nothing here has a key of ours."""
        return None

    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        raise _refusal()

    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        raise _refusal()

    async def withdraw(self, ref: RemoteRef, how: How, if_version: str | None = None) -> WriteResult:
        raise _refusal()

    async def read(self, ref: RemoteRef) -> RemoteDoc:
        """A page of the site as the public gets it. Raises NotFound (404, 410), NotApplied."""
        answer = await self._get(ref.url or ref.id)
        if answer.status in (404, 410):
            raise NotFound("gone", f"the site answers {answer.status}", where=ref.url)
        if answer.status != 200:
            raise NotApplied("http_status", f"the site answers {answer.status}", where=ref.url, hint="look at the site")
        return _document(ref.url or ref.id, answer)

    async def list(self, prefix: str) -> AsyncIterator[RemoteDoc]:
        """Every page that the lists link to, in their order; pages that can't be read now are left for the next look.

        prefix: must be "", since nothing here has a key of ours. Raises NotApplied when a list can't be read.
        """
        if prefix:
            return
        for url in await self._links():
            try:
                yield await self.read(RemoteRef(url, url))
            except (NotFound, NotApplied) as failure:
                if self._tools.log is not None:
                    self._tools.log.info("observed_page_unreadable", url=url, reason=failure.reason)

    async def aclose(self) -> None:
        """Nothing is held open."""

    async def _try(self, url: str) -> CheckItem:
        try:
            links, _ = await self._list_page(url)
        except NotApplied as failure:
            return CheckItem("list", False, f"{url}: {failure.message}", failure.hint)
        return CheckItem("list", True, f"{url}: {len(links)} links")

    async def _links(self) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for first in self._lists:
            url, seen = first, set[str]()
            while url and url not in seen and len(seen) < self._options.max_pages:
                seen.add(url)
                links, url = await self._list_page(url)
                found.update(dict.fromkeys(links))
        return tuple(found)[: self._options.max_posts]

    async def _list_page(self, url: str) -> tuple[tuple[str, ...], str]:
        """Links to posts on one page of a list, and the address of its next page or ""."""
        answer = await self._get(url)
        if answer.status != 200:
            raise NotApplied("http_status", f"the list answers {answer.status}", where=url, hint="look at the site")
        text = decode(answer.body[:_MAX_LIST], answer.header("content-type"))
        links: Sequence[str] = _feed_links(text)
        following = ""
        if not links:
            links, following = self._page_links(text, answer.url)
        kept = tuple(link for link in (_joined(answer.url, each) for each in links) if _host(link) in self._hosts)
        if not kept:
            hint = "set options.link_selector to the CSS of the links to the posts"
            raise NotApplied("list_not_understood", "the list shows no link to a post", where=url, hint=hint)
        return kept, following

    def _page_links(self, text: str, url: str) -> tuple[Sequence[str], str]:
        page = LexborHTMLParser(text)
        links = [node.attributes.get("href") or "" for node in page.css(self._options.link_selector)]
        ahead = [node for node in page.css("a[href]") if _leads_on(node.attributes.get("rel"), node.text())]
        following = _joined(url, ahead[0].attributes.get("href") or "") if ahead else ""
        turned = {_joined(url, node.attributes.get("href") or "") for node in ahead}
        kept = [link for link in links if _joined(url, link) not in turned]
        return kept, following if _host(following) in self._hosts else ""

    async def _get(self, url: str) -> Answer:
        try:
            answer = await self._tools.client.get(url)
        except ReadFailed as failure:
            raise NotApplied(failure.reason, failure.message, hint=failure.hint, where=url,
                             after=failure.after or 0.0) from failure
        if answer.status in _PASSING:
            raise NotApplied("http_status", f"the site answers {answer.status}", where=url, hint="it is tried again")
        return answer


def _refusal() -> Rejected:
    hint = "this site is only observed: post by hand (syncd package makes the parts), syncd finds it on the list"
    return Rejected("", "observe_only", "nothing is posted to an observed site", hint=hint)


def _document(url: str, answer: Answer) -> RemoteDoc:
    html = decode(answer.body, answer.header("content-type"))
    version = hashlib.sha256(answer.body).hexdigest()
    return RemoteDoc(RemoteRef(url, answer.url or url, version), "", _title(html), html)


def _title(html: str) -> str:
    """The META tag that government pages carry, else the first heading, else <title>."""
    page = LexborHTMLParser(html)
    for tag in page.css("meta[name]"):
        if (tag.attributes.get("name") or "").lower() == "articletitle" and tag.attributes.get("content"):
            return " ".join((tag.attributes["content"] or "").split())
    found = (page.css_first(selector) for selector in ("h1", "title"))
    return next((" ".join(node.text().split()) for node in found if node is not None and node.text().strip()), "")


def _feed_links(text: str) -> list[str]:
    """Links of an RSS or Atom feed; [] for anything else. A document type could define entities: not a feed for us."""
    head = text[:1000].lstrip("\ufeff \r\n\t")
    if not head.startswith(("<?xml", "<rss", "<feed", "<rdf")) or "<!" in text.split("<![CDATA[")[0]:
        return []
    try:
        root = ElementTree.fromstring(text.encode())  # noqa: S314  no document type, so no entities
    except (ElementTree.ParseError, ValueError):
        return []
    rss = [node.text or "" for item in root.iter() if _local(item.tag) == "item" for node in item
           if _local(node.tag) == "link"]
    entries = (entry for entry in root.iter() if _local(entry.tag) == "entry")
    atom = [link.get("href", "") for entry in entries for link in entry.iter(_ATOM_LINK)
            if link.get("rel", "alternate") == "alternate"]
    return [link.strip() for link in (*rss, *atom) if link.strip()]


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]


def _leads_on(rel: str | None, text: str) -> bool:
    return "next" in (rel or "").lower().split() or " ".join(text.split()).lower() in _NEXT


def _joined(base: str, link: str) -> str:
    try:
        return urldefrag(urljoin(base, link.strip())).url
    except ValueError:
        return ""


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").removeprefix("www.") if parts.scheme in ("http", "https") else ""
    except ValueError:
        return ""
