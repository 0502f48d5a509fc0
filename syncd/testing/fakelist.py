"""A source of policies for tests: documents that appear, are corrected and withdrawn, as JSON Feed, Atom and pages."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

_CHINA = timezone(timedelta(hours=8))
Reply = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True, slots=True)
class Policy:
    """A document at its source. text: its whole body; guid: its name in the feed; version: 1 and up; url: its page."""

    id: int
    guid: str
    title: str
    text: str
    published: datetime
    modified: datetime
    version: int = 1
    withdrawn: bool = False
    url: str = ""


class FakeList:
    """Pure state: /feed.json, /atom.xml (with tombstones), /ZUIXINZHENGCE.json (gov.cn's form: days only) and /doc/<id>,
    which answers 410 once it is withdrawn.

    base: its address, such as "http://list.example". window: how many of the newest it shows; 0 for all.
    """

    def __init__(self, base: str, *, title: str = "国务院文件", window: int = 0) -> None:
        self.base = base
        self.title = title
        self.window = window
        self.policies: dict[int, Policy] = {}
        self.outage_until: datetime | None = None
        """Until then every page of a document answers 404, as after a botched deployment."""

    def publish(self, id: int, title: str, text: str, now: datetime, *, url: str = "") -> Policy:
        """A new document. url: its page where that is at another source."""
        policy = Policy(id, f"{self.base}/guid/{id}", title, text, now, now, url=url or f"{self.base}/doc/{id}")
        self.policies[id] = policy
        return policy

    def correct(self, id: int, text: str, now: datetime) -> Policy:
        """Another text for a document."""
        policy = self.policies[id]
        self.policies[id] = replace(policy, text=text, modified=now, version=policy.version + 1)
        return self.policies[id]

    def withdraw(self, id: int, now: datetime) -> Policy:
        """The source takes a document back: a tombstone in the feed, 410 at its page."""
        self.policies[id] = replace(self.policies[id], withdrawn=True, modified=now)
        return self.policies[id]

    def rename_guids(self, word: str) -> None:
        """A migration: every entry gets another guid; the documents and their addresses stay."""
        self.policies = {p.id: replace(p, guid=f"{self.base}/{word}/{p.id}") for p in self.policies.values()}

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        """Answer one request."""
        match path.split("/")[1:]:
            case ["feed.json"]:
                return self._conditional(headers, "application/feed+json", self._json())
            case ["atom.xml"]:
                return self._conditional(headers, "application/atom+xml", self._atom())
            case ["ZUIXINZHENGCE.json"]:
                return self._conditional(headers, "application/json", self._govcn())
            case ["doc", id] if id.isdecimal():
                return self._page(headers, int(id), out=self.outage_until is not None and now < self.outage_until)
        return 404, {"content-type": "text/html; charset=utf-8"}, _page("页面不存在", "<p>404</p>")

    def _shown(self) -> list[Policy]:
        newest = sorted(self.policies.values(), key=lambda p: (p.published, p.id), reverse=True)
        return newest[: self.window or len(newest)]

    def _json(self) -> bytes:
        items = [_item(policy) for policy in self._shown() if not policy.withdrawn]
        told = {"version": "https://jsonfeed.org/version/1.1", "title": self.title, "items": items}
        return json.dumps(told, ensure_ascii=False).encode()

    def _govcn(self) -> bytes:
        rows = [_row(policy) for policy in self._shown() if not policy.withdrawn]
        return json.dumps(rows, ensure_ascii=False).encode()

    def _atom(self) -> bytes:
        shown = self._shown()
        newest = max((p.modified for p in shown), default=None)
        parts = [
            '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"'
            f' xmlns:at="http://purl.org/atompub/tombstones/1.0"><title>{self.title}</title><id>{self.base}/</id>',
            f"<updated>{_iso(newest)}</updated>" if newest else "",
            *(_entry(policy) for policy in shown),
            "</feed>",
        ]
        return "".join(parts).encode()

    def _page(self, headers: Mapping[str, str], id: int, *, out: bool) -> Reply:
        policy = self.policies.get(id)
        if out or policy is None:
            return 404, {"content-type": "text/html; charset=utf-8"}, _page("页面不存在", "<p>404</p>")
        if policy.withdrawn:
            return 410, {"content-type": "text/html; charset=utf-8"}, _page("已撤销", "<p>该文件已撤销</p>")
        body = f'<div class="pages_content">{policy.text}</div>'
        page = _page(policy.title, body, meta=f'<meta name="lastmodifiedtime" content="{_iso(policy.modified)}">')
        return self._conditional(headers, "text/html; charset=utf-8", page)

    def _conditional(self, headers: Mapping[str, str], type: str, body: bytes) -> Reply:
        etag = f'"{hashlib.blake2b(body, digest_size=8).hexdigest()}"'
        if headers.get("if-none-match") == etag:
            return 304, {"etag": etag}, b""
        return 200, {"content-type": type, "etag": etag}, body


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _item(policy: Policy) -> dict[str, str]:
    return {
        "id": policy.guid, "url": policy.url, "title": policy.title, "content_html": policy.text,
        "date_published": _iso(policy.published), "date_modified": _iso(policy.modified),
    }


def _row(policy: Policy) -> dict[str, str]:
    day = policy.published.astimezone(_CHINA).date().isoformat()
    return {"TITLE": policy.title, "SUB_TITLE": "", "URL": policy.url, "DOCRELPUBTIME": day}


def _entry(policy: Policy) -> str:
    if policy.withdrawn:
        return f'<at:deleted-entry ref="{policy.guid}" when="{_iso(policy.modified)}"/>'
    return (
        f"<entry><id>{policy.guid}</id><title>{html.escape(policy.title)}</title>"
        f'<link rel="alternate" href="{policy.url}"/><published>{_iso(policy.published)}</published>'
        f'<updated>{_iso(policy.modified)}</updated><content type="html">{html.escape(policy.text)}</content></entry>'
    )


def _page(title: str, body: str, *, meta: str = "") -> bytes:
    name = html.escape(title)
    text = (
        f'<!DOCTYPE html><html lang="zh"><head><meta charset="utf-8">{meta}<title>{name}</title></head>'
        f"<body><h1>{name}</h1>{body}</body></html>"
    )
    return text.encode()
