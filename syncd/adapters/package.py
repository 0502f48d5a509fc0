"""A package for hands: everything a person needs to post a document into a CMS that nothing else can post to."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from syncd.adapters.api import Blobs
from syncd.adapters.markup import localise
from syncd.model import Post

_STAMP = (2000, 1, 1, 0, 0, 0)
"""Members carry no time of their own: the same post gives the same bytes."""
_PAGE = """<!DOCTYPE html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src 'self' file:; style-src 'unsafe-inline'; script-src 'nonce-syncd'">
<title>{{ post.title }}</title>
<style>body{font-family:"Microsoft YaHei","PingFang SC",sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
line-height:1.7;color:#1f2329}section{border:1px solid #dde2ea;border-radius:6px;padding:1rem 1.25rem;margin:1rem 0}
button{float:right;font:inherit;padding:.2rem .9rem;border:1px solid #1a4f9c;border-radius:4px;
background:#fff;color:#1a4f9c}
h2{font-size:1rem;margin:0 0 .5rem;color:#5f6b7a}img{max-width:100%}td,th{border:1px solid #ccc;padding:.2rem .5rem}
table{border-collapse:collapse}</style></head><body>
<h1>{{ post.title }}</h1>
<p>逐项复制到网站后台；附件在 attachments 文件夹中，图片请重新上传。发布后 syncd 会在网站栏目中找到它并计时。</p>
{% for label, value in fields %}
<section><button type="button" data-copy="f{{ loop.index }}">复制</button><h2>{{ label }}</h2>
<div id="f{{ loop.index }}">{{ value }}</div></section>
{% endfor %}
<section><button type="button" data-copy="body" data-rich="1">复制</button><h2>正文</h2>
<div id="body">{{ body }}</div></section>
{% if files %}<section><h2>附件</h2><ol>{% for file in files %}
<li><a href="attachments/{{ file.name }}">{{ file.title or file.name }}</a></li>{% endfor %}</ol></section>{% endif %}
<script nonce="syncd">
document.querySelectorAll("button[data-copy]").forEach(function (button) {
  button.addEventListener("click", function () {
    var range = document.createRange(), selection = getSelection();
    range.selectNodeContents(document.getElementById(button.dataset.copy));
    selection.removeAllRanges(); selection.addRange(range);
    button.textContent = document.execCommand("copy") ? "已复制" : "请按 Ctrl+C";
    if (!button.dataset.rich) { selection.removeAllRanges(); }
  });
});
</script></body></html>
"""


def package(post: Post, blobs: Blobs, path: Path, *, timezone: str = "Asia/Shanghai") -> None:
    """Writes a ZIP with title.txt, body.html, fields.json, fields.csv, attachments/ and a page with copy buttons.

    timezone: of the times in it. Raises StoreError when an attachment is missing, OSError when `path` can't be written;
    an existing file is replaced whole or not at all.
    """
    fields = _fields(post, ZoneInfo(timezone))
    body = localise(post.html, {media.url: f"attachments/{media.name}" for media in post.media}, hotlink=post.hotlink)
    members = {
        "title.txt": post.title.encode(),
        "body.html": body.encode(),
        "fields.json": json.dumps(dict(fields), ensure_ascii=False, indent=1).encode(),
        "fields.csv": _csv(fields),
        "index.html": _page(post, fields, body),
        **{f"attachments/{media.name}": blobs.read(media.sha256) for media in post.media},
    }
    _write(path, members)


def _fields(post: Post, zone: ZoneInfo) -> list[tuple[str, str]]:
    told = (
        ("标题", post.title), ("栏目", post.column), ("来源", post.origin_name or post.issuer),
        ("发文机关", post.issuer), ("发文字号", post.document_number),
        ("索引号", post.index_number), ("成文日期", post.written),
        ("发布日期", _time(post.published.at if post.published else None, zone)), ("原文链接", post.source_url),
        ("摘要", post.summary), ("主题分类", "；".join(post.categories)),
    )
    return [(label, value) for label, value in told if value]


def _time(at: datetime | None, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at is not None else ""


def _csv(fields: list[tuple[str, str]]) -> bytes:
    """UTF-8 with BOM, as spreadsheets expect; a value that they would take for a formula is marked as text."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(("字段", "内容"))
    rows.writerows((label, f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value)
                   for label, value in fields)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _page(post: Post, fields: list[tuple[str, str]], body: str) -> bytes:
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(_PAGE)
    files = [media for media in post.media if not media.type.startswith("image/")]
    safe = Markup(body)  # noqa: S704  sanitised by content.clean
    return template.render(post=post, fields=fields, body=safe, files=files).encode()


def _write(path: Path, members: dict[str, bytes]) -> None:
    temporary = path.with_name(f".{path.name}.part")
    try:
        with zipfile.ZipFile(temporary, "w") as archive:
            for name, data in members.items():
                archive.writestr(zipfile.ZipInfo(name, _STAMP), data, zipfile.ZIP_DEFLATED)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
