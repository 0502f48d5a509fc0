"""The static adapter: one page a key through crashes, nothing overwritten unasked, lists and feeds that agree."""

import asyncio
import contextlib
import errno
import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from selectolax.lexbor import LexborHTMLParser

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.static import StaticAdapter
from syncd.adapters.static.folder import Folder
from syncd.adapters.static.lists import Lists
from syncd.content.clean import clean
from syncd.content.text import text_of, title_of
from syncd.core import visible
from syncd.errors import Conflict, NotApplied, NotFound, StoreError, Unknown
from syncd.model import Instant, Media, Post, RemoteDoc, RemoteRef, RemoteState, Wrote

NOW = datetime(2026, 11, 30, 16, 30, tzinfo=UTC)
PUBLIC = RemoteState.PUBLIC
FILES = {"a" * 64: b"%PDF-1.7", "b" * 64: b"\x89PNG"}
MEDIA = (
    Media("https://www.gov.cn/f.pdf?a=1&b=2", "fujian-1-aaaaaaaa.pdf", "application/pdf", 8, "a" * 64, "附件1：<方案>"),
    Media("https://www.gov.cn/p.png", "tupian-2-bbbbbbbb.png", "image/png", 4, "b" * 64),
)
HTML = (
    "<p>各省、自治区、直辖市人民政府：</p><p>现将《方案》印发给你们。</p>"
    '<p><a href="https://www.gov.cn/f.pdf?a=1&amp;b=2">附件</a><img src="https://www.gov.cn/p.png" alt="图"></p>'
)
POST = Post(
    key="syncd-0123456789abcdef0123",
    title="关于“甲”<乙>的通知",
    html=HTML,
    column="国务院文件",
    revision=1,
    issuer="国务院",
    document_number="国发〔2026〕1号",
    written="2026-11-28",
    origin_name="中国政府网",
    source_url="https://www.gov.cn/1.htm",
    published=Instant(NOW),
    sent=NOW,
    categories=("综合",),
    media=MEDIA,
    site_name="某县人民政府",
    site_id="1234567890",
)


class FakeBlobs:
    def read(self, sha256: str) -> bytes:
        if sha256 not in FILES:
            raise StoreError("blob_missing", hint="wait")
        return FILES[sha256]


class Crash(BaseException):
    """The process ends here."""


def made(root: Path, **options: object) -> StaticAdapter:
    site = SiteConfig(
        "county",
        "https://www.county.example",
        "某县人民政府",
        "1234567890",
        options={"directory": root / "site", **options},
    )
    return StaticAdapter(site, Tools(client=None, now=lambda: NOW, blobs=FakeBlobs()))  # type: ignore[arg-type]


@pytest.fixture
def adapter(tmp_path: Path) -> StaticAdapter:
    return made(tmp_path)


def pages(root: Path) -> list[Path]:
    """The posts that the public can reach."""
    public = (root / "site").glob("[!.]*/*/*.html")
    return sorted(path for path in public if path.name != "index.html")


def page_of(root: Path) -> str:
    (path,) = pages(root)
    return path.read_text()


def create(adapter: StaticAdapter, post: Post = POST, state: RemoteState = PUBLIC) -> RemoteRef:
    return asyncio.run(adapter.create(post, state)).ref


def found(adapter: StaticAdapter, key: str = POST.key) -> RemoteRef:
    ref = asyncio.run(adapter.find(key))
    assert ref is not None
    return ref


def update(adapter: StaticAdapter, ref: RemoteRef, post: Post, version: str | None = None) -> Wrote:
    return asyncio.run(adapter.update(ref, post, PUBLIC, version)).outcome


def listed(root: Path) -> list[str]:
    """Titles on the column's first page, the month's page, the index, and in all four feeds: they must agree."""
    site = root / "site"
    (column,) = [path for path in site.glob("[!.]*") if path.is_dir()]
    lists = [site / "index.html", column / "index.html", *column.glob("*/index.html")]
    titles = [[n.text() for n in LexborHTMLParser(path.read_text()).css(".rows a")] for path in lists]
    for folder in (site, column):
        feed = json.loads((folder / "feed.json").read_text())
        titles.append([item["title"] for item in feed["items"]])
        atom = ElementTree.parse(folder / "feed.xml").getroot()
        titles.append([entry.findtext("{*}title") or "" for entry in atom.findall("{*}entry")])
    assert all(each == titles[0] for each in titles), titles
    return titles[0]


@pytest.mark.guarantee(4)
def test_a_page_shows_the_post_with_its_credit_times_and_meta_tags(tmp_path: Path, adapter: StaticAdapter) -> None:
    ref = create(adapter)
    html = page_of(tmp_path)
    assert visible.compare(POST.title, text_of(HTML), title_of(html), text_of(html)).ok
    meta = {n.attributes.get("name"): n.attributes.get("content") for n in LexborHTMLParser(html).css("meta[name]")}
    assert meta["ArticleTitle"] == POST.title
    assert meta["PubDate"] == "2026-12-01 00:30:00"
    assert meta["SiteIDCode"] == "1234567890"
    assert meta["SiteDomain"] == "www.county.example"
    assert meta["Url"] == ref.url
    assert {"SiteName", "ColumnName", "ColumnType", "ContentSource", "Keywords", "Author", "Description"} <= set(meta)
    text = text_of(html)
    assert "来源：中国政府网" in text
    assert "2026-12-01 00:30" in text
    assert "发文字号\n国发〔2026〕1号\n" in text
    assert ref.url == f"https://www.county.example/{pages(tmp_path)[0].relative_to(tmp_path / 'site')}"
    assert "/2026-12/" in ref.url
    assert ref.url.isascii()


def test_nothing_is_hot_linked_unless_the_post_says_so(tmp_path: Path, adapter: StaticAdapter) -> None:
    create(adapter, replace(POST, media=MEDIA[:1]))
    page = LexborHTMLParser(page_of(tmp_path))
    assert page.css("img") == []
    assert page.css('a[href="https://www.gov.cn/p.png"]')
    update(adapter, found(adapter), replace(POST, revision=2, media=MEDIA[:1], hotlink=True))
    page = LexborHTMLParser(page_of(tmp_path))
    assert [n.attributes.get("src") for n in page.css(".text img")] == ["https://www.gov.cn/p.png"]
    policy = page.css('meta[http-equiv="Content-Security-Policy"]')[0].attributes.get("content") or ""
    assert "img-src 'self' https: http:;" in policy


def test_attachments_and_pictures_are_the_site_s_own(tmp_path: Path, adapter: StaticAdapter) -> None:
    create(adapter)
    page = LexborHTMLParser(page_of(tmp_path))
    folder = pages(tmp_path)[0].parent
    local = [n.attributes.get("href") or "" for n in page.css("#text a, .files a")] + [
        n.attributes.get("src") or "" for n in page.css("img")
    ]
    assert len(local) == 3
    assert all((folder / path).is_file() for path in local)
    assert page.css(".files a")[0].text() == "附件1：<方案>"


def test_a_picture_without_a_file_is_a_link_and_never_hot_linked(tmp_path: Path, adapter: StaticAdapter) -> None:
    create(adapter, replace(POST, media=()))
    assert not LexborHTMLParser(page_of(tmp_path)).css("img")


@pytest.mark.guarantee(2)
def test_an_existing_key_is_refused_and_found(tmp_path: Path, adapter: StaticAdapter) -> None:
    ref = create(adapter)
    with pytest.raises(Conflict) as conflict:
        create(adapter)
    assert conflict.value.kind == "exists"
    assert found(made(tmp_path)) == ref
    assert ref.state is PUBLIC
    assert ref.modified_by is None
    assert asyncio.run(adapter.find("syncd-other")) is None


def test_a_key_that_is_no_file_name_stays_inside_of_the_folder(tmp_path: Path, adapter: StaticAdapter) -> None:
    post = replace(POST, key="../../../etc/通知", column="../../外")
    ref = create(adapter, post)
    assert found(adapter, post.key) == ref
    assert {path.name for path in tmp_path.iterdir()} == {"site"}
    assert len(pages(tmp_path)) == 1


def crash_at(monkeypatch: pytest.MonkeyPatch, step: int) -> Callable[[], int]:
    """The process dies before its step-th change of the disk; returns how many there were."""
    count = 0

    def guarded(method: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **options: object) -> object:
            nonlocal count
            count += 1
            if count == step:
                raise Crash
            return method(*args, **options)

        return call

    for name in ("write", "remove", "unmark", "forget"):
        monkeypatch.setattr(Folder, name, guarded(getattr(Folder, name)))
    return lambda: count


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("step", range(1, 20))
def test_a_crash_anywhere_in_a_create_leaves_exactly_one_page_in_the_end(tmp_path: Path, step: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        steps = crash_at(patch, step)
        with contextlib.suppress(Crash):
            create(made(tmp_path))
        assert steps() >= min(step, 15)
    adapter = made(tmp_path)
    later = replace(POST, sent=NOW + timedelta(days=40))
    ref = asyncio.run(adapter.find(POST.key)) or create(adapter, later)
    assert len(pages(tmp_path)) == 1
    assert listed(tmp_path) == [POST.title]
    assert found(adapter) == ref
    assert ref.modified_by is None
    assert ref.state is PUBLIC


@pytest.mark.guarantee(3)
@pytest.mark.parametrize("step", range(1, 20))
def test_a_crash_anywhere_in_an_update_shows_one_revision_whole(tmp_path: Path, step: int) -> None:
    ref = create(made(tmp_path))
    newer = replace(POST, revision=2, title="更正", html="<p>更正后的正文。</p>", media=())
    with pytest.MonkeyPatch.context() as patch:
        crash_at(patch, step)
        with contextlib.suppress(Crash):
            update(made(tmp_path), ref, newer, ref.version)
    adapter = made(tmp_path)
    now = found(adapter)
    doc = asyncio.run(adapter.read(now))
    assert (doc.title, now.version == ref.version) in ((POST.title, True), ("更正", False))
    assert now.modified_by is None
    assert now.url == ref.url
    update(adapter, now, newer, now.version)
    assert page_of(tmp_path).count("更正后的正文") == 1
    assert listed(tmp_path) == ["更正"]


@pytest.mark.guarantee(3)
@pytest.mark.parametrize("how", ["notice", "unpublish", "delete"])
@pytest.mark.parametrize("step", range(1, 18))
def test_a_crash_anywhere_in_a_withdrawal_ends_withdrawn_after_a_repeat(tmp_path: Path, how: str, step: int) -> None:
    ref = create(made(tmp_path))
    with pytest.MonkeyPatch.context() as patch:
        crash_at(patch, step)
        with contextlib.suppress(Crash):
            asyncio.run(made(tmp_path).withdraw(ref, how))  # type: ignore[arg-type]
    adapter = made(tmp_path)
    now = asyncio.run(adapter.find(POST.key))
    assert now is None or now.modified_by is None
    asyncio.run(adapter.withdraw(now or ref, how))  # type: ignore[arg-type]
    last = asyncio.run(adapter.find(POST.key))
    assert (last is None) if how == "delete" else (last is not None and last.state is RemoteState.WITHDRAWN)
    assert listed(tmp_path) == []
    assert all("现将" not in path.read_text() for path in pages(tmp_path))


@pytest.mark.guarantee(3)
def test_a_local_edit_is_noticed_and_not_overwritten(tmp_path: Path, adapter: StaticAdapter) -> None:
    ref = create(adapter)
    path = pages(tmp_path)[0]
    path.write_text(path.read_text().replace("现将", "现转发"))
    edited = found(adapter)
    assert edited.modified_by == "local editor"
    assert edited.version != ref.version
    assert "现转发" in asyncio.run(adapter.read(edited)).html
    with pytest.raises(Conflict) as conflict:
        update(adapter, ref, replace(POST, revision=2), ref.version)
    assert conflict.value.kind == "version"
    assert "现转发" in page_of(tmp_path)
    with pytest.raises(Conflict):
        asyncio.run(adapter.withdraw(ref, "notice", ref.version))
    assert update(adapter, ref, replace(POST, revision=2), None) is Wrote.UPDATED
    assert found(adapter).modified_by is None
    assert "现转发" not in page_of(tmp_path)


def test_the_same_again_changes_nothing(tmp_path: Path, adapter: StaticAdapter) -> None:
    ref = create(adapter)
    before = page_of(tmp_path)
    assert update(adapter, ref, replace(POST, sent=NOW + timedelta(days=3)), ref.version) is Wrote.UNCHANGED
    assert page_of(tmp_path) == before


def test_an_update_keeps_the_address_and_the_time_and_drops_old_files(tmp_path: Path, adapter: StaticAdapter) -> None:
    ref = create(adapter)
    newer = replace(POST, revision=2, media=MEDIA[1:], sent=NOW + timedelta(days=40))
    assert update(adapter, ref, newer, ref.version) is Wrote.UPDATED
    text = text_of(page_of(tmp_path))
    assert found(adapter).url == ref.url
    assert "发布时间：2026-12-01 00:30" in text
    assert "更新时间：2027-01-10 00:30" in text
    assert [path.name for path in pages(tmp_path)[0].with_suffix("").iterdir()] == [MEDIA[1].name]


def test_a_page_that_was_removed_by_hand_is_no_post_and_may_be_made_again(
    tmp_path: Path, adapter: StaticAdapter
) -> None:
    ref = create(adapter)
    pages(tmp_path)[0].unlink()
    assert asyncio.run(adapter.find(POST.key)) is None
    with pytest.raises(NotFound):
        update(adapter, ref, POST, ref.version)
    with pytest.raises(NotFound):
        asyncio.run(adapter.read(ref))
    assert create(adapter).url == ref.url


def test_a_withdrawn_page_leaves_a_notice_and_can_come_back(tmp_path: Path, adapter: StaticAdapter) -> None:
    ref = create(adapter)
    done = asyncio.run(adapter.withdraw(ref, "notice", ref.version))
    html = page_of(tmp_path)
    assert done.outcome is Wrote.WITHDRAWN
    assert done.ref.url == ref.url
    assert "noindex" in html
    assert visible.shows_withdrawn(POST.title, text_of(HTML), title_of(html), text_of(html)).ok
    assert not pages(tmp_path)[0].with_suffix("").exists()
    assert listed(tmp_path) == []
    assert asyncio.run(adapter.withdraw(ref, "notice")).outcome is Wrote.ALREADY
    assert update(adapter, ref, replace(POST, revision=3)) is Wrote.UPDATED
    assert listed(tmp_path) == [POST.title]


@pytest.mark.parametrize("how", ["unpublish", "delete"])
def test_an_unpublished_or_deleted_page_answers_404(tmp_path: Path, adapter: StaticAdapter, how: str) -> None:
    ref = create(adapter)
    assert asyncio.run(adapter.withdraw(ref, how)).outcome is Wrote.WITHDRAWN  # type: ignore[arg-type]
    assert pages(tmp_path) == []
    assert listed(tmp_path) == []
    assert asyncio.run(adapter.withdraw(ref, how)).outcome is Wrote.ALREADY  # type: ignore[arg-type]
    assert (asyncio.run(adapter.find(POST.key)) is None) == (how == "delete")


def test_a_draft_is_out_of_the_public_s_reach_until_it_is_published(tmp_path: Path, adapter: StaticAdapter) -> None:
    ref = create(adapter, state=RemoteState.DRAFT)
    assert (ref.url, ref.state, found(adapter)) == ("", RemoteState.DRAFT, ref)
    assert pages(tmp_path) == []
    assert listed(tmp_path) == []
    assert stat.S_IMODE((tmp_path / "site" / ".syncd").stat().st_mode) == 0o700
    assert update(adapter, ref, replace(POST, sent=NOW + timedelta(hours=1)), ref.version) is Wrote.UPDATED
    assert found(adapter).state is PUBLIC
    assert "2026-12-01 01:30" in page_of(tmp_path)
    assert listed(tmp_path) == [POST.title]
    assert not list((tmp_path / "site" / ".syncd" / "drafts").glob("*"))


def test_a_draft_that_an_editor_moved_to_its_place_is_public(tmp_path: Path, adapter: StaticAdapter) -> None:
    create(adapter, state=RemoteState.DRAFT)
    record = json.loads((tmp_path / "site/.syncd/posts" / f"{POST.key}.json").read_text())
    target = tmp_path / "site" / record["path"]
    target.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "site/.syncd/drafts" / target.name).rename(target)
    ref = found(adapter)
    assert ref.state is PUBLIC
    assert ref.url.endswith(record["path"])
    assert ref.modified_by is None


def test_lists_show_the_newest_first_and_months_keep_the_rest(tmp_path: Path, adapter: StaticAdapter) -> None:
    for n in range(25):
        create(adapter, replace(POST, key=f"k{n:02}", title=f"通知{n}", sent=NOW + timedelta(days=n - 24), media=()))
    site = tmp_path / "site"
    column = pages(tmp_path)[0].parent.parent
    first = [n.text() for n in LexborHTMLParser((column / "index.html").read_text()).css(".rows a")]
    assert first == [f"通知{n}" for n in range(24, 4, -1)]
    months = [len(LexborHTMLParser(path.read_text()).css(".rows a")) for path in sorted(column.glob("*/index.html"))]
    assert sum(months) == 25
    assert len(months) == 2
    assert len(json.loads((site / "feed.json").read_text())["items"]) == 20
    for link in LexborHTMLParser((column / "index.html").read_text()).css("a[href]"):
        assert (column / (link.attributes["href"] or "").partition("#")[0]).exists()


def test_a_write_reads_no_more_than_the_newest_posts(
    tmp_path: Path, adapter: StaticAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []
    record = Folder.record
    monkeypatch.setattr(Folder, "record", lambda self, name: (reads.append(name), record(self, name))[1])
    costs = []
    for n in range(32):
        reads.clear()
        create(adapter, replace(POST, key=f"k{n:02}", sent=NOW + timedelta(days=3 * n), media=()))
        costs.append(len(reads))
    assert costs[31] == costs[25] <= 45


@pytest.mark.guarantee(5)
def test_a_full_disk_applies_nothing_and_says_so(
    tmp_path: Path, adapter: StaticAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("syncd.adapters.static.folder.os.fsync", _refuse)
        with pytest.raises(NotApplied) as failure:
            create(adapter)
    assert failure.value.reason == "disk_full"
    assert failure.value.hint
    assert asyncio.run(adapter.find(POST.key)) is None
    assert pages(tmp_path) == []
    create(adapter)


def _refuse(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.guarantee(4)
def test_a_page_whose_lists_failed_is_in_doubt_and_mended_at_the_look(
    tmp_path: Path,
    adapter: StaticAdapter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Lists, "show", _refuse)
        with pytest.raises(Unknown):
            create(adapter)
    assert found(adapter).state is PUBLIC
    assert listed(tmp_path) == [POST.title]


def test_a_missing_attachment_stops_the_write_before_it_begins(tmp_path: Path, adapter: StaticAdapter) -> None:
    with pytest.raises(NotApplied) as failure:
        create(adapter, replace(POST, media=(replace(MEDIA[0], sha256="c" * 64),)))
    assert failure.value.reason == "blob_missing"
    assert not (tmp_path / "site").exists()


def test_two_processes_do_not_write_at_once(tmp_path: Path, adapter: StaticAdapter) -> None:
    with Folder(tmp_path / "site").writing(), pytest.raises(NotApplied) as failure:
        create(adapter)
    assert failure.value.reason == "busy"


def test_a_damaged_record_is_told_and_nothing_is_made_twice(tmp_path: Path, adapter: StaticAdapter) -> None:
    create(adapter)
    (tmp_path / "site/.syncd/posts" / f"{POST.key}.json").write_text("{")
    with pytest.raises(NotApplied) as failure:
        create(adapter)
    assert failure.value.reason == "record_damaged"
    assert len(pages(tmp_path)) == 1


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}{% for x in y %}",
    "]]></title><x>",
    "\u202e\x00\x0b",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_field_of_a_post_can_run_or_break_a_page_or_feed(tmp_path: Path, adapter: StaticAdapter, text: str) -> None:
    fields = {
        name: f"甲{text}"
        for name in (
            "title",
            "column",
            "issuer",
            "document_number",
            "index_number",
            "written",
            "origin_name",
            "summary",
            "source_url",
        )
    }
    media = (replace(MEDIA[0], title=text),)
    create(adapter, replace(POST, **fields, categories=(text,), media=media, html=clean(f"<p>文{text}</p>", "").html))  # type: ignore[arg-type]
    for path in (tmp_path / "site").rglob("*.html"):
        page = LexborHTMLParser(path.read_text())
        assert not page.css("script, img, svg, x")
        assert "49" not in page.css_first("h1").text()
        assert not [n for n in page.css("*") if any(name.startswith("on") for name in n.attributes)]
        policy = page.css("meta[http-equiv]")[0].attributes["content"] or ""
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
    for path in (tmp_path / "site").rglob("feed.xml"):
        ElementTree.parse(path)


def test_the_sweep_lists_posts_by_prefix_as_they_stand(adapter: StaticAdapter) -> None:
    create(adapter)
    create(adapter, replace(POST, key="other-1", title="另一"))

    async def sweep(prefix: str) -> list[RemoteDoc]:
        return [doc async for doc in adapter.list(prefix)]

    assert [doc.title for doc in asyncio.run(sweep("syncd-"))] == [POST.title]
    (doc,) = asyncio.run(sweep("other-"))
    assert doc.key == "other-1"
    assert text_of(doc.html) == text_of(HTML)


def test_check_tells_where_it_would_write_and_changes_nothing(tmp_path: Path, adapter: StaticAdapter) -> None:
    report = asyncio.run(adapter.check())
    assert report.ok
    assert report.capabilities.guarantee == "A"
    assert not (tmp_path / "site").exists()
    (tmp_path / "file").write_text("")
    bad = made(tmp_path / "file")
    assert not asyncio.run(bad.check()).ok


def test_columns_may_have_readable_addresses_and_a_base_path(tmp_path: Path) -> None:
    ref = create(made(tmp_path, columns={"国务院文件": "guowuyuan"}, base_path="/zc/"))
    assert ref.url.startswith("https://www.county.example/zc/guowuyuan/2026-12/")
