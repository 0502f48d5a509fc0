"""A package: its files, names and manifest; pure, built from a post before anything is touched."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

from syncd.adapters.drop.document import Tree, as_atom, as_json, as_xml, described, ordered
from syncd.adapters.drop.options import Options
from syncd.adapters.markup import localise, path_name
from syncd.model import Media, Post, RemoteState

_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
"""Names that Windows gives to devices, with any ending."""
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}\.[A-Za-z0-9]{1,8}")
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,8}")
_STAMP = (2000, 1, 1, 0, 0, 0)
"""Members carry no time of their own: the same package gives the same bytes."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file of ours. data: its bytes."""

    name: str
    data: bytes
    type: str


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that lies among the blobs until it is needed."""

    name: str
    media: Media


@dataclass(frozen=True, slots=True)
class Heading:
    """What a package says of itself. action: create, update or withdraw. state: "" says nothing. id, url: as acknowledged
    before, "" if never.
    """

    sequence: int
    action: str
    state: str
    made: datetime
    id: str = ""
    url: str = ""
    how: str = ""


def said_state(action: str, state: str) -> str:
    """What a package says of the state: an editor may have published a draft meanwhile, so its update leaves that as it is."""
    return "" if action == "update" and state == RemoteState.DRAFT.value else state


def package_name(key: str) -> str:
    """A key as a name that every file system takes: no capitals, since some can't tell them from small letters."""
    plain = path_name(key, "k")
    if plain == key and (key != key.lower() or _RESERVED.fullmatch(key)):
        return f"k-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    return plain


def file_names(media: Sequence[Media]) -> dict[str, str]:
    """URL to the name of its file in the package: ASCII, without folders, and different even where case is not told."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for number, each in enumerate(media, start=1):
        if each.url in names:
            continue
        name = each.name
        if not _SAFE.fullmatch(name) or _RESERVED.fullmatch(name) or name.lower() in taken or name.startswith(_OURS):
            ending = PurePosixPath(name).suffix
            name = f"file-{number:03d}{ending if _ENDING.fullmatch(ending) else '.bin'}"
        names[each.url] = name
        taken.add(name.lower())
    return names


_OURS = ("document.", "manifest.", "file-")


def document_of(post: Post, options: Options, zone: ZoneInfo) -> Tree:
    """What a post says, ready for a package. Its links and pictures lead to the package's files."""
    names = file_names(post.media)
    html = localise(post.html, names, hotlink=post.hotlink)
    return described(post, html, names, zone, options.columns.get(post.column, post.column))


def headed(tree: Tree, heading: Heading) -> Tree:
    """A document with what its package says of itself."""
    first = (
        ("key", tree["key"]), ("sequence", heading.sequence), ("revision", tree["revision"]), ("action", heading.action),
        ("state", heading.state), ("how", heading.how), ("made", heading.made.isoformat(timespec="seconds")),
        ("id", heading.id), ("url", heading.url),
    )
    return ordered(tree, first)


def attached(media: Sequence[Media]) -> list[Attached]:
    names = file_names(media)
    return [Attached(names[url], each) for url, each in {each.url: each for each in media}.items()]


def written(tree: Tree, files: Sequence[Attached], options: Options, heading: Heading, authority: str) -> list[Written]:
    """The document and, last, the manifest, which names all files of the package but itself."""
    document = _document(tree, options, heading, authority)
    rows = [_row(document.name, document.type, len(document.data), hashlib.sha256(document.data).hexdigest())]
    rows += [_row(file.name, file.media.type, file.media.size, file.media.sha256) for file in files]
    told = ("key", "sequence", "revision", "action", "state", "how", "made")
    manifest = {**{name: tree.get(name, "") for name in told}, "document": document.name, "files": rows}
    return [document, _manifest(manifest, options)]


def zipped(files: Sequence[tuple[str, bytes]]) -> bytes:
    """A ZIP that keeps its members' order; what is packed already is not packed again."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files:
            ours = name.startswith(_OURS[:2])
            archive.writestr(zipfile.ZipInfo(name, _STAMP), data, zipfile.ZIP_DEFLATED if ours else zipfile.ZIP_STORED)
    return out.getvalue()


def _document(tree: Tree, options: Options, heading: Heading, authority: str) -> Written:
    if options.format == "atom":
        return Written("document.atom", as_atom(tree, authority, heading.made), "application/atom+xml;type=entry")
    if options.format == "xml":
        return Written("document.xml", as_xml("document", tree, options.names, options.charset), "application/xml")
    return Written("document.json", as_json(tree, options.names), "application/json")


def _manifest(told: Mapping[str, Any], options: Options) -> Written:
    if options.format == "xml":
        return Written("manifest.xml", as_xml("manifest", told, options.names, options.charset), "application/xml")
    return Written("manifest.json", as_json(told, options.names), "application/json")


def _row(name: str, type: str, size: int, sha256: str) -> dict[str, Any]:
    return {"name": name, "type": type, "size": size, "sha256": sha256}
