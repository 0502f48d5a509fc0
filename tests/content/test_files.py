"""Files are carried only when they are what they say, harmless, and within the limits; the rest is told in words."""

import asyncio
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from syncd.content import files
from syncd.content.api import Fetched, FileLimits
from syncd.content.blobs import DiskBlobs
from syncd.content.files import Files, Refused, inspect
from syncd.errors import ReadFailed, StoreError
from syncd.model import AttachmentLink
from syncd.web.api import Answer, Limits, Validators

NOW = datetime(2026, 11, 3, tzinfo=UTC)
NO_VALIDATORS = Validators()
LIMITS = FileLimits()
PDF = b"%PDF-1.7 synthetic"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


@dataclass
class FakeClient:
    """Answers by URL: bytes, a status, or a failure; counts what was asked."""

    pages: Mapping[str, bytes | int | Exception]
    asked: list[tuple[str, Limits | None]] = field(default_factory=list)
    headers: tuple[tuple[bytes, bytes], ...] = ()

    async def get(
        self,
        url: str,
        *,
        validators: Validators = NO_VALIDATORS,
        headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        self.asked.append((url, limits))
        found = self.pages[url]
        if isinstance(found, Exception):
            raise found
        status, body = (found, b"") if isinstance(found, int) else (200, found)
        return Answer(status, url, ((b"retry-after", b"60"),) if status == 429 else self.headers, body, NOW, NOW)

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        limits: Limits | None = None,
    ) -> Answer:
        raise AssertionError("files are only read")


def picture(kind: str = "PNG", size: tuple[int, int] = (4, 3), **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, kind, **options)  # type: ignore[arg-type]
    return out.getvalue()


def archive(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return out.getvalue()


def fetch(tmp_path: Path, pages: Mapping[str, bytes | int | Exception], limits: FileLimits = LIMITS) -> Fetched:
    links = [AttachmentLink(url, title=f"附件{n}：实施方案") for n, url in enumerate(pages, start=1)]
    return asyncio.run(Files(DiskBlobs(tmp_path)).fetch(links, FakeClient(pages), limits))


def test_files_get_names_of_ours_and_keep_their_title(tmp_path: Path) -> None:
    done = fetch(tmp_path, {"https://a.cn/附件：方案.pdf": PDF, "https://a.cn/pic.gif": picture("GIF")})
    assert [(m.name[:9], m.name.rpartition(".")[2], m.type) for m in done.media] == [
        ("fujian-1-", "pdf", "application/pdf"),
        ("tupian-2-", "png", "image/png"),
    ]
    assert all(m.name.isascii() for m in done.media)
    assert done.media[0].title == "附件1：实施方案"
    assert DiskBlobs(tmp_path).read(done.media[0].sha256) == PDF
    assert done.losses == ()
    assert done.retry is None


@pytest.mark.guarantee(5)
def test_what_can_not_be_had_is_told_and_passing_failures_are_tried_again(tmp_path: Path) -> None:
    gone = fetch(tmp_path, {"https://a.cn/1.pdf": 404, "https://a.cn/2.exe": b"MZ"})
    assert len(gone.losses) == 2
    assert gone.retry is None
    assert "404" in gone.losses[0]
    assert "附件1" in gone.losses[0]
    passing = fetch(
        tmp_path,
        {"https://a.cn/1.pdf": 503, "https://a.cn/2.pdf": PDF, "https://a.cn/3.pdf": ReadFailed("timeout", "too slow")},
    )
    assert len(passing.media) == 1
    assert len(passing.losses) == 2
    assert passing.retry == 900
    assert fetch(tmp_path, {"https://a.cn/1.pdf": 429}).retry == 60
    assert fetch(tmp_path, {"https://a.cn/1.pdf": ReadFailed("too_large", "x")}).retry is None


@pytest.mark.guarantee(4)
def test_a_page_instead_of_a_file_is_no_file(tmp_path: Path) -> None:
    done = fetch(tmp_path, {"https://a.cn/1.pdf": b"\n<!DOCTYPE html><title>WAF</title>"})
    assert done.media == ()
    assert done.retry == 900


def test_limits_of_count_size_and_total_hold(tmp_path: Path) -> None:
    pages: dict[str, bytes | int | Exception] = {f"https://a.cn/{n}.pdf": PDF for n in range(4)}
    assert len(fetch(tmp_path, pages, FileLimits(count=2)).media) == 2
    assert len(fetch(tmp_path, pages, FileLimits(total=2 * len(PDF))).media) == 2
    client = FakeClient({"https://a.cn/1.pdf": PDF})
    link = AttachmentLink("https://a.cn/1.pdf", length=10**9)
    done = asyncio.run(Files(DiskBlobs(tmp_path)).fetch([link], client, FileLimits(deadline=7)))
    assert client.asked == []
    assert len(done.losses) == 1
    asyncio.run(
        Files(DiskBlobs(tmp_path)).fetch(
            [AttachmentLink("https://a.cn/1.pdf")], client, FileLimits(size=99, deadline=7)
        )
    )
    assert client.asked[0][1] == Limits(deadline=7, wire=99, body=99)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_pictures_are_painted_anew_without_what_hid_in_them(kind: str) -> None:
    hostile = picture(kind) + b"<?php system($_GET[0]); ?><script>alert(1)</script>PK\x03\x04"
    looked = inspect(hostile, "png")
    assert b"php" not in looked.data
    assert b"script" not in looked.data
    assert Image.open(io.BytesIO(looked.data)).size == (4, 3)


def test_metadata_of_a_photograph_is_not_passed_on() -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    assert b"secret place" not in inspect(picture("JPEG", exif=exif), "jpg").data


def test_a_picture_with_too_many_pixels_is_refused() -> None:
    out = io.BytesIO()
    Image.new("1", (20000, 20000)).save(out, "PNG")
    with pytest.raises(Refused) as refusal:
        inspect(out.getvalue(), "png")
    assert refusal.value.reason == "bomb"


def locked(**members: bytes) -> bytes:
    """An archive whose members say that they are encrypted."""
    data = bytearray(archive(**members))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + flags] |= 1
            at = data.find(mark, at + 4)
    return bytes(data)


MACRO = archive(**{"word/document.xml": b"x", "word/vbaProject.bin": b"x"})


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (locked(**{"a.pdf": PDF}), "encrypted"),
        (archive(**{"inner.zip": locked(**{"a.pdf": PDF})}), "encrypted"),
        (archive(**{"inner.zip": archive(**{"setup.exe": b"MZ"})}), "program"),
        (archive(**{"inner.zip": archive(**{"../x.txt": b"x"})}), "bad_path"),
        (archive(**{"inner.zip": archive(**{"a.txt": bytes(30_000_000)})}), "bomb"),
        (archive(**{"inner.zip": archive(**{"more.zip": archive(**{"a.txt": b"x"})})}), "unseen"),
        (archive(**{"inner.zip": archive(**{"more.rar": b"x"})}), "unseen"),
        (archive(**{"inner.7z": b"x"}), "unseen"),
        (archive(**{"附件1.docx": MACRO}), "macros"),
        (archive(**{"附件1.doc": OLE + "_VBA_PROJECT".encode("utf-16-le")}), "macros"),
        (archive(**{"inner.zip": b"PK\x03\x04 broken"}), "damaged"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(60), "unseen"),
        (archive(**{"word/document.xml": b"x", "word/vbaProject.bin": b"x"}), "macros"),
        (archive(**{"../../etc/cron.d/x": b"x"}), "bad_path"),
        (archive(**{"a\\..\\..\\x.txt": b"x"}), "bad_path"),
        (archive(**{"/abs.txt": b"x"}), "bad_path"),
        (archive(**{"setup.EXE": b"x"}), "program"),
        (archive(**{"a.txt": bytes(30_000_000)}), "bomb"),
        (archive(**{f"{n}.txt": b"" for n in range(5001)}), "bomb"),
        (b"PK\x03\x04 broken", "damaged"),
        (b"\x89PNG broken", "damaged"),
        (picture()[:40], "damaged"),
        (OLE + "_VBA_PROJECT".encode("utf-16-le"), "macros"),
        (b"<svg onload=alert(1)>", "bad_type"),
        (b"<html><script>alert(1)</script>", "bad_type"),
        (b"MZ\x90", "bad_type"),
        (b"{\\rtf1 x}", "bad_type"),
        (b"", "empty"),
    ],
)
def test_hostile_files_are_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(Refused) as refusal:
        inspect(data, "doc" if data.startswith(b"\xd0") else "txt")
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("data", "suffix", "ending"),
    [
        (archive(**{"word/document.xml": b"x"}), "doc", "docx"),
        (archive(**{"xl/workbook.xml": b"x"}), "", "xlsx"),
        (archive(**{"OFD.xml": b"x"}), "ofd", "ofd"),
        (archive(**{"附件.pdf": PDF}), "zip", "zip"),
        (archive(**{"附件.zip": archive(**{"1.pdf": PDF}), "表.docx": archive(**{"word/document.xml": b"x"})}), "", "zip"),
        (archive(**{"file.ofd": archive(**{"OFD.xml": b"x", "Doc_0/Res/inner.zip": b"x"})}), "zip", "zip"),
        (OLE, "wps", "wps"),
        (b"Rar!\x1a\x07\x00", "rar", "rar"),
        ("名称,数量\n甲,1\n".encode("gb18030"), "csv", "csv"),
        (PDF, "doc", "pdf"),
    ],
)
def test_files_are_named_by_what_they_are(data: bytes, suffix: str, ending: str) -> None:
    assert inspect(data, suffix).ending == ending


@pytest.mark.parametrize(
    ("link", "headers"),
    [
        (AttachmentLink("https://a.cn/download.do?id=7", title="附件1：申报表.doc"), ()),
        (AttachmentLink("https://a.cn/7"), ((b"content-disposition", b"attachment; filename*=UTF-8''%E8%A1%A8.DOC"),)),
        (AttachmentLink("https://a.cn/7"), ((b"content-disposition", b'attachment; filename="\xb1\xed.doc"'),)),
        (AttachmentLink("https://a.cn/表.doc?v=2"), ()),
    ],
)
def test_a_download_is_known_by_its_name_wherever_that_stands(
    tmp_path: Path, link: AttachmentLink, headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    done = asyncio.run(Files(DiskBlobs(tmp_path)).fetch([link], FakeClient({link.url: OLE}, headers=headers), LIMITS))
    assert [media.type for media in done.media] == ["application/msword"]
    assert done.media[0].name.endswith(".doc")


def test_what_is_refused_is_told_with_its_title_and_the_rest_is_carried(tmp_path: Path) -> None:
    done = fetch(tmp_path, {"https://a.cn/1.7z": b"7z\xbc\xaf\x27\x1c", "https://a.cn/2.ofd": archive(**{"OFD.xml": b"x"})})
    assert [media.name.rpartition(".")[2] for media in done.media] == ["ofd"]
    assert "7z" in done.losses[0]
    assert "附件1" in done.losses[0]
    assert done.retry is None


def test_a_disk_that_is_full_is_the_store_s_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: DiskBlobs, data: bytes) -> str:
        raise StoreError("disk_full")

    monkeypatch.setattr(DiskBlobs, "put", full)
    with pytest.raises(StoreError):
        fetch(tmp_path, {"https://a.cn/1.pdf": PDF})


def test_the_name_of_a_picture_tells_what_was_received_not_how_it_was_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    source = picture()
    before = inspect(source, "png")
    monkeypatch.setattr(files, "_PICTURES", {"PNG": ("jpg", "image/jpeg")})
    after = inspect(source, "png")
    assert before.received == after.received
    assert before.data != after.data
