"""A package holds everything that a person needs, in formats that open anywhere and run nothing of the source's."""

import csv
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from syncd.adapters.package import package
from syncd.errors import StoreError
from tests.adapters.test_static import POST, FakeBlobs


def opened(tmp_path: Path, **change: object) -> zipfile.ZipFile:
    path = tmp_path / "包.zip"
    package(replace(POST, **change), FakeBlobs(), path)  # type: ignore[arg-type]
    return zipfile.ZipFile(path)


def test_it_holds_title_body_fields_attachments_and_a_page(tmp_path: Path) -> None:
    with opened(tmp_path) as archive:
        assert set(archive.namelist()) == {
            "title.txt",
            "body.html",
            "fields.json",
            "fields.csv",
            "index.html",
            "attachments/fujian-1-aaaaaaaa.pdf",
            "attachments/tupian-2-bbbbbbbb.png",
        }
        assert archive.read("title.txt").decode() == POST.title
        assert 'href="attachments/fujian-1-aaaaaaaa.pdf"' in archive.read("body.html").decode()
        assert json.loads(archive.read("fields.json"))["发布日期"] == "2026-12-01 00:30"


def test_the_table_opens_in_spreadsheets_and_starts_no_formula(tmp_path: Path) -> None:
    with opened(tmp_path, title="=HYPERLINK(1)") as archive:
        data = archive.read("fields.csv")
    assert data.startswith(b"\xef\xbb\xbf")
    rows = dict(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert rows["标题"] == "'=HYPERLINK(1)"
    assert rows["发文字号"] == "国发〔2026〕1号"


def test_the_page_copies_fields_and_runs_only_its_own_script(tmp_path: Path) -> None:
    with opened(tmp_path, title="<script>alert(1)</script>") as archive:
        page = LexborHTMLParser(archive.read("index.html").decode())
    assert [node.attributes.get("nonce") for node in page.css("script")] == ["syncd"]
    targets = [node.attributes["data-copy"] for node in page.css("button")]
    assert "body" in targets
    assert all(page.css_first(f"#{each}") is not None for each in targets)


def test_the_same_post_gives_the_same_bytes_and_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    opened(tmp_path).close()
    before = (tmp_path / "包.zip").read_bytes()
    opened(tmp_path).close()
    assert (tmp_path / "包.zip").read_bytes() == before
    with pytest.raises(StoreError):
        opened(tmp_path, media=(replace(POST.media[0], sha256="c" * 64),))
    assert (tmp_path / "包.zip").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1
