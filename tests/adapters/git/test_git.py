"""The git adapter: one page a key whoever else pushes, nothing overwritten unasked, nothing believed that was not looked at."""

from __future__ import annotations

import asyncio
import fcntl
import json
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from syncd.adapters.git import GitAdapter, Options
from syncd.adapters.git import clone as clones
from syncd.adapters.git.run import Done, Git
from syncd.content.text import text_of
from syncd.core.visible import normalise
from syncd.errors import AuthFailed, ConfigError, Conflict, NotApplied, NotFound, Rejected, Unknown
from syncd.model import Instant, Post, RemoteDoc, RemoteRef, RemoteState, WriteResult, Wrote
from tests.adapters.git.kit import BYTES, OTHER, PDF, PICTURE, SECOND, TEXT, Person, Site, post, print_

PUBLIC, DRAFT, WITHDRAWN = RemoteState.PUBLIC, RemoteState.DRAFT, RemoteState.WITHDRAWN
PATH = "content/gwywj/2026/syncd-0123456789abcdef0123/index.html"
LAYOUTS = ("hugo", "eleventy", "pelican")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture(params=LAYOUTS)
def each(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    return Site(tmp_path, request.param)


def run(call: Awaitable[Any]) -> Any:
    async def whole() -> Any:
        return await call

    return asyncio.run(whole())


def create(adapter: GitAdapter, made: Post | None = None, state: RemoteState = PUBLIC) -> WriteResult:
    result: WriteResult = run(adapter.create(made or post(), state))
    return result


def update(adapter: GitAdapter, ref: RemoteRef, made: Post, version: str | None = None) -> WriteResult:
    result: WriteResult = run(adapter.update(ref, made, PUBLIC, version))
    return result


def found(adapter: GitAdapter, key: str = post().key) -> RemoteRef:
    ref: RemoteRef | None = run(adapter.find(key))
    assert ref is not None
    return ref


def read(adapter: GitAdapter, ref: RemoteRef) -> RemoteDoc:
    doc: RemoteDoc = run(adapter.read(ref))
    return doc


def listed(adapter: GitAdapter, prefix: str = "syncd-") -> list[RemoteDoc]:
    async def all_of() -> list[RemoteDoc]:
        return [doc async for doc in adapter.list(prefix)]

    return asyncio.run(all_of())


# --- a page -----------------------------------------------------------------------------------------------------------


@pytest.mark.guarantee(4)
def test_what_was_created_is_found_and_read_back_as_it_was_sent(each: Site) -> None:
    adapter = each.adapter()
    assert run(adapter.find(post().key)) is None
    made = create(adapter)
    assert made.outcome is Wrote.CREATED
    assert made.ref == found(adapter)
    assert made.ref.url == "https://www.county.example/gwywj/2026/syncd-0123456789abcdef0123/"
    assert (made.ref.state, made.ref.modified_by) == (PUBLIC, None)
    assert print_(read(adapter, made.ref)) == print_(post()) == print_(made.stored)
    assert read(adapter, made.ref).key == post().key
    assert each.pages() == [PATH]


TITLES = (
    "关于“甲”<乙>: {{ x }} 的通知 😀 #x %y 'z' \"q\" \\ & - [a]", "--- a: b", "\u202e右到左 \u2028 分行 \x7f \x85 \ufeff", "是",
    "null", "[]", "甲" * 500, "a &amp; b &lt;", "",
)


def test_no_title_breaks_the_front_matter(each: Site) -> None:
    adapter = each.adapter()
    for n, title in enumerate(TITLES):
        made = create(adapter, post(key=f"syncd-{n:020x}", title=title))
        assert normalise(read(adapter, made.ref).title) == normalise(title)
        assert print_(read(adapter, made.ref)) == print_(post(title=title))


def test_lone_surrogates_and_nul_do_not_stop_a_page(each: Site) -> None:
    adapter = each.adapter()
    made = create(adapter, post(title="甲\ud800乙\x00丙", issuer="\udfff"))
    assert "甲" in read(adapter, made.ref).title
    each.git("fsck", "--strict")


TEXTS = (
    "<p>{{ 7*7 }} {% raw %} {{&lt; figure &gt;}} {{% x %}} {filename}a {# c #}</p>",
    '<p><a href="https://x.example/{filename}a|b?x={{y}}">甲</a><img src="https://x.example/{static}p.png" alt="{{ x }}"></p>',
    "<pre>一\n  二 {{ x }}\n</pre><p>三</p>",
)


def test_nothing_in_a_text_is_a_template_for_a_generator(each: Site) -> None:
    adapter = each.adapter()
    for n, text in enumerate(TEXTS):
        made = create(adapter, post(key=f"syncd-{n:020x}", html=text, hotlink=True))
        body = each.show(PATH.replace("0123456789abcdef0123", f"{n:020x}")).partition("<!--syncd:text-->")[2]
        assert "{" not in body
        assert "|" not in "".join(part.split('"')[0] for part in body.split('href="')[1:])
        assert text_of(read(adapter, made.ref).html) == text_of(text)


def test_files_lie_beside_the_page_and_go_with_the_revision_that_had_them(each: Site) -> None:
    adapter, folder = each.adapter(), PATH.removesuffix("index.html")
    text = f'{TEXT}<p><a href="{PDF.url.replace("&", "&amp;")}">附件</a><img src="{PICTURE.url}"></p>'
    first = post(media=(PDF, PICTURE, SECOND), html=text)
    made = create(adapter, first)
    own = {f"{folder}{media.name}" for media in first.media}
    assert own < set(each.files())
    assert each.show(f"{folder}{PDF.name}").encode() == BYTES[PDF.sha256]
    before = "{attach}" if each.layout == "pelican" else ""
    page = each.show(PATH)
    assert f'href="{before}{PDF.name}">附件' in page
    assert f'src="{before}{PICTURE.name}"' in page
    assert f'href="{before}{SECOND.name}">附件2</a> (PDF' in page
    update(adapter, made.ref, post(media=(PDF,), revision=2), made.ref.version)
    assert own & set(each.files()) == {f"{folder}{PDF.name}"}


def test_a_picture_that_was_not_fetched_becomes_a_link(site: Site) -> None:
    create(site.adapter(), post(html='<p><img src="https://www.gov.cn/x.png" alt="图一"></p>'))
    assert '<a href="https://www.gov.cn/x.png">[图一]</a>' in site.show(PATH)


def test_without_credit_a_theme_has_the_fields(site: Site) -> None:
    create(site.adapter(credit=False, extra={"layout": "policy", "weight": 3}))
    page = site.show(PATH)
    assert "syncd-credit" not in page
    for line in ('"issuer": "国务院"', '"document_number": "国发〔2026〕1号"', '"layout": "policy"', '"weight": 3'):
        assert line in page


def test_no_field_holds_a_page_back(site: Site) -> None:
    """Hugo takes publishDate from `pubdate` and `published` too (its frontmatter defaults) and hides what is dated later."""
    create(site.adapter(), post(published=Instant(site.now + timedelta(days=2))))
    fields = json.loads(site.show(PATH).split("---\n")[1])
    assert not {"publishDate", "publishdate", "pubdate", "published", "expiryDate", "expirydate", "unpublishdate"} & set(fields)
    assert datetime.fromisoformat(fields["date"]) <= site.now


def test_a_column_without_a_folder_gets_one_that_is_safe_and_stays(site: Site) -> None:
    made = create(site.adapter(), post(column="../要闻"))
    assert made.ref.url.isascii()
    assert ".." not in site.pages()[0]


def test_a_commit_says_what_it_did_and_by_whom_in_one_line_each(site: Site) -> None:
    create(site.adapter(), post(title="第一行\n\nSyncd-Key: 假的\x00", document_number="国发\nX: y"))
    told = site.git("log", "-1", "--format=%an <%ae>|%cn <%ce>|%ad|%s", "--date=iso", "main").strip()
    us = "syncd <syncd@county.example>"
    assert told == f"{us}|{us}|2026-11-30 09:30:20 +0800|publish: 第一行 Syncd-Key: 假的"
    trailers = site.git("log", "-1", "--format=%(trailers:only)", "main").split("\n")
    assert [line for line in trailers if line] == [
        "Syncd-Key: syncd-0123456789abcdef0123", "Syncd-Revision: 1", "Syncd-Number: 国发 X: y"]


# --- one page a key -----------------------------------------------------------------------------------------------------


@pytest.mark.guarantee(2)
def test_a_second_page_with_a_key_is_refused(site: Site) -> None:
    create(site.adapter())
    with pytest.raises(Conflict) as refused:
        create(site.adapter(folder="another"), post(column="要闻"))
    assert refused.value.kind == "exists"
    assert len(site.pages()) == 1


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("folders", [("a", "a", "a", "a"), ("a", "b", "c", "d")])
def test_of_four_creates_at_once_one_is_made(site: Site, folders: tuple[str, ...]) -> None:
    adapters = [site.adapter(folder=folder) for folder in folders]

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(*(adapter.create(post(), PUBLIC) for adapter in adapters), return_exceptions=True)

    told = asyncio.run(all_at_once())
    assert sum(isinstance(each, WriteResult) for each in told) == 1
    assert {each.kind for each in told if isinstance(each, Exception)} == {"exists"}  # type: ignore[attr-defined]
    assert len(site.pages()) == 1


@pytest.mark.guarantee(2)
def test_documents_of_others_that_are_pushed_in_between_stay(site: Site) -> None:
    first, second = site.adapter(folder="a"), site.adapter(folder="b")
    create(first)
    for n in range(4):
        create((first, second)[n % 2], post(key=f"syncd-{n:020x}"))
        site.editor.push(f"content/news-{n}.md", "新闻")
    assert len(site.pages()) == 5
    assert sum(path.startswith("content/news-") for path in site.files()) == 4


@pytest.mark.guarantee(3)
def test_nothing_is_ever_forced(site: Site) -> None:
    """The server says no to that, and each tip stands on the one before it."""
    adapter, tips = site.adapter(), []
    ref = create(adapter).ref
    for n in range(3):
        tips.append(site.git("rev-parse", "main").strip())
        site.editor.push(f"content/{n}.md", "x")
        tips.append(site.git("rev-parse", "main").strip())
        ref = update(adapter, ref, post(revision=n + 2, html=f"<p>第{n}版正文在此。</p>"), ref.version).ref
    for tip in tips:
        site.git("merge-base", "--is-ancestor", tip, "main")


def test_a_branch_that_was_wound_back_stays_wound_back(site: Site) -> None:
    """A push that is only no step back would bring all of it up again."""
    adapter = site.adapter()
    create(adapter, post(key="syncd-aaaaaaaaaaaaaaaaaaaa"))
    site.git("update-ref", "refs/heads/main", "main~1")
    create(adapter)
    assert site.pages() == [PATH]


def test_somebody_who_pushes_all_the_time_is_given_way_after_six_tries(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    push, tries = clones.Clone.push, []

    async def beaten(self: clones.Clone, tip: str, commit: clones.Committed) -> Any:
        tries.append(tip)
        site.editor.push(f"content/{len(tries)}.md", "x")
        return await push(self, tip, commit)

    adapter = site.adapter()
    monkeypatch.setattr(clones.Clone, "push", beaten)
    with pytest.raises(NotApplied) as given_up:
        create(adapter)
    assert (given_up.value.reason, len(tries)) == ("others_push", 6)
    assert site.pages() == []


@pytest.mark.guarantee(1)
def test_a_push_that_lost_its_answer_is_not_repeated_in_the_same_call(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter, pushes = site.adapter(), []
    real = Git.remote

    async def lossy(self: Git, *words: str) -> Done:
        done = await real(self, *words)
        if words[0] != "push":
            return done
        pushes.append(done.code)
        return Done(128, b"", "client_loop: send disconnect: Broken pipe\nfatal: the remote end hung up unexpectedly")

    monkeypatch.setattr(Git, "remote", lossy)
    with pytest.raises(Unknown):
        create(adapter)
    assert pushes == [0]
    assert found(adapter).id == post().key


def test_an_address_that_a_page_of_somebody_else_has_is_not_taken(site: Site) -> None:
    site.editor.push(PATH, "---\ntitle: 别的\nsyncd: {key: other}\n---\n别的\n")
    with pytest.raises(Conflict):
        create(site.adapter())
    assert run(site.adapter().find(post().key)) is None


@pytest.mark.parametrize("path", ["content/gwywj", "content/gwywj/2026"])
def test_what_is_in_the_way_of_a_folder_is_not_replaced(site: Site, path: str) -> None:
    site.editor.push(path, "a file")
    with pytest.raises(AuthFailed) as refused:
        create(site.adapter())
    assert refused.value.reason == "no_folder"
    assert path in site.files()


# --- updates and local edits ---------------------------------------------------------------------------------------------


def test_an_update_keeps_the_address_and_the_first_date(each: Site) -> None:
    adapter = each.adapter()
    first = create(adapter).ref
    again = update(adapter, first, post(revision=2, html=OTHER, column="要闻", sent=each.later(days=40)), first.version)
    assert again.outcome is Wrote.UPDATED
    assert (again.ref.id, again.ref.url, each.pages()) == (first.id, first.url, [PATH])
    assert again.ref.version != first.version
    assert "2026-11-30T09:30:00+08:00" in each.show(PATH)
    assert "更新时间：2027-01-09" in each.show(PATH)
    assert again.ref == found(adapter)


def test_the_same_text_later_is_no_commit(each: Site) -> None:
    adapter = each.adapter()
    made = create(adapter, post(media=(PDF,)))
    again = post(media=(PDF,), sent=each.later(minutes=90))
    assert update(adapter, made.ref, again, made.ref.version).outcome is Wrote.UNCHANGED
    changed = update(adapter, made.ref, replace(again, revision=2, html=OTHER), made.ref.version)
    count = each.commits()
    later = replace(again, revision=2, html=OTHER, sent=each.later(minutes=90))
    assert update(adapter, changed.ref, later, changed.ref.version).outcome is Wrote.UNCHANGED
    assert each.commits() == count


@pytest.mark.guarantee(3)
def test_a_local_edit_is_told_with_its_author_and_not_overwritten(each: Site) -> None:
    adapter = each.adapter()
    made = create(adapter)
    each.editor.change(PATH, "第一版", "本县版")
    with pytest.raises(Conflict) as refused:
        update(adapter, made.ref, post(revision=2, html=OTHER), made.ref.version)
    assert refused.value.kind == "version"
    with pytest.raises(Conflict):
        run(adapter.withdraw(made.ref, "notice", made.ref.version))
    assert found(adapter).modified_by == "王编辑 <wang@county.example>"
    assert "本县版" in read(adapter, made.ref).html
    assert "本县版" in each.show(PATH)
    update(adapter, made.ref, post(revision=2, html=OTHER), None)
    assert "第二版" in each.show(PATH)
    assert found(adapter).modified_by is None


@pytest.mark.guarantee(3)
def test_a_local_edit_between_our_look_and_our_push_is_seen(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = site.adapter()
    made = create(adapter)
    push = clones.Clone.push

    async def beaten(self: clones.Clone, tip: str, commit: clones.Committed) -> Any:
        monkeypatch.setattr(clones.Clone, "push", push)
        site.editor.change(PATH, "第一版", "本县版")
        return await push(self, tip, commit)

    monkeypatch.setattr(clones.Clone, "push", beaten)
    with pytest.raises(Conflict):
        update(adapter, made.ref, post(revision=2, html=OTHER), made.ref.version)
    assert "本县版" in site.show(PATH)


def test_an_edit_of_anything_else_is_no_edit_of_the_page(site: Site) -> None:
    adapter = site.adapter()
    made = create(adapter)
    site.editor.push("content/about.md", "新的")
    assert found(adapter) == made.ref
    assert update(adapter, made.ref, post(revision=2, html=OTHER), made.ref.version).outcome is Wrote.UPDATED


def test_what_an_editor_changes_around_the_text_counts_too(each: Site) -> None:
    adapter = each.adapter()
    made = create(adapter)
    each.editor.change(PATH, "查看原文", "原文在此")
    assert print_(read(adapter, made.ref)) != print_(post())


def test_a_page_that_was_moved_is_found_and_keeps_its_address(each: Site) -> None:
    adapter = each.adapter()
    made = create(adapter)
    each.editor("pull", "-q", "--rebase")
    (each.editor.folder / "content" / "archive").mkdir()
    each.editor("mv", str(Path(PATH).parent), "content/archive/")
    each.editor("commit", "-q", "-m", "move")
    each.editor("push", "-q")
    ref = found(adapter)
    assert (ref.id, ref.url) == (made.ref.id, made.ref.url)
    assert ref.modified_by == "王编辑 <wang@county.example>"
    assert print_(read(adapter, ref)) == print_(post())
    update(adapter, ref, post(revision=2, html=OTHER), ref.version)
    assert each.pages() == ["content/archive/syncd-0123456789abcdef0123/index.html"]


@pytest.mark.parametrize("front", [
    "title: '关于印发《方案》的通知'\ndraft: false\nsyncd:\n  key: syncd-0123456789abcdef0123\n",
    'title = "关于印发《方案》的通知"\n[syncd]\nkey = "syncd-0123456789abcdef0123"\n',
    'title = "关于印发《方案》的通知"\nsort_key = 7\n'
    'syncd = { revision = 1, key = "syncd-0123456789abcdef0123" }\n[other]\nkey = "7"\n',
    'title = "关于印发《方案》的通知"\nsyncd.key = "syncd-0123456789abcdef0123"\n',
    "title: '关于印发《方案》的通知'\nsort-key: 7\nkey: 8\n"
    "syncd:\n  files:\n  - a.pdf\n\n  key: syncd-0123456789abcdef0123\nother:\n  key: 9\n",
    '{\n"title": "关于印发《方案》的通知",\n"key": 7,\n"syncd": {\n  "key": "syncd-0123456789abcdef0123"\n },\n}\n',
])
def test_front_matter_that_an_editors_tool_has_rewritten_is_still_read(site: Site, front: str) -> None:
    adapter = site.adapter()
    made = create(adapter)
    fence = "+++" if "=" in front else "---"
    body = site.show(PATH).partition("\n---\n")[2]
    site.editor.push(PATH, f"{fence}\n{front}{fence}\n{body}".replace("\n", "\r\n"))
    doc = read(adapter, made.ref)
    assert (doc.key, doc.title, doc.ref.state) == (post().key, post().title, PUBLIC)
    site.editor.push(PATH, f"{fence}\n{front.replace('draft: false', 'draft: true')}{fence}\n{body}")
    assert found(adapter).state is (DRAFT if "draft" in front else PUBLIC)


def test_a_key_that_is_not_in_our_own_block_is_none_of_ours(site: Site, tmp_path: Path) -> None:
    adapter = site.adapter()
    create(adapter)
    site.editor.push(PATH, "---\ntitle: 甲\nsort-key: 7\nother:\n  key: 8\n---\n<p>编辑改写</p>\n")
    ref = found(adapter)
    assert ref.modified_by == "王编辑 <wang@county.example>"
    assert read(adapter, ref).key == ""


def test_the_author_is_that_of_this_very_path_whatever_signs_are_in_it(site: Site) -> None:
    adapter = site.adapter()
    site.editor.push("content/gwywj/2026/n[1]/index.html", "---\ntitle: 甲\n---\n甲")
    ours = Person(site.root / "ours", str(site.bare), "syncd", "syncd@county.example")
    ours.push("content/gwywj/2026/n1/index.html", "---\ntitle: 乙\n---\n乙")
    assert read(adapter, RemoteRef("content/gwywj/2026/n[1]/index.html")).ref.modified_by == "王编辑 <wang@county.example>"


def test_a_page_that_somebody_deleted_is_not_found_and_not_made_again_by_an_update(site: Site) -> None:
    adapter = site.adapter()
    made = create(adapter)
    site.editor.push("README", "x")
    site.editor.push(PATH, None)
    assert run(adapter.find(post().key)) is None
    for call in (adapter.update(made.ref, post(revision=2), PUBLIC, made.ref.version), adapter.read(made.ref)):
        with pytest.raises(NotFound):
            run(call)
    assert run(adapter.withdraw(made.ref, "notice")).outcome is Wrote.ALREADY


def test_what_an_old_look_says_is_not_believed(site: Site) -> None:
    """Refusals and "nothing to do" are of the tip that the server has now."""
    adapter = site.adapter()
    create(adapter)
    site.editor.push("README", "x")
    site.editor.push(PATH, None)
    made = create(adapter)  # gone meanwhile: no conflict
    other = update(site.adapter(folder="other"), made.ref, post(revision=2, html=OTHER), made.ref.version)
    assert update(adapter, made.ref, post(revision=3), other.ref.version).outcome is Wrote.UPDATED  # newer: no conflict
    site.editor.change(PATH, "第一版", "本县版")
    assert update(adapter, made.ref, post(revision=3), None).outcome is Wrote.UPDATED  # edited meanwhile: not unchanged
    assert "第一版" in site.show(PATH)
    site.editor.push(PATH, None)
    assert run(adapter.withdraw(made.ref, "notice")).outcome is Wrote.ALREADY


def test_a_page_that_people_wrote_is_read_by_its_path(site: Site) -> None:
    path = "content/zfwj/2024/旧文/index.md"
    site.editor.push(path, "---\ntitle: 旧文\n---\n<p>正文</p>\n")
    doc = read(site.adapter(), RemoteRef(path))
    assert (doc.key, doc.title, doc.ref.modified_by) == ("", "旧文", "王编辑 <wang@county.example>")


def test_every_page_of_ours_is_listed(each: Site) -> None:
    adapter = each.adapter()
    for n in range(3):
        create(adapter, post(key=f"syncd-{n:020x}"))
    each.editor.push("content/other/index.html", "---\ntitle: x\n---\n<!--syncd:text-->x<!--/syncd:text-->")
    assert [doc.key for doc in listed(adapter)] == [f"syncd-{n:020x}" for n in range(3)]
    assert listed(adapter, "syncd-x") == []
    assert print_(listed(adapter)[0]) == print_(post())


# --- drafts and withdrawals --------------------------------------------------------------------------------------------


def test_a_draft_is_one_until_its_editor_publishes_it(each: Site) -> None:
    adapter = each.adapter()
    made = create(adapter, state=DRAFT)
    assert (made.ref.state, made.ref.url) == (DRAFT, "")
    assert "转载时间" not in each.show(PATH)
    again = run(adapter.update(made.ref, post(revision=2, html=OTHER), DRAFT, made.ref.version))
    assert again.ref.state is DRAFT
    public = update(adapter, made.ref, post(revision=2, html=OTHER), again.ref.version)
    assert public.ref.state is PUBLIC
    assert public.ref.url.endswith("/gwywj/2026/syncd-0123456789abcdef0123/")


def test_the_first_date_of_a_draft_is_when_it_became_public(each: Site) -> None:
    adapter = each.adapter()
    made = create(adapter, state=DRAFT)
    update(adapter, made.ref, post(sent=each.later(days=3)))
    assert "2026-12-03T09:30:00+08:00" in each.show(PATH)


def test_a_notice_stands_at_the_same_address_without_the_text_and_the_files(each: Site) -> None:
    adapter = each.adapter()
    made = create(adapter, post(media=(PDF,)))
    done = run(adapter.withdraw(made.ref, "notice", made.ref.version))
    assert (done.outcome, done.ref.state, done.ref.url) == (Wrote.WITHDRAWN, WITHDRAWN, made.ref.url)
    page = each.show(PATH)
    assert "第一版" not in page
    assert "已撤回" in page
    assert "https://www.gov.cn/1.htm" in page
    assert each.pages() == [PATH]
    assert not any(path.endswith(".pdf") for path in each.files())
    assert found(adapter) == done.ref
    assert run(adapter.withdraw(made.ref, "notice", "stale")).outcome is Wrote.ALREADY


def test_an_unpublished_page_keeps_its_text_and_can_come_back(each: Site) -> None:
    adapter = each.adapter(withdraw="unpublish")
    made = create(adapter, post(media=(PDF,)))
    done = run(adapter.withdraw(made.ref, "unpublish", made.ref.version))
    assert (done.outcome, done.ref.state) == (Wrote.WITHDRAWN, WITHDRAWN)
    assert "第一版" in each.show(PATH)
    assert run(adapter.withdraw(made.ref, "unpublish")).outcome is Wrote.ALREADY
    assert print_(read(adapter, made.ref)) == print_(post())
    back = update(adapter, made.ref, post(revision=3), done.ref.version)
    assert (back.ref.state, back.ref.url) == (PUBLIC, made.ref.url)


def test_a_draft_is_withdrawn_without_a_notice(each: Site) -> None:
    adapter = each.adapter()
    made = create(adapter, state=DRAFT)
    assert run(adapter.withdraw(made.ref, "notice")).ref.state is WITHDRAWN
    assert "已撤回" not in each.show(PATH)


def test_delete_leaves_what_is_not_ours(each: Site) -> None:
    adapter = each.adapter(withdraw="delete")
    made = create(adapter, post(media=(PDF,)))
    each.editor.push(PATH.replace("index.html", "editors.txt"), "mine")
    assert run(adapter.withdraw(made.ref, "delete", made.ref.version)).outcome is Wrote.WITHDRAWN
    assert [path for path in each.files() if "syncd-" in path] == [PATH.replace("index.html", "editors.txt")]
    assert run(adapter.find(post().key)) is None
    assert run(adapter.withdraw(made.ref, "delete")).outcome is Wrote.ALREADY
    assert create(adapter).outcome is Wrote.CREATED


# --- the clone ---------------------------------------------------------------------------------------------------------


def _cut_objects(git: Path) -> None:
    for path in git.glob("objects/??/*"):
        path.chmod(0o644)
        path.write_bytes(b"")


def _drop_packs(git: Path) -> None:
    shutil.rmtree(git / "objects")
    (git / "objects").mkdir()


def _leave_locks(git: Path) -> None:
    for name in ("packed-refs.lock", "config.lock", "refs/syncd/tip.lock", "HEAD.lock"):
        (git / name).write_text("")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty objects": _cut_objects, "no objects": _drop_packs, "locks of a killed git": _leave_locks,
    "no HEAD": lambda git: (git / "HEAD").unlink(), "garbage HEAD": lambda git: (git / "HEAD").write_text("x"),
    "garbage tip": lambda git: (git / "refs/syncd/tip").write_text("x"), "tip of nothing":
    lambda git: (git / "refs/syncd/tip").write_text("1" * 40), "garbage config": lambda git: (git / "config").write_text("[["),
    "gone": shutil.rmtree,
}


@pytest.mark.guarantee(1)
@pytest.mark.parametrize(("damage", "then"), [
    *((damage, "find") for damage in DAMAGE), ("empty objects", "create"), ("no objects", "update"), ("garbage tip", "create"),
    ("tip of nothing", "update"),
])
def test_a_damaged_clone_is_made_again(site: Site, damage: str, then: str) -> None:
    adapter = site.adapter()
    made = create(adapter)
    (git,) = (site.root / "state").glob("*/git")
    DAMAGE[damage](git)
    if then == "find":
        assert found(adapter) == made.ref
    elif then == "create":
        create(adapter, post(key="syncd-ffffffffffffffffffff"))
    else:
        update(adapter, made.ref, post(revision=2, html=OTHER), made.ref.version)
    assert print_(read(adapter, found(adapter))) == print_(post(html=OTHER if then == "update" else TEXT))


def test_another_process_in_the_clone_is_waited_for(site: Site) -> None:
    adapter = site.adapter()
    create(adapter)
    (folder,) = (site.root / "state").glob("*")
    with (folder / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(NotApplied) as busy:
            run(adapter.find(post().key))
    assert (busy.value.reason, busy.value.after) == ("busy", 1.0)
    found(adapter)


def test_two_sites_of_one_repository_share_one_clone(site: Site) -> None:
    for column in ("国务院文件", "要闻"):
        create(site.adapter(), post(key=f"syncd-{len(column):020x}", column=column))
    assert len(list((site.root / "state").glob("*"))) == 1


def test_a_clone_may_lie_where_the_operator_says(site: Site) -> None:
    create(site.adapter(clone=site.root / "big"))
    assert list((site.root / "big").glob("*/git/HEAD"))
    assert not (site.root / "state").exists()


def test_without_a_folder_there_is_no_adapter(site: Site) -> None:
    from syncd.adapters.api import SiteConfig, Tools

    with pytest.raises(ConfigError, match="clone"):
        GitAdapter(SiteConfig("x", "https://x.example", options=GOOD), Tools(None, None, None))  # type: ignore[arg-type]


@pytest.mark.parametrize("blob", [SECOND])
def test_a_file_that_can_not_be_read_stops_before_anything_is_written(site: Site, blob: Any) -> None:
    missing = replace(blob, sha256="f" * 64)
    with pytest.raises(NotApplied) as failed:
        create(site.adapter(), post(media=(missing,)))
    assert failed.value.reason == "blob_missing"
    assert site.commits() == 1


# --- the program git -----------------------------------------------------------------------------------------------------


def test_no_setting_hook_or_environment_of_the_machine_is_used(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    mark = tmp_path / "hooked"
    (home / "hooks").mkdir()
    for hook in ("pre-push", "reference-transaction", "post-checkout"):
        (home / "hooks" / hook).write_text(f"#!/bin/sh\ntouch {mark}\nexit 1\n")
        (home / "hooks" / hook).chmod(0o755)
    (home / ".gitconfig").write_text(
        f'[core]\nhooksPath = {home}/hooks\n[user]\nname = x\nemail = x@x\n[url "file:///nowhere"]\ninsteadOf = {site.bare}\n')
    for name, value in {"HOME": str(home), "GIT_AUTHOR_NAME": "mallory", "GIT_DIR": "/nowhere", "GIT_SSH_COMMAND": "false",
                        "GIT_TRACE": "1", "LC_ALL": "zh_CN.UTF-8"}.items():
        monkeypatch.setenv(name, value)
    create(site.adapter())
    monkeypatch.delenv("GIT_DIR")
    assert site.git("log", "-1", "--format=%an", "main").strip() == "syncd"
    assert not mark.exists()


def test_without_git_it_is_said_what_to_install(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = site.adapter()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotApplied) as failed:
        run(site.adapter().find("k"))
    assert failed.value.reason == "git_missing"
    assert "install git" in failed.value.hint
    assert adapter


def test_a_git_that_hangs_is_ended_with_all_that_it_started(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    real = shutil.which("git")
    slow.write_text(f'#!/bin/sh\nif [ "$1" = fetch ]; then sleep 600 & echo $! > {tmp_path}/pid; wait; fi\nexec {real} "$@"\n')
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:/usr/bin:/bin")
    with pytest.raises(NotApplied) as failed:
        run(site.adapter(timeout=1).find("k"))
    assert failed.value.reason == "timeout"
    pid = (tmp_path / "pid").read_text().strip()
    stat = Path(f"/proc/{pid}/stat")
    assert not stat.exists() or stat.read_text().split()[2] == "Z"


# --- what a server refuses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("says", "error", "reason"), [
    ("GitLab: You are not allowed to push code to protected branches on this project.", AuthFailed, "branch_protected"),
    ("error: GH006: Protected branch update failed for refs/heads/main.", AuthFailed, "branch_protected"),
    ("commit message must name an issue", Rejected, "hook_declined"),
])
def test_what_a_rule_of_the_server_refuses_is_told_in_its_words(
    site: Site, says: str, error: type[Exception], reason: str,
) -> None:
    hook = site.bare / "hooks" / "pre-receive"
    hook.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(error) as refused:
        create(site.adapter())
    assert refused.value.reason == reason  # type: ignore[attr-defined]
    assert says[:20] in str(refused.value)
    assert site.pages() == []


def test_a_branch_that_somebody_has_checked_out_is_named(site: Site) -> None:
    site.git("config", "core.bare", "false")
    site.git("config", "receive.denyCurrentBranch", "refuse")
    with pytest.raises(AuthFailed) as refused:
        create(site.adapter())
    assert refused.value.reason == "checked_out"


@pytest.mark.parametrize(("options", "reason"), [
    ({"repository": "/nowhere/x.git"}, "no_repository"), ({"branch": "nope"}, "no_branch"),
])
def test_what_is_not_there_stops_the_site(site: Site, options: dict[str, str], reason: str) -> None:
    with pytest.raises(AuthFailed) as refused:
        run(site.adapter(**options).find("k"))
    assert refused.value.reason == reason
    assert refused.value.hint


# --- the check ---------------------------------------------------------------------------------------------------------


def test_the_check_says_that_all_is_well_and_changes_nothing(each: Site) -> None:
    before = each.git("for-each-ref")
    report = run(each.adapter().check())
    assert report.ok, report.items
    assert [item.name for item in report.items] == ["git", "reach", "layout", "content", "push"]
    assert report.capabilities.guarantee == "A"
    assert report.server_version
    assert each.git("for-each-ref") == before
    assert not (each.root / "state").exists()


@pytest.mark.parametrize(("options", "item"), [
    ({"repository": "/nowhere/x.git"}, "reach"), ({"branch": "nope"}, "reach"), ({"layout": "pelican"}, "layout"),
    ({"content": "nope"}, "content"),
])
def test_the_check_names_what_is_wrong(site: Site, options: dict[str, str], item: str) -> None:
    report = run(site.adapter(**options).check())
    assert not report.ok
    bad = [each for each in report.items if not each.ok]
    assert [each.name for each in bad] == [item]
    assert bad[0].hint


# --- options -----------------------------------------------------------------------------------------------------------


GOOD = {"repository": "https://git.county.example/web/site.git"}
SSH = {"ssh_key": "k", "host_key": "ssh-ed25519 " + "A" * 68}


SERVER = "ssh://git@x.example/a.git"


@pytest.mark.parametrize("change", [
    {"repository": "/srv/site.git"}, {"repository": "file:///srv/site.git"}, {"repository": "ftp://x.example/a"},
    {"repository": ""}, {"repository": "https://u:p@x.example/a.git"}, {"repository": "git@x.example:a.git"},
    {"repository": "--upload-pack=x", "local": True}, {"repository": "ext::sh -c x"}, {"branch": "a..b"}, {"branch": "-x"},
    {"branch": ""}, {"content": "../x"}, {"content": "a/.git/b"}, {"columns": {"要闻": "a/../b"}},
    {"columns": {"要闻": "{x}"}}, {"author": "x"}, {"author": "a <b>"}, {"author": "a\nb <c@d>"}, {"extra": {"syncd": "x"}},
    {"extra": {"a b": 1}}, {"layout": "jekyll"}, {"timeout": 0}, {"host_key": "AAAA"},
    {"repository": SERVER, "host_key": SSH["host_key"]}, {"repository": SERVER, "ssh_key": "k"},
])
def test_options_that_can_not_work_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Options.model_validate({**GOOD, **change})


@pytest.mark.parametrize(("repository", "address", "scheme"), [
    ("git@git.county.example:web/site.git", "ssh://git@git.county.example/web/site.git", "ssh"),
    ("ssh://git@git.county.example:2222/web/site.git", "ssh://git@git.county.example:2222/web/site.git", "ssh"),
    ("https://git.county.example/web/site.git", "https://git.county.example/web/site.git", "https"),
])
def test_the_short_form_of_an_address_is_understood(repository: str, address: str, scheme: str) -> None:
    options = Options.model_validate({"repository": repository, **SSH})
    assert (options.address, options.scheme) == (address, scheme)


def test_the_private_key_is_a_file_that_only_we_may_read_and_leaves_with_us(site: Site, tmp_path: Path) -> None:
    from syncd.web.api import Network

    options = Options.model_validate({"repository": "git@git.county.example:web/site.git", **SSH})
    clone = clones.Clone(tmp_path / "state", options, Network())

    async def opened() -> None:
        async with clone.open():
            pass

    asyncio.run(opened())
    key = clone.folder / "ssh_key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert (clone.folder / "ssh_host").read_text() == f"syncd {SSH['host_key']}\n"
    with (clone.folder / "lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        clone.forget()
        assert key.exists(), "another process works with it"
        key.write_text("theirs")
        with pytest.raises(NotApplied):
            asyncio.run(opened())
        assert key.read_text() == "theirs"
    clone.forget()
    assert not key.exists()
    clones.Clone(tmp_path / "never opened", options, Network()).forget()
    command = Git(clone.folder, options, Network())._env["GIT_SSH_COMMAND"]
    assert "StrictHostKeyChecking=yes" in command
    assert "-F /dev/null" in command


def test_an_editor_and_we_are_told_apart_by_mail_alone(site: Site) -> None:
    adapter = site.adapter()
    create(adapter)
    double = Person(site.root / "double", str(site.bare), "syncd", "other@county.example")
    double.change(PATH, "第一版", "另一版")
    assert found(adapter).modified_by == "syncd <other@county.example>"


