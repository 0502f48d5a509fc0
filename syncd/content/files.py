"""Files: attachments and pictures are fetched within limits, inspected, named by us and kept by their hash."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote

from syncd.content.api import BlobStore, Fetched, FileLimits
from syncd.content.build import DOCUMENTS, ending
from syncd.content.clean import plain
from syncd.errors import ReadFailed, SyncdError
from syncd.model import AttachmentLink, Media
from syncd.sources.api import Run
from syncd.web.api import Answer, Client, Limits
from syncd.web.status import retry_after

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 40_000_000
_MAX_MEMBERS = 5000
_MAX_UNPACKED = 1024 * 1024 * 1024
_MAX_RATIO = 200
_RATIO_FROM = 1024 * 1024
_PASSING = 900.0
"""Seconds after which a passing failure is worth another try when the server named no time."""
_PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_LASTING_REASONS = frozenset({"blocked_address", "bad_url", "too_large", "redirect_loop", "redirect_downgrade"})
_PICTURES = {"PNG": ("png", "image/png"), "JPEG": ("jpg", "image/jpeg"), "WEBP": ("webp", "image/webp")}
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE = {
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "wps": "application/vnd.ms-works",
    "et": "application/vnd.ms-excel",
    "dps": "application/vnd.ms-powerpoint",
}
_OFFICE = "application/vnd.openxmlformats-officedocument."
_PARTS = (
    ("word/document.xml", "docx", f"{_OFFICE}wordprocessingml.document"),
    ("xl/workbook.xml", "xlsx", f"{_OFFICE}spreadsheetml.sheet"),
    ("ppt/presentation.xml", "pptx", f"{_OFFICE}presentationml.presentation"),
    ("OFD.xml", "ofd", "application/ofd"),
)
_MACROS = ("vbaproject.bin", "vbadata.xml")
_RUNNABLE = frozenset(
    {".exe", ".dll", ".bat", ".cmd", ".com", ".scr", ".ps1", ".vbs", ".js", ".jse", ".hta", ".lnk", ".msi", ".jar",
     ".php", ".jsp", ".asp", ".aspx", ".sh", ".html", ".htm", ".svg", ".class"},
)
_NESTED = frozenset({".zip", ".docx", ".xlsx", ".pptx", ".ofd", *(f".{ending}" for ending in _OLE)})
"""Members of an archive that are looked into themselves."""
_SHUT = frozenset({".7z", ".rar", ".tar", ".gz", ".bz2", ".xz", ".iso", ".cab", ".arj"})
"""Archives that can't be looked into when they lie in another one."""
_MAX_NESTED = 100 * 1024 * 1024
_DISPOSITION = re.compile(r"filename(\*)?\s*=\s*(?:utf-8'[\w-]*')?\"?([^\";]{1,300})", re.IGNORECASE)
_TEXTS = {"txt": "text/plain", "csv": "text/csv"}


class Refused(SyncdError):
    """A file that is not carried, for good: its type or what is in it."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """A file that may be carried. received: SHA-256 of the bytes as they came (pictures are re-encoded)."""

    data: bytes
    ending: str
    type: str
    received: str


class Files:
    """Fetches the files of a document. run: the killable child that looks into them; None looks here."""

    def __init__(self, blobs: BlobStore, run: Run | None = None) -> None:
        self._blobs = blobs
        self._run = run

    async def fetch(self, links: Sequence[AttachmentLink], client: Client, limits: FileLimits) -> Fetched:
        """All files that can be had, one after the other; what can't is told in words, with when to try again.

        Raises StoreError (disk_full, read_only, unavailable) when they can't be kept.
        """
        done = Fetched(())
        for position, link in enumerate(links, start=1):
            left = limits.total - sum(media.size for media in done.media)
            if position > limits.count:
                done = _lost(done, f"{_called(link)}: more than {limits.count} files", None)
                continue
            done = await self._one(done, link, position, client, replace(limits, size=min(limits.size, left)))
        return done

    async def _one(
        self, done: Fetched, link: AttachmentLink, position: int, client: Client, limits: FileLimits,
    ) -> Fetched:
        try:
            answer = await _get(link, client, limits)
            looked = await self._inspect(answer.body, _called_suffix(answer, link))
        except ReadFailed as failure:
            lasting = failure.reason in _LASTING_REASONS or (
                failure.reason == "http_status" and failure.status not in _PASSING_STATUS
            )
            wait = min(failure.after or _PASSING, _PASSING)  # who may be asked when, his host's pause says (web.manners)
            return _lost(done, f"{_called(link)}: {failure.message}", None if lasting else wait)
        except Refused as refusal:
            return _lost(done, f"{_called(link)}: {refusal.message}", None)
        return replace(done, media=(*done.media, self._keep(link, position, looked)))

    async def _inspect(self, data: bytes, suffix: str) -> Inspected:
        if self._run is None:
            return inspect(data, suffix)
        return cast(Inspected, await self._run(inspect, data, suffix))

    def _keep(self, link: AttachmentLink, position: int, looked: Inspected) -> Media:
        word = "tupian" if looked.type.startswith("image/") else "fujian"
        name = f"{word}-{position}-{looked.received[:8]}.{looked.ending}"
        sha256 = self._blobs.put(looked.data)
        return Media(link.url, name, looked.type, len(looked.data), sha256, plain(link.title))


async def _get(link: AttachmentLink, client: Client, limits: FileLimits) -> Answer:
    if limits.size <= 0:
        raise ReadFailed("too_large", "the document's files are too large together", where=link.url)
    if link.length is not None and link.length > limits.size:
        raise ReadFailed("too_large", f"{link.length} bytes are too many", where=link.url)
    bounds = Limits(deadline=limits.deadline, wire=limits.size, body=limits.size)
    answer = await client.get(link.url, limits=bounds)
    if answer.status != 200:
        raise ReadFailed(
            "http_status", f"the server answered {answer.status}", where=link.url, status=answer.status,
            after=retry_after(answer),
        )
    if _is_page(answer.body) and ending(link.url) not in ("htm", "html"):
        raise ReadFailed("page_instead", "the server sent a page instead of the file", where=link.url)
    return answer


def _called_suffix(answer: Answer, link: AttachmentLink) -> str:
    """The ending that a file is called by: by the answer's file name, an address, or the link's text; of the known ones.

    Downloads hang at addresses such as download.do?id=7, whose own ending says nothing.
    """
    named = [unquote(found[2]) for found in _DISPOSITION.finditer(answer.header("content-disposition"))]
    names = (*named, answer.url, link.url, link.title)
    return next((suffix for name in names if (suffix := ending(name)) in DOCUMENTS), ending(link.url))


def inspect(data: bytes, suffix: str) -> Inspected:
    """What a file really is, told by its content; `suffix` only decides among formats that share a container.

    Raises Refused for types that are not carried, macros, programs and bombs.
    """
    found = _inspect(data, suffix)
    return replace(found, received=hashlib.sha256(data).hexdigest())


def _inspect(data: bytes, suffix: str) -> Inspected:
    if not data:
        raise Refused("empty", "it is empty")
    if data.startswith(b"%PDF-"):
        return Inspected(data, "pdf", "application/pdf", "")
    if data.startswith(b"PK\x03\x04"):
        return _archive(data)
    if data.startswith(_OLE_MAGIC):
        return _ole(data, suffix)
    if data.startswith(b"Rar!\x1a\x07"):
        return Inspected(data, "rar", "application/vnd.rar", "")
    if data.startswith(b"7z\xbc\xaf\x27\x1c"):
        raise Refused("unseen", "a 7z archive can't be looked into, so it isn't carried")
    if data.startswith(b"{\\rtf"):
        raise Refused("bad_type", "RTF is not carried: it may hold programs")
    if data.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF")):
        return _picture(data)
    if suffix in _TEXTS and _is_text(data):
        return Inspected(data, suffix, _TEXTS[suffix], "")
    raise Refused("bad_type", "its type is not one that is carried")


def _archive(data: bytes) -> Inspected:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _looked_into(archive, data)
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, OverflowError, EOFError) as cause:
        raise Refused("damaged", "the archive is damaged") from cause


def _looked_into(archive: zipfile.ZipFile, data: bytes) -> Inspected:
    members = archive.infolist()
    _check_members(members)
    names = {member.filename for member in members}
    for part, suffix, mime in _PARTS:
        if part in names:
            return Inspected(data, suffix, mime, "")
    for member in members:
        _check_nested(archive, member)
    return Inspected(data, "zip", "application/zip", "")


def _check_nested(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Documents and archives in an archive are held to the same rules; what lies in an archive in them is refused."""
    suffix = _suffix_of(member)
    if suffix in _SHUT:
        raise Refused("unseen", f"the archive holds another that can't be looked into ({suffix})")
    if suffix not in _NESTED:
        return
    if member.file_size > _MAX_NESTED:
        raise Refused("bomb", "the archive unpacks to far too much")
    inner = archive.read(member)
    if inner.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(inner)) as opened:
            _check_inner(opened.infolist())
    elif inner.startswith(_OLE_MAGIC):
        _refuse_macros(inner)


def _check_inner(members: Sequence[zipfile.ZipInfo]) -> None:
    _check_members(members)
    if not any(part in {member.filename for member in members} for part, _, _ in _PARTS):
        for member in members:
            if _suffix_of(member) in _SHUT | {".zip"}:
                raise Refused("unseen", "archives lie in archives in it")


def _suffix_of(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(member.filename.replace("\\", "/")).suffix.lower()


def _check_members(members: Sequence[zipfile.ZipInfo]) -> None:
    if len(members) > _MAX_MEMBERS or sum(member.file_size for member in members) > _MAX_UNPACKED:
        raise Refused("bomb", "the archive unpacks to far too much")
    for member in members:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if member.flag_bits & 1:
            raise Refused("encrypted", "the archive is locked with a password: nobody can look into it")
        if member.file_size > _RATIO_FROM and member.file_size > _MAX_RATIO * max(member.compress_size, 1):
            raise Refused("bomb", "the archive unpacks to far too much")
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0:1]:
            raise Refused("bad_path", "the archive would write outside of its folder")
        if path.name.lower() in _MACROS:
            raise Refused("macros", "it holds macros")
        if path.suffix.lower() in _RUNNABLE:
            raise Refused("program", f"the archive holds a program or page ({path.suffix.lower()})")


def _ole(data: bytes, suffix: str) -> Inspected:
    if suffix not in _OLE:
        raise Refused("bad_type", "its type is not one that is carried")
    _refuse_macros(data)
    return Inspected(data, suffix, _OLE[suffix], "")


def _refuse_macros(data: bytes) -> None:
    if "_VBA_PROJECT".encode("utf-16-le") in data:
        raise Refused("macros", "it holds macros")


def _picture(data: bytes) -> Inspected:
    """A picture painted anew: nothing of what was received but its pixels is passed on."""
    from PIL import Image, UnidentifiedImageError  # in the child only

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "GIF", "WEBP")) as image:
                return _repaint(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as cause:
        raise Refused("bomb", "the picture has too many pixels") from cause
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, IndexError, EOFError) as cause:
        raise Refused("damaged", "the picture is damaged") from cause


def _repaint(image: Image.Image) -> Inspected:
    from PIL import ImageOps

    if image.width * image.height > MAX_PIXELS:
        raise Refused("bomb", "the picture has too many pixels")
    suffix, mime = _PICTURES.get(image.format or "", _PICTURES["PNG"])
    alpha = "A" in image.getbands() or "transparency" in image.info
    upright = ImageOps.exif_transpose(image)
    painted = upright.convert("RGBA" if alpha and suffix != "jpg" else "RGB")
    painted.info = {}
    out = io.BytesIO()
    painted.save(out, {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}[suffix], quality=90)
    return Inspected(out.getvalue(), suffix, mime, "")


def _is_text(data: bytes) -> bool:
    if b"\x00" in data or _is_page(data):
        return False
    for encoding in ("utf-8", "gb18030"):
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return True
    return False


def _is_page(data: bytes) -> bool:
    head = data[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith((b"<!doctype html", b"<html", b"<head", b"<script", b"<body", b"<!--", b"<?xml", b"<svg"))


def _lost(done: Fetched, loss: str, retry: float | None) -> Fetched:
    waits = [wait for wait in (done.retry, retry) if wait is not None]
    return replace(done, losses=(*done.losses, loss), retry=max(waits, default=None))


def _called(link: AttachmentLink) -> str:
    title = plain(link.title)
    return f"{title} ({link.url})" if title else link.url
