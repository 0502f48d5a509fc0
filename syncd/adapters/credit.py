"""What stands around a text: its source, number, dates and times above it, its attachments below, in the reader's language."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from selectolax.lexbor import LexborHTMLParser

from syncd.model import Media, Post

WORDS = {
    "zh": {
        "source": "来源", "original": "查看原文", "posted": "转载时间", "updated": "更新时间", "issuer": "发文机关",
        "number": "发文字号", "index": "索引号", "written": "成文日期", "published": "发布日期", "files": "附件",
        "withdrawn": "已撤回", "notice": "本文件已由发布来源撤回或废止，不再提供正文和附件。", "since": "撤回时间",
        "colon": "：",
    },
    "en": {
        "source": "Source", "original": "Read the original", "posted": "Reposted", "updated": "Updated",
        "issuer": "Issued by", "number": "Number", "index": "Index number", "written": "Dated",
        "published": "Published at source", "files": "Attachments", "withdrawn": "Withdrawn",
        "notice": "This document was withdrawn or repealed by its source; its text and files are no longer offered.",
        "since": "Withdrawn on", "colon": ": ",
    },
}
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Times:
    """When the repost was first published and when it was last changed, for people; first None: now.

    posted: False for a draft, since nobody knows when its editor will publish it.
    """

    zone: ZoneInfo
    now: datetime
    first: datetime | None = None
    posted: bool = True

    def shown(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M}"


def credit(post: Post, times: Times) -> str:
    """Source, times, a link to the original, and a table of issuer, numbers and dates; every text is only ever a value."""
    words = WORDS[post.lang]
    first = times.first or times.now
    posted = times.shown(first) if times.posted else ""
    line = [(words["source"], html.escape(post.origin_name or post.issuer)), (words["posted"], posted)]
    if posted and times.now - first >= _MINUTE:
        line.append((words["updated"], times.shown(times.now)))
    spans = [f"<span>{label}{words['colon']}{value}</span>" for label, value in line if value]
    if post.source_url.startswith(("http://", "https://")):
        spans.append(anchor(post.source_url, words["original"]))
    published = times.shown(post.published.at)[:10] if post.published else ""
    told = (("issuer", post.issuer), ("number", post.document_number), ("index", post.index_number),
            ("written", post.written), ("published", published))
    rows = "".join(f"<tr><th>{words[label]}</th><td>{html.escape(value)}</td></tr>" for label, value in told if value)
    table = f"<table><tbody>{rows}</tbody></table>" if rows else ""
    return f'<div class="syncd-credit"><p>{" ".join(spans)}</p>{table}</div>'


def files(post: Post, body: str, addresses: Mapping[str, str], offered: Sequence[Media]) -> str:
    """The attachments that the text doesn't link to."""
    root = LexborHTMLParser(body).body
    linked = {node.attributes.get("href") for node in root.css("a[href]")} if root is not None else set()
    rest = [media for media in offered if addresses.get(media.url, media.url) not in linked]
    if not rest:
        return ""
    rows = "".join(f"<li>{_file(media, addresses.get(media.url, media.url))}</li>" for media in rest)
    return f'<div class="syncd-files"><p><strong>{WORDS[post.lang]["files"]}</strong></p><ul>{rows}</ul></div>'


def _file(media: Media, url: str) -> str:
    size = f"{media.size / 1048576:.1f} MB" if media.size >= 1048576 else f"{max(1, round(media.size / 1024))} KB"
    told = f"{html.escape(media.title or media.name)}</a> ({media.name.rpartition('.')[2].upper()}, {size})"
    return f'<a href="{html.escape(url)}">{told}'


def anchor(url: str, text: str) -> str:
    """The link to the original, by which a notice finds it again. text: HTML."""
    return f'<a data-syncd-source="1" href="{html.escape(url)}" rel="noopener">{text}</a>'
