"""What templates are given: a post's facts as plain values, made fit for the charset that they are sent in."""

from __future__ import annotations

import base64
import html
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from selectolax.lexbor import LexborHTMLParser

from syncd.adapters.api import SiteConfig
from syncd.adapters.http import bodies
from syncd.adapters.markup import localise
from syncd.errors import Rejected
from syncd.model import Instant, Media, Post, RemoteState

Policy = Literal["reject", "entity", "replace"]
SITE = frozenset({"site_name", "site_id", "public_url", "now"})
REF = frozenset({"id", "version", "url"})
POST = frozenset({
    "key", "title", "html", "files_html", "text", "summary", "column", "column_name", "revision", "form", "issuer",
    "document_number", "index_number", "written", "origin_name", "source_url", "published", "sent", "categories", "files",
    "lang", "state", "public",
})
STORED = frozenset({"key", "title", "html", "notice_title", "notice_html", "lang"})
FILE = frozenset({"file", "key"})
SEARCH = frozenset({"key", "page", "column"})
FOUND = frozenset({"id", "key"})
IN_FILE = frozenset({"name", "title", "type", "size", "sha256", "base64"})
_MARKUP = frozenset({"html", "files_html", "notice_html"})
NOTICES = {
    "zh": ("已撤回", "本文件已由发布来源撤回或废止，不再提供正文和附件。", "附件"),
    "en": ("Withdrawn", "This document was withdrawn or repealed by its source; its text and files are no longer offered.",
           "Attachments"),
}


@dataclass(slots=True)
class Values:
    """The names of one call. losses: what the charset could not hold, in words."""

    names: dict[str, Any]
    policy: Policy = "reject"
    losses: list[str] = field(default_factory=list)

    def fit(self, charset: str, used: Collection[str]) -> dict[str, Any]:
        """The names that a request uses, as a body in this charset can hold them. Raises Rejected(field, "unencodable")."""
        told = {name: value for name, value in self.names.items() if name in used}
        if bodies.codec(charset) in ("utf-8", "utf8", "gb18030"):
            return told
        return {name: self._fitting(name, value, charset) for name, value in told.items()}

    def learn(self, **more: Any) -> None:
        self.names.update(more)

    def _fitting(self, name: str, value: Any, charset: str) -> Any:
        if isinstance(value, (list, tuple)):
            return [self._fitting(name, each, charset) for each in value]
        if isinstance(value, Mapping):
            return {key: self._fitting(name, each, charset) for key, each in value.items()}
        if not isinstance(value, str) or not bodies.lacking(value, charset):
            return value
        if name in _MARKUP:
            return bodies.entities(value, charset)
        return self._plain(name, value, charset)

    def _plain(self, name: str, value: str, charset: str) -> str:
        lacks = bodies.lacking(value, charset)
        if self.policy == "entity":
            return bodies.entities(value, charset)
        if self.policy == "reject" and name in ("title", "column", "key", "id", "url"):
            raise Rejected(name, "unencodable", f"the charset {charset} of the CMS lacks {lacks[:10]!r} of {name}",
                           hint='set unencodable to "entity" if the CMS shows titles as HTML, or to "replace"')
        loss = f"{name}: the charset {charset} lacks {lacks[:10]!r}"
        if loss not in self.losses:
            self.losses.append(loss)
        return bodies.replaced(value, charset)


@dataclass(frozen=True, slots=True)
class Writer:
    """Makes values of posts for one site."""

    site: SiteConfig
    policy: Policy = "reject"

    def of_site(self, now: datetime, **more: Any) -> Values:
        site = self.site
        names = {"site_name": site.site_name, "site_id": site.site_id, "public_url": site.public_url, "now": self._local(now)}
        return Values(names | more, self.policy)

    def of_post(self, post: Post, state: RemoteState, column: str | int, addresses: Mapping[str, str], now: datetime) -> Values:
        """The names of POST. addresses: where files lie by their address at the source."""
        text = localise(post.html, addresses, hotlink=post.hotlink)
        sent = post.sent or now
        return self.of_site(
            now, key=post.key, title=post.title, html=text, files_html=files_html(post, text, addresses),
            text=plain_text(text), summary=post.summary, column=column, column_name=post.column, revision=post.revision,
            form=post.form.value, issuer=post.issuer, document_number=post.document_number, index_number=post.index_number,
            written=post.written, origin_name=post.origin_name, source_url=post.source_url,
            published=self._local(_moment(post.published) or sent), sent=self._local(sent), categories=list(post.categories),
            files=[_file(media, addresses.get(media.url, media.url)) for media in post.media], lang=post.lang,
            state=state.value, public=state is RemoteState.PUBLIC,
        )

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(ZoneInfo(self.site.timezone))


def _moment(instant: Instant | None) -> datetime | None:
    return instant.at if instant else None


def _file(media: Media, url: str) -> dict[str, Any]:
    return {"url": url, "name": media.name, "title": media.title or media.name, "type": media.type, "size": media.size,
            "sha256": media.sha256}


def upload_of(media: Media, data: bytes) -> dict[str, Any]:
    """The name `file` of an upload."""
    told = _file(media, media.url)
    del told["url"]
    return told | {"base64": base64.b64encode(data).decode()}


def plain_text(markup: str) -> str:
    body = LexborHTMLParser(markup).body
    return "\n".join(" ".join(line.split()) for line in body.text(separator="\n").splitlines() if line.strip()) if body else ""


def files_html(post: Post, text: str, addresses: Mapping[str, str]) -> str:
    """A list of the attachments that the text doesn't link to, "" for none."""
    body = LexborHTMLParser(text).body
    linked = {node.attributes.get("href") for node in body.css("a[href]")} if body is not None else set()
    offered = [(addresses.get(media.url, media.url), media) for media in post.media if not media.type.startswith("image/")]
    rows = "".join(f'<li><a href="{html.escape(url)}">{html.escape(media.title or media.name)}</a></li>'
                   for url, media in offered if url not in linked)
    return f'<p><strong>{NOTICES[post.lang][2]}</strong></p><ul>{rows}</ul>' if rows else ""


def notice(lang: str) -> str:
    """What stands in a withdrawn post's place."""
    head, text, _ = NOTICES[lang]
    return f"<p><strong>{head}</strong></p><p>{text}</p>"


def is_notice(markup: str) -> bool:
    """True for a text that is our notice."""
    text = "".join(plain_text(markup).split())
    return any(text.startswith("".join((head + body).split())) for head, body, _ in NOTICES.values())


def sample() -> dict[str, Any]:
    """Names with values of the right kinds, with which templates are tried when the config is read."""
    moment = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
    media = Media("https://www.example/a.pdf", "a.pdf", "application/pdf", 3, "0" * 64, "a")
    post = Post("syncd-0", "标题", "<p>正文</p>", "要闻", 1, published=Instant(moment), sent=moment, media=(media,),
                categories=("a",))
    writer = Writer(SiteConfig("site", "https://www.example"))
    values = writer.of_post(post, RemoteState.PUBLIC, "1", {}, moment).names
    return values | {
        "id": "1", "version": "1", "url": "https://www.example/1.html", "page": 1, "file": upload_of(media, b"pdf"),
        "notice_title": "标题", "notice_html": notice("zh"), "lang": "zh",
    }
