"""The other side of a drop, as such CMSs have one: takes whole packages, checks them, publishes pages, answers."""

from __future__ import annotations

import hashlib
import html
import io
import json
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

from syncd.testing.network import Reply

ATOM = "{http://www.w3.org/2005/Atom}"
OWN = "{urn:syncd:drop:1}"


class Half(Exception):
    """A package that is not whole: must never be seen."""


@dataclass
class Page:
    """A document in the CMS."""

    id: int
    key: str
    sequence: int
    title: str
    html: str
    state: str
    files: dict[str, bytes] = field(default_factory=dict)
    """By the path at which the site shows them."""


@dataclass
class Importer:
    """Watches packages below `root`. refuses: a reason, "" to take everything. flag: it takes only what has this file.

    accepts_only: everything waits for an editor. answers: whether it answers at all. tells_url: whether the answer has the
    address. by_key: pages stand at their key and not at a number.
    """

    root: Path
    refuses: str = ""
    flag: str = ""
    answers: bool = True
    accepts_only: bool = False
    tells_url: bool = True
    form: str = "json"
    by_key: bool = False
    pages: dict[str, Page] = field(default_factory=dict)
    taken: list[tuple[str, int, str]] = field(default_factory=list)
    """key, sequence and action of every package, in the order in which they were taken."""

    @property
    def packages(self) -> Path:
        return self.root / "packages"

    def run(self) -> int:
        """Take what lies there; returns how many packages."""
        (self.root / "done").mkdir(parents=True, exist_ok=True)
        found = [p for p in sorted(self.packages.glob("*")) if not (self.flag and p.suffix == self.flag)]
        count = 0
        for path in found:
            flag = path.with_name(path.name.removesuffix(".zip") + self.flag)
            if self.flag and not flag.exists():
                continue
            self._take(path)
            shutil.move(path, self.root / "done" / path.name)
            if self.flag:
                flag.unlink()
            count += 1
        return count

    def look(self) -> None:
        """Whatever lies there at any moment must be whole, if it is to be taken."""
        for path in sorted(self.packages.glob("*")):
            if path.suffix != self.flag or not self.flag:
                checked(path)

    def publish(self, key: str) -> None:
        """The site's editor publishes what was taken as a draft."""
        page = self.pages[key]
        page.state = "public"
        self._answer_for(page, "published")

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        """The public site."""
        shown = [page for page in self.pages.values() if page.state == "public"]
        if path.rstrip("/") in ("", "/zc"):
            rows = "".join(f'<li><a href="{self.path(page)}">{html.escape(page.title)}</a></li>' for page in shown)
            return _page(200, "政策文件", f"<ul>{rows}</ul>")
        for page in shown:
            if path in page.files:
                return 200, {"content-type": "application/octet-stream"}, page.files[path]
        found = next((page for page in shown if path == self.path(page)), None)
        return _page(200, found.title, found.html) if found else _page(404, "页面不存在", "")

    def path(self, page: Page) -> str:
        return f"/p/{page.key if self.by_key else page.id}.html"

    def _take(self, path: Path) -> None:
        told = checked(path)
        key, sequence, action = told["key"], int(told["sequence"]), told["action"]
        self.taken.append((key, sequence, action))
        known = self.pages.get(key)
        if known is not None and known.sequence >= sequence:
            return None
        if self.refuses:
            return self._answer(path.name, key, sequence, {"result": "refused", "reason": self.refuses})
        page = known or Page(len(self.pages) + 1, key, 0, "", "", "")
        page.sequence = sequence
        if action == "withdraw":
            page.state = "withdrawn"
        else:
            page.title, page.html = told["title"], told["html"]
            page.files = {f"/f/{page.id}/{name}": data for name, data in files_of(path).items()}
            for shown in page.files:
                page.html = page.html.replace(f'"{shown.rpartition("/")[2]}"', f'"{shown}"')
            state = told["state"] or page.state or "draft"  # to the letter: "draft" unpublishes, nothing leaves it as it is
            page.state = "draft" if self.accepts_only or state == "draft" else "public"
        self.pages[key] = page
        self._answer_for(page, "accepted" if page.state == "draft" else "published")
        return None

    def _answer_for(self, page: Page, result: str) -> None:
        told = {"result": result, "id": str(page.id)}
        if self.tells_url and page.state == "public":
            told["url"] = self.path(page)
        self._answer(f"{page.key}-{page.sequence:06d}", page.key, page.sequence, told)

    def _answer(self, package: str, key: str, sequence: int, told: dict[str, str]) -> None:
        if not self.answers:
            return
        folder = self.root / "ack"
        folder.mkdir(exist_ok=True)
        text = {"json": json.dumps(told, ensure_ascii=False), "xml": _xml(told),
                "text": "".join(f"{name}={value}\n" for name, value in told.items())}[self.form]
        path = folder / f"{package.removesuffix('.zip')}.ack.{self.form}"
        temporary = path.with_suffix(".tmp")
        temporary.write_text(text, "utf-8")
        temporary.replace(path)


def files_of(path: Path) -> dict[str, bytes]:
    """The members of a package, in a folder or a ZIP."""
    if path.is_dir():
        return {each.name: each.read_bytes() for each in path.iterdir()}
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def checked(path: Path) -> dict[str, str]:
    """What a package says, after its manifest was checked against every file. Raises Half."""
    files = files_of(path)
    manifest = next((name for name in files if name.startswith("manifest.")), "")
    if not manifest:
        raise Half(f"{path.name} has no manifest")
    told, rows = _manifest(files[manifest], manifest)
    if set(files) - {manifest} != {row["name"] for row in rows}:
        raise Half(f"{path.name} holds {sorted(files)}, its manifest names {[row['name'] for row in rows]}")
    for row in rows:
        data = files[row["name"]]
        if (len(data), hashlib.sha256(data).hexdigest()) != (int(row["size"]), row["sha256"]):
            raise Half(f"{row['name']} of {path.name} is not what its manifest says")
    return told | document_of(files[told["document"]], told["document"])


def _manifest(data: bytes, name: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    if name.endswith(".json"):
        told = json.loads(data)
        return {key: str(value) for key, value in told.items() if key != "files"}, told["files"]
    root = parsed(data)
    rows = [{each.tag: each.text or "" for each in row} for row in root.findall("files/file")]
    return {each.tag: each.text or "" for each in root if each.tag != "files"}, rows


def parsed(data: bytes) -> ElementTree.Element:
    """XML in the charset that its declaration names; expat itself knows no GB18030."""
    declaration, _, body = data.partition(b"?>")
    charset = declaration.partition(b'encoding="')[2].partition(b'"')[0].decode()
    return ElementTree.fromstring(body.decode(charset))


def document_of(data: bytes, name: str) -> dict[str, str]:
    """Title, text and state of a document in any of the forms."""
    if name.endswith(".json"):
        told = json.loads(data)
        return {"title": told.get("title", ""), "html": told.get("html", ""), "state": told.get("state", "")}
    root = parsed(data)
    if name.endswith(".xml"):
        return {"title": root.findtext("title", ""), "html": root.findtext("html", ""), "state": root.findtext("state", "")}
    return {"title": root.findtext(f"{ATOM}title", ""), "html": root.findtext(f"{ATOM}content", ""),
            "state": root.findtext(f"{OWN}state", "")}


def _xml(told: dict[str, str]) -> str:
    inner = "".join(f"<{name}>{html.escape(value)}</{name}>" for name, value in told.items())
    return f'<?xml version="1.0" encoding="UTF-8"?><ack>{inner}</ack>'


def _page(status: int, title: str, body: str) -> Reply:
    text = (f'<!DOCTYPE html><html lang="zh"><head><meta charset="utf-8"><title>{html.escape(title)}</title></head>'
            f"<body><h1>{html.escape(title)}</h1><article>{body}</article></body></html>")
    return status, {"content-type": "text/html; charset=utf-8"}, text.encode()
