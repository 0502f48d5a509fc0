"""The observe adapter: a site that nothing is posted to; people's own reposts are found on its public list."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import urldefrag, urljoin, urlsplit
from xml.etree import ElementTree

from pydantic import BaseModel, ConfigDict, Field
from selectolax.lexbor import LexborHTMLParser

from syncd.adapters.api import Capabilities, CheckItem, CheckReport, How, SiteConfig, Tools
from syncd.adapters.markup import decode
from syncd.errors import NotApplied, NotFound, ReadFailed, Rejected
from syncd.model import Post, RemoteDoc, RemoteRef, RemoteState, WriteResult
from syncd.web.api import Answer, Limits, Validators

_NEXT = ("下一页", "下页", "后一页", "next", "next page", "›", "»", ">")
_ATOM_LINK = "{http://www.w3.org/2005/Atom}link"
_MAX_LIST = 4 * 1024 * 1024
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_PAGE = Limits(wire=4 * 1024 * 1024, body=4 * 1024 * 1024)
"""A larger page is no repost; what was read is kept in memory."""
READS = 30
"""How many pages one look reads at most, one after another; what is left waits for the next look."""
FAILURES = 3
"""Pages in a row that can't be read, after which the rest of a look waits for the next."""
SOON = timedelta(minutes=10)
"""How long a page is left alone whose link has another text now, or that failed; ever longer while it fails."""
RELOOK = timedelta(days=1)
"""How long a page that was read is left alone."""
_UNASKED = Validators()


class Options(BaseModel):
    """list_url: the site's public column pages or feeds. link_selector: CSS of the links to its posts there.

    max_pages: how many pages of each list are followed. max_posts: how many posts of the lists are kept in view.
    """

    model_config = ConfigDict(extra="forbid")

    list_url: str | tuple[str, ...]
    link_selector: str = "a[href]"
    max_pages: int = Field(default=1, ge=1, le=50)
    max_posts: int = Field(default=100, ge=1, le=1000)


@dataclass(frozen=True, slots=True)
class _List:
    """One page of a list as last read: its links to posts with their texts, and the address of the next page or ""."""

    links: Mapping[str, str]
    following: str
    validators: Validators


@dataclass(slots=True)
class _Page:
    """A post's page. label: its link's text when it was read. read: when it was last asked for. doc: None: not seen."""

    label: str
    read: datetime
    failures: int = 0
    validators: Validators = field(default_factory=Validators)
    doc: RemoteDoc | None = None

    def is_due(self, label: str, now: datetime) -> bool:
        """A clock that was set back counts as due."""
        rest = RELOOK if self.label == label else SOON
        if self.failures:
            rest = min(RELOOK, SOON * 2 ** min(self.failures - 1, 10))
        return not timedelta(0) <= now - self.read < rest


class ObserveAdapter:
    """Reads only; every write is refused. What was read is remembered, so that a look asks only for what is new."""

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
        self._known_lists: dict[str, _List] = {}
        self._pages: dict[str, _Page] = {}
        self._looking = asyncio.Lock()

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
        return _document(ref.url or ref.id, await self._get(ref.url or ref.id))

    async def list(self, prefix: str) -> AsyncIterator[RemoteDoc]:
        """Every page that the lists link to, in their order, as it was last read; new ones are read first.

        At most READS pages are read, and pages that can't be read now are left for the next look. prefix: must be "",
        since nothing here has a key of ours. Raises NotApplied when a list can't be read.
        """
        if prefix:
            return
        async with self._looking:
            links = await self._links()
            self._pages = {url: page for url, page in self._pages.items() if url in links}
            await self._read_due(links)
            docs = [page.doc for url in links if (page := self._pages.get(url)) is not None]
        for doc in docs:
            if doc is not None:
                yield doc

    async def aclose(self) -> None:
        """Nothing is held open."""

    async def _read_due(self, links: Mapping[str, str]) -> None:
        failures = 0
        for url in self._due(links):
            failures = 0 if await self._learn(url, links[url]) else failures + 1
            if failures == FAILURES:
                return

    def _due(self, links: Mapping[str, str]) -> Sequence[str]:
        """What this look reads: new pages in the order of the lists, then those whose turn it is, the stalest first."""
        now = self._tools.now()
        new = [url for url in links if url not in self._pages]
        again = [url for url, page in self._pages.items() if page.is_due(links[url], now)]
        return [*new, *sorted(again, key=lambda url: self._pages[url].read)][:READS]

    async def _learn(self, url: str, label: str) -> bool:
        """Read a page, if it changed since; False where the site doesn't answer for it, and what is known stays."""
        now = self._tools.now()
        page = self._pages.setdefault(url, _Page(label, now))
        page.read = now
        try:
            answer = await self._get(url, page.validators if page.doc is not None else _UNASKED, _PAGE)
            if answer.status != 304 or page.doc is None:
                page.doc, page.validators = _document(url, answer), answer.validators
        except (NotFound, NotApplied) as failure:
            gone = isinstance(failure, NotFound)
            page.failures, page.doc = page.failures + 1, None if gone else page.doc
            if self._tools.log is not None:
                self._tools.log.info("observed_page_unreadable", url=url, reason=failure.reason)
            return gone
        page.label, page.failures = label, 0
        return True

    async def _try(self, url: str) -> CheckItem:
        try:
            links = (await self._list_page(url)).links
        except NotApplied as failure:
            return CheckItem("list", False, f"{url}: {failure.message}", failure.hint)
        return CheckItem("list", True, f"{url}: {len(links)} links")

    async def _links(self) -> dict[str, str]:
        """The posts' addresses in the order of the lists, each with its link's text."""
        found: dict[str, str] = {}
        asked: set[str] = set()
        for first in self._lists:
            url, seen = first, set[str]()
            while url and url not in seen and len(seen) < self._options.max_pages:
                seen.add(url)
                asked.add(url)
                page = await self._list_page(url)
                url = page.following
                found.update({link: label for link, label in page.links.items() if not found.get(link)})
        self._known_lists = {url: page for url, page in self._known_lists.items() if url in asked}
        return dict(list(found.items())[: self._options.max_posts])

    async def _list_page(self, url: str) -> _List:
        """One page of a list, asked for only if it changed. Raises NotApplied."""
        known = self._known_lists.get(url)
        answer = await self._get(url, known.validators if known else _UNASKED)
        if known and answer.status == 304:
            return known
        page = self._understood(url, answer)
        self._known_lists[url] = page
        return page

    def _understood(self, url: str, answer: Answer) -> _List:
        if answer.status != 200:
            raise NotApplied("http_status", f"the list answers {answer.status}", where=url, hint="look at the site")
        text = decode(answer.body[:_MAX_LIST], answer.header("content-type"))
        links: Sequence[tuple[str, str]] = _feed_links(text)
        following = ""
        if not links:
            links, following = self._page_links(text, answer.url)
        kept: dict[str, str] = {}
        for link, label in ((_joined(answer.url, link), label) for link, label in links):
            if _host(link) in self._hosts:
                kept[link] = kept.get(link) or label
        if not kept:
            hint = "set options.link_selector to the CSS of the links to the posts"
            raise NotApplied("list_not_understood", "the list shows no link to a post", where=url, hint=hint)
        return _List(kept, following, answer.validators)

    def _page_links(self, text: str, url: str) -> tuple[Sequence[tuple[str, str]], str]:
        page = LexborHTMLParser(text)
        found = page.css(self._options.link_selector)
        links = [(node.attributes.get("href") or "", " ".join(node.text().split())) for node in found]
        ahead = [node for node in page.css("a[href]") if _leads_on(node.attributes.get("rel"), node.text())]
        following = _joined(url, ahead[0].attributes.get("href") or "") if ahead else ""
        turned = {_joined(url, node.attributes.get("href") or "") for node in ahead}
        kept = [(link, label) for link, label in links if _joined(url, link) not in turned]
        return kept, following if _host(following) in self._hosts else ""

    async def _get(self, url: str, validators: Validators = _UNASKED, limits: Limits | None = None) -> Answer:
        try:
            answer = await self._tools.client.get(url, validators=validators, limits=limits)
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
    """The page that an answer holds. Raises NotFound (404, 410), NotApplied."""
    if answer.status in (404, 410):
        raise NotFound("gone", f"the site answers {answer.status}", where=url)
    if answer.status != 200:
        raise NotApplied("http_status", f"the site answers {answer.status}", where=url, hint="look at the site")
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


def _feed_links(text: str) -> list[tuple[str, str]]:
    """Links and titles of an RSS or Atom feed; [] for anything else, and where a document type could define entities."""
    head = text[:1000].lstrip("\ufeff \r\n\t")
    if not head.startswith(("<?xml", "<rss", "<feed", "<rdf")) or "<!" in text.split("<![CDATA[")[0]:
        return []
    try:
        root = ElementTree.fromstring(text.encode())  # noqa: S314  no document type, so no entities
    except (ElementTree.ParseError, ValueError):
        return []
    rss = [(node.text or "", _titled(item)) for item in root.iter() if _local(item.tag) == "item" for node in item
           if _local(node.tag) == "link"]
    entries = (entry for entry in root.iter() if _local(entry.tag) == "entry")
    atom = [(link.get("href", ""), _titled(entry)) for entry in entries for link in entry.iter(_ATOM_LINK)
            if link.get("rel", "alternate") == "alternate"]
    return [(link.strip(), title) for link, title in (*rss, *atom) if link.strip()]


def _titled(item: ElementTree.Element) -> str:
    return next((" ".join("".join(node.itertext()).split()) for node in item if _local(node.tag) == "title"), "")


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
