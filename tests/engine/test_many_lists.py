"""One document over many lists: one document, one repost, and the clock from the earliest public instant."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncd.core.repost import Status
from syncd.engine.read import _undated
from syncd.model import Entry, Instant, Precision
from syncd.sources.dates import read_instant
from syncd.store.api import Filter
from syncd.store.documents import earlier
from tests.engine import shelf
from tests.engine.rig import Rig, played, route, site, text_reply
from tests.engine.shelf import Shelf

LISTS = ("list", "library", "gazette")
TITLE = "国务院关于促进乡村医疗卫生服务的意见"
BODY = "<p>各省、自治区、直辖市人民政府，国务院各部委、各直属机构：</p><p>现就促进乡村医疗卫生服务提出如下意见。</p>"
NUMBER, INDEX, WRITTEN = "国发〔2026〕19号", "000014349/2026-00091", "2026-02-10"
GOVCN_PAGE = (
    '<html><head><meta charset="utf-8"><title>{title}</title>'
    '<meta name="firstpublishedtime" content="{at}"></head><body><table class="bd1">'
    "<tr><td>标题：</td><td>{title}</td><td>发文机关：</td><td>{issuer}</td></tr>"
    "<tr><td>发文字号：</td><td>{number}</td><td>成文日期：</td><td>{written}</td></tr></table>"
    '<div class="pages_content">{body}</div></body></html>'
)


@pytest.fixture(autouse=True)
def _shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    shelf.install(monkeypatch)
    return


def config(*, kinds: tuple[str, ...] = ("shelf",) * 3, more: str = "") -> str:
    sources = "".join(shelf.source(name, kind=kind) for name, kind in zip(LISTS, kinds, strict=True))
    return sources + site() + route(sources=LISTS, more=more)


def page(**more: Any) -> dict[str, Any]:
    """The document's own page, with a whole header."""
    told = {"title": TITLE, "html": BODY, "issuer": "国务院", "number": NUMBER, "index": INDEX, "written": WRITTEN}
    return told | more


@dataclass
class Lists:
    """The three lists of a rig; each has shown something old, so that its start line is set."""

    rig: Rig
    shelves: dict[str, Shelf] = field(default_factory=dict)

    async def begin(self) -> None:
        for name in LISTS:
            self.shelves[name] = Shelf()
            self.rig.servers[name].handler = self.shelves[name].handle
            self.show(name, "old", f"{name}从前的文件", f"http://{name}.example/old.htm", {}, at="2025-01-01")
        await self.rig.rest()
        self.rig.clock.advance(400)

    def show(self, name: str, key: str, title: str, url: str, told: dict[str, Any], *, at: str, **row: Any) -> None:
        """A row of a list, and the page behind it."""
        self.shelves[name].rows.insert(0, {"key": key, "title": title, "url": url, "published": at, **row})
        self.shelves[name].pages[f"/{url.split('/', 3)[3]}"] = told

    async def read(self) -> None:
        """Until every list has been read again."""
        await self.rig.after(900)


def started(test: Callable[[Rig, Lists], Any]) -> Callable[[], None]:
    """A test over three lists that have begun."""

    @played
    async def run() -> None:
        async with Rig(config()) as rig:
            lists = Lists(rig)
            await lists.begin()
            await test(rig, lists)

    run.__name__ = test.__name__
    return run


async def only(rig: Rig) -> tuple[Any, Any]:
    """The one repost with its one document."""
    [(repost, document)] = await rig.all()
    assert rig.creates() == 1
    assert len(rig.posts()) == 1
    assert (await rig.disk.counts()).documents == 1
    return repost, document


# --- the scripted story -----------------------------------------------------------------------------------------------


class GovCn:
    """gov.cn's newest policies: rows with a day and a display title, and pages with a header table."""

    def __init__(self) -> None:
        self.rows: list[dict[str, str]] = []
        self.pages: dict[str, str] = {}

    def handle(self, method: str, path: str, headers: Any, body: bytes, now: datetime) -> Any:
        if path == "/feed.json":
            return 200, {"content-type": "application/json"}, json.dumps(self.rows, ensure_ascii=False).encode()
        found = self.pages.get(path)
        return text_reply(200, found.encode()) if found else text_reply(404)

    def show(self, path: str, title: str, day: str, page: str) -> None:
        self.rows.insert(0, {"TITLE": title, "URL": f"http://list.example{path}", "DOCRELPUBTIME": day})
        self.pages[path] = page


@pytest.mark.guarantee(2)
@played
async def test_a_document_in_list_library_and_gazette_is_one_repost_with_the_clock_from_the_earliest() -> None:
    """Day 1: gov.cn's list, by a display title, its page without a number. Day 6: the library, under another address, with
    the number and the instant of its publication, which was before the list's. Day 21: the gazette, under a third."""
    async with Rig(config(kinds=("govcn", "shelf", "feed"))) as rig:
        gov, library, gazette = GovCn(), Shelf(), rig.lists["gazette"]
        rig.servers["list"].handler, rig.servers["library"].handler = gov.handle, library.handle
        gov.show("/zhengce/content/202512/content_1.htm", "从前的文件", "2025-12-01", "")
        library.rows.append({"key": "1", "title": "库里从前的文件", "url": "http://library.example/1", "published": ""})
        rig.publish(1, name="gazette", days=60)
        await rig.rest()
        rig.clock.advance(400)

        day = rig.clock.true.astimezone(UTC) + timedelta(hours=8)
        number_less = GOVCN_PAGE.format(
            title=TITLE, at="", issuer="国务院", number="", written="2026年2月10日", body=BODY
        )
        gov.show("/zhengce/content/202603/content_7.htm", "国务院：促进乡村医疗", f"{day:%Y-%m-%d}", number_less)
        await rig.after(900)
        first, document = await only(rig)
        assert (first.sent, document.title, document.names) == (1, TITLE, ("国务院：促进乡村医疗",))
        assert document.published is not None
        assert document.published.source == "list"
        assert document.published.precision is Precision.DAY

        earlier = day - timedelta(hours=30)
        rig.clock.advance(5 * 86400)
        library.rows.insert(0, {
            "key": "doc-19", "title": "关于促进乡村医疗卫生服务的意见", "url": "http://library.example/k/content_19.htm",
            "number": "国发[2026]19号", "published": f"{earlier:%Y-%m-%d %H:%M:%S}",
        })
        library.pages["/k/content_19.htm"] = page()
        await rig.after(900)
        second, document = await only(rig)
        assert (second.id, second.sent) == (first.id, 1), "what the library shows of it is no correction"
        assert "number:国发〔2026〕19号" in document.aliases
        assert document.published is not None
        assert document.published.source == "library"
        assert document.published.at == (earlier - timedelta(hours=8)).replace(microsecond=0)

        rig.clock.advance(15 * 86400)
        gazette.publish(19, "国务院公报2026年第7号：乡村医疗", BODY, rig.clock.true, url="http://m.library.example/k/content_19.htm")
        await rig.after(900)
        third, document = await only(rig)
        assert (third.id, third.sent, document.sources) == (first.id, 1, ("list", "library", "gazette"))
        assert document.published is not None
        assert document.published.source == "library"
        assert rig.posts()[0].title == TITLE, "the document's own title is what is posted"

        told = await rig.desk.explain(first.id)
        assert told["document"]["published"]["source"] == "library"
        assert "国务院公报2026年第7号：乡村医疗" in told["document"]["names"]
        assert [e["detail"]["source"] for e in told["events"] if e["kind"] == "sighted"] == list(LISTS)
        assert told["repost"]["latency_s"] >= 30 * 3600 - 1, "the clock started at the library's instant"
        assert (told["verdict"], told["repost"]["blame"]) == ("breached", "source")


# --- what a later look reveals ----------------------------------------------------------------------------------------


@pytest.mark.guarantee(2)
@started
async def test_a_number_that_a_later_look_reveals_makes_one_of_two_and_the_later_repost_is_parked(
    rig: Rig, lists: Lists
) -> None:
    bare = page(number="", index="", issuer="", written="")
    lists.show("list", "a", TITLE, "http://list.example/1.htm", bare, at="2026-03-02 09:30:00")
    await lists.read()
    later = page(title="国务院关于乡村医疗的意见")
    lists.show("library", "b", "乡村医疗", "http://library.example/2.htm", later, at="2026-03-12 09:30:00")
    await lists.read()
    assert len(rig.posts()) == 2, "nothing told yet that they are one"
    lists.shelves["list"].pages["/1.htm"] = page()
    await rig.after(30 * 3600, step=1800)
    (one, kept), (other, _) = sorted(await rig.all(), key=lambda pair: pair[0].id)
    assert (one.hold, one.seen, kept.sources) == (None, 2, ("list", "library"))
    assert other.hold is not None
    assert other.hold.reason == "same_document"
    assert (await rig.attention())["same_document"]["hint"].startswith("two posts turned out to be one document")
    assert (await rig.disk.document(other.document)).merged == kept.id
    assert kept.names == ("国务院关于乡村医疗的意见", "乡村医疗")
    assert kept.published is not None
    assert kept.published.source == "list"
    assert rig.creates() == 2


@pytest.mark.guarantee(2)
@played
async def test_a_repost_that_waits_for_approval_is_absorbed_before_it_is_sent() -> None:
    async with Rig(config(more='approve = "review"')) as rig:
        lists = Lists(rig)
        await lists.begin()
        bare = page(number="", index="", issuer="", written="")
        lists.show("list", "a", TITLE, "http://list.example/1.htm", bare, at="2026-03-02 09:30:00")
        lists.show("library", "b", "乡村医疗", "http://library.example/2.htm", page(), at="2026-03-02 09:00:00")
        await lists.read()
        assert {r.sent for r, _ in await rig.all()} == {0}
        assert len(await rig.all()) == 2
        later = max(r.id for r, _ in await rig.all())
        await rig.desk.approve(later, None, "王")
        await rig.rest()
        assert rig.creates() == 1
        lists.shelves["list"].pages["/1.htm"] = page()
        await rig.after(3 * 3600, step=600)
        [(row, document)] = await rig.all()
        assert (row.id, row.ref is not None, set(document.sources)) == (later, True, {"list", "library"})
        await rig.desk.approve(row.id, None, "王")
        await rig.after(900)
        assert rig.creates() == 1, "the post that stands is the repost of what is one document now"


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("together", [True, False])
@played
async def test_two_lists_whose_pages_are_read_at_the_same_moment_make_one_document(together: bool) -> None:
    async with Rig(config()) as rig:
        lists = Lists(rig)
        await lists.begin()
        rig.disk.slow = together
        lists.show("list", "a", "甲题", "http://list.example/1.htm", page(), at="2026-03-02")
        lists.show("library", "b", "乙题", "http://library.example/2.htm", page(), at="2026-03-01")
        rig.clock.advance(600)
        for _ in range(6):
            for stage in ("poll", "read", "work"):
                await rig.engine.tick(stage, wait=not together)
        rig.disk.slow = False
        await lists.read()
        _, document = await only(rig)
        assert set(document.sources) == {"list", "library"}
        assert set(document.names) == {"甲题", "乙题"}
        assert document.published is not None
        assert document.published.source == "library"


@started
async def test_a_row_that_changes_only_its_display_title_posts_nothing_again(rig: Rig, lists: Lists) -> None:
    lists.show("list", "a", "乡村医疗有了新政策", "http://list.example/1.htm", page(), at="2026-03-02")
    await lists.read()
    writes = len(rig.cms["county"].history)
    lists.shelves["list"].rows[0]["title"] = "国务院：促进乡村医疗"
    await lists.read()
    repost, document = await only(rig)
    assert (repost.wanted, len(rig.cms["county"].history)) == (1, writes)
    assert document.names == ("乡村医疗有了新政策", "国务院：促进乡村医疗")


@started
async def test_joint_documents_without_number_are_one_by_title_issuers_and_day(rig: Rig, lists: Lists) -> None:
    joint = page(number="", index="", issuer="国家发展改革委 财政部")
    lists.show("list", "a", "两部门发文", "http://list.example/1.htm", joint, at="2026-03-02")
    await lists.read()
    turned = joint | {"issuer": "财政部、国家发展和改革委员会", "title": "两部门发文", "html": f"<div>{BODY}</div>"}
    lists.show("gazette", "c", TITLE, "http://gazette.example/3.htm", turned, at="2026-03-20")
    await lists.read()
    _, document = await only(rig)
    assert document.sources == ("list", "gazette")


@pytest.mark.guarantee(1)
@started
async def test_documents_of_one_title_and_day_with_numbers_of_their_own_are_posted_each(rig: Rig, lists: Lists) -> None:
    for n in (1, 2):
        told = page(number=f"公告2026年第{n}号", index="", html=f"<p>现公布第{n}批名单，自发布之日起施行。</p>")
        row = {"issuer": "国务院", "written": WRITTEN, "number": f"公告2026年第{n}号"}
        lists.show(LISTS[n], f"k{n}", TITLE, f"http://{LISTS[n]}.example/{n}.htm", told, at="2026-03-02", **row)
        await lists.read()
    assert rig.creates() == 2
    assert (await rig.disk.counts()).documents == 2


@pytest.mark.guarantee(2)
@started
async def test_an_entry_that_waits_with_the_id_of_a_document_that_was_merged_is_read_for_the_one_it_became(
    rig: Rig, lists: Lists
) -> None:
    bare = page(number="", index="", issuer="", written="")
    lists.show("list", "a", TITLE, "http://list.example/1.htm", bare, at="2026-03-02")
    await lists.read()
    lists.show("library", "b", "乡村医疗", "http://library.example/2.htm", page(title="乡村医疗意见"), at="2026-03-12")
    await lists.read()
    lists.shelves["list"].rows[0]["title"] = "国务院促进乡村医疗"
    lists.shelves["list"].pages["/1.htm"] = page()
    lists.shelves["library"].rows[0]["title"] = "乡村医疗意见"
    rig.clock.advance(600)
    await rig.stage("poll")
    waiting = await rig.disk.pendings()
    assert len({p.document for p in waiting}) == 2, "both are to be read for documents of their own"
    await rig.after(3600)
    assert not await rig.disk.pendings()
    assert (await rig.disk.counts()).documents == 1
    assert rig.creates() == 2


# --- any order --------------------------------------------------------------------------------------------------------

ROWS = {
    "list": ("http://www.list.example/content_1.htm", "国务院：促进乡村医疗", "2026-03-02"),
    "library": ("http://library.example/2.htm", "关于乡村医疗", "2026-02-28 21:50:00"),
    "gazette": ("http://gazette.example/3.htm", TITLE, "2026-03-10 08:00"),
}
STEPS = tuple(f"{what} {name}" for name in LISTS for what in ("show", "reveal"))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(STEPS), st.sets(st.sampled_from(LISTS)), st.lists(st.booleans(), min_size=6, max_size=6))
def test_any_order_of_arrival_gives_one_document_one_post_and_the_same_instant(
    order: list[str], whole: set[str], pauses: list[bool]
) -> None:
    """Each list shows the document; what tells that they are one (the number) stands there at once, or is revealed later.

    Only the first post may stand beside posts of lists whose number was not known when they were read.
    """

    @played
    async def play() -> None:
        async with Rig(config()) as rig:
            lists = Lists(rig)
            await lists.begin()
            blind = await _arrive(rig, lists, order, whole, pauses)
            await rig.after(8 * 86400, step=6 * 3600)
            assert (await rig.disk.counts()).documents == 1
            kept = min(d.id for _, d in await rig.all())
            document = await rig.disk.document(kept)
            assert set(document.sources) == set(LISTS)
            assert "number:国发〔2026〕19号" in document.aliases
            assert document.published is not None
            assert document.published.at == datetime(2026, 2, 28, 13, 50, tzinfo=UTC)
            assert document.published.source == "library"
            rows = [repost for repost, _ in await rig.all()]
            assert rig.creates() == len(rows) <= max(1, blind)
            assert [r.hold for r in rows if r.document == kept] == [None]
            assert all(r.hold and r.hold.reason == "same_document" for r in rows if r.document != kept)
            assert await rig.status_of(site="county") == Status.VISIBLE if len(rows) == 1 else True

    play()


async def _arrive(rig: Rig, lists: Lists, order: list[str], whole: set[str], pauses: list[bool]) -> int:
    """Play the arrivals; returns how many were read before anything told that they are what was posted already."""
    revealed, blind = set(whole), 0
    for step, pause in zip(order, pauses, strict=True):
        what, name = step.split(" ")
        url, title, at = ROWS[name]
        if what == "reveal":
            revealed.add(name)
            lists.shelves[name].pages |= {p: page() for p in lists.shelves[name].pages if p != "/old.htm"}
            continue
        rig.wires.servers.setdefault("www.list.example", rig.servers["list"].handle)
        told = page() if name in revealed else page(title=title, number="", index="", issuer="", written="")
        blind += 1
        lists.show(name, "doc", title, url, told, at=at)
        if pause:
            await lists.read()
    return blind


@given(st.permutations([
    ("2026-03-02", "list"), ("2026-03-02 09:30", "library"), ("2026-03-02 09:30:20", "gazette"), ("2026-03-05", "x"),
]))
def test_the_earliest_instant_is_the_same_in_any_order(order: list[tuple[str, str]]) -> None:
    found = None
    for text, name in order:
        told = read_instant(text, zone="Asia/Shanghai", zone_origin="default", origin="list", where="", problems=[])
        assert told is not None
        found = earlier(found, replace(told, source=name))
    assert found is not None
    assert (found.source, found.precision) == ("gazette", Precision.SECOND)


# --- what documents say of each other ---------------------------------------------------------------------------------


@pytest.mark.guarantee(1)
@started
async def test_a_repeal_is_marked_on_the_repost_and_seen_there_and_goes_with_what_told_it(
    rig: Rig, lists: Lists
) -> None:
    lists.show("list", "a", TITLE, "http://list.example/1.htm", page(), at="2026-03-02")
    await lists.read()
    repeal = {"bond": "repeals", "number": "国发[2026]19号", "title": TITLE}
    told = page(
        title="国务院关于废止《旧规》的决定", number="国发〔2026〕30号", index="", html="<p>决定废止下列文件。</p>" * 3,
        written="2026-03-01", relations=[repeal],
    )
    lists.show("library", "b", "废止决定", "http://library.example/9.htm", told, at="2026-03-02 10:00:00")
    await lists.read()
    repost = await rig_repost(rig, TITLE)
    assert (repost.wanted, repost.seen) == (2, 2)
    shown = next(post for post in rig.posts() if post.title == TITLE)
    notice = '<p>本文件已被<a href="http://library.example/9.htm">《国务院关于废止〈旧规〉的决定》</a>（国发〔2026〕30号，2026年3月1日）废止。</p>'
    assert shown.html.startswith(notice)
    assert "提出如下意见" in shown.html

    await rig.after(2 * 86400, step=3600)
    assert (await rig_repost(rig, TITLE)).wanted == 2, "later looks at its page find no change"
    [relation] = (await rig.desk.explain(repost.id))["document"]["relations"]
    assert (relation["bond"], relation["way"], relation["number"]) == ("repeals", "told", "国发〔2026〕30号")

    lists.shelves["library"].pages["/9.htm"] = told | {"relations": []}
    await rig.after(8 * 86400, step=3600)
    repost = await rig_repost(rig, TITLE)
    shown = next(post for post in rig.posts() if post.title == TITLE)
    assert repost.seen == repost.wanted == 3
    assert "废止" not in shown.html


@started
async def test_a_document_that_is_read_after_what_repealed_it_is_marked_at_once_and_its_validity_is_told(
    rig: Rig, lists: Lists
) -> None:
    repeal = {"bond": "repeals", "number": NUMBER}
    told = page(title="国务院关于废止旧规的决定", number="国发〔2026〕30号", index="", relations=[repeal])
    lists.show("library", "b", "废止决定", "http://library.example/9.htm", told, at="2026-03-02 10:00:00")
    await lists.read()
    lists.show("list", "a", TITLE, "http://list.example/1.htm", page(validity="失效"), at="2026-03-02")
    await lists.read()
    repost = await rig_repost(rig, TITLE)
    shown = next(post for post in rig.posts() if post.title == TITLE)
    assert (repost.wanted, repost.seen) == (1, 1)
    assert "废止。</p><p>文件效力：失效。</p>" in shown.html


@pytest.mark.guarantee(3)
@played
async def test_a_mark_waits_for_approval_like_a_correction() -> None:
    async with Rig(config(more='approve = "review"')) as rig:
        lists = Lists(rig)
        await lists.begin()
        lists.show("list", "a", TITLE, "http://list.example/1.htm", page(), at="2026-03-02")
        await lists.read()
        await rig.desk.approve((await rig_repost(rig, TITLE)).id, None, "王")
        await lists.read()
        amends = page(title="修改决定", number="国发〔2026〕31号", index="", relations=[{"bond": "amends", "number": NUMBER}])
        lists.show("library", "b", "修改决定", "http://library.example/9.htm", amends, at="2026-03-02 10:00:00")
        await lists.read()
        repost = await rig_repost(rig, TITLE)
        assert (repost.wanted, repost.approved, repost.sent) == (2, 1, 1)
        assert "修改" not in rig.posts()[0].html
        await rig.desk.approve(repost.id, None, "王")
        await lists.read()
        assert "已被" in rig.posts()[0].html
        assert (await rig_repost(rig, TITLE)).seen == 2


@started
async def test_an_interpretation_links_to_what_it_explains_and_changes_nothing_there(rig: Rig, lists: Lists) -> None:
    lists.show("list", "a", TITLE, "http://list.example/1.htm", page(), at="2026-03-02")
    await lists.read()
    explains = {"bond": "interprets", "url": "http://list.example/1.htm", "title": TITLE}
    told = page(title="解读：乡村医疗", number="", index="", issuer="", written="", relations=[explains])
    lists.show("library", "j", "一图读懂", "http://library.example/j.htm", told, at="2026-03-03")
    await lists.read()
    shown = next(post for post in rig.posts() if post.title == "解读：乡村医疗")
    assert shown.html.startswith(f'<p>解读的文件：<a href="http://list.example/1.htm">《{TITLE}》</a></p>')
    repost = await rig_repost(rig, TITLE)
    assert repost.wanted == 1
    [relation] = (await rig.desk.explain(repost.id))["document"]["relations"]
    assert (relation["bond"], relation["way"], relation["title"]) == ("interprets", "told", "解读：乡村医疗")


@pytest.mark.guarantee(1)
@started
async def test_a_mark_survives_a_death_between_the_reading_and_its_routing(rig: Rig, lists: Lists) -> None:
    lists.show("list", "a", TITLE, "http://list.example/1.htm", page(), at="2026-03-02")
    await lists.read()
    told = page(title="废止决定", number="国发〔2026〕30号", index="", relations=[{"bond": "repeals", "number": NUMBER}])
    lists.show("library", "b", "废止决定", "http://library.example/9.htm", told, at="2026-03-02 10:00:00")
    rig.clock.advance(600)
    await rig.stage("poll", "read")
    await rig.restart()
    rig.servers["library"].handler = lists.shelves["library"].handle
    await lists.read()
    assert (await rig_repost(rig, TITLE)).seen == 2


@pytest.mark.guarantee(1)
@started
async def test_marks_by_others_do_not_count_as_a_page_that_changes_all_the_time(rig: Rig, lists: Lists) -> None:
    dated = {"published": "2026-03-02 09:00:00"}
    lists.show("list", "a", TITLE, "http://list.example/1.htm", page(**dated), at="2026-03-02")
    await lists.read()
    for n in range(6):
        bond = {"bond": "amends", "number": NUMBER}
        told = page(title=f"第{n}次修改决定", number=f"国发〔2026〕{40 + n}号", index="", relations=[bond])
        lists.show("library", f"b{n}", f"决定{n}", f"http://library.example/{n}.htm", told, at="2026-03-02 10:00:00")
        await lists.read()
    assert (await rig_repost(rig, TITLE)).seen == 7
    lists.shelves["list"].pages["/1.htm"] = page(html="<p>更正后的正文。</p>" + BODY, **dated)
    row = next(row for row in lists.shelves["list"].rows if row["key"] == "a")
    row["published"] = "2026-03-03"
    await rig.after(4 * 3600, step=600)
    shown = next(post for post in rig.posts() if post.title == TITLE)
    assert "更正后的正文" in shown.html


async def rig_repost(rig: Rig, title: str) -> Any:
    [found] = [r for r, d in await rig.disk.reposts(Filter()) if d.title == title]
    return found


def test_a_text_is_the_same_row_whether_or_not_the_clock_believed_its_dates() -> None:
    """A date that lay in the far future by a clock that was wrong when the list was read is a date when it is asked again."""
    entry = Entry("k", TITLE, "http://list.example/1.htm", content_html=BODY)
    dated = replace(entry, updated=Instant(datetime(2026, 3, 2, tzinfo=UTC), raw="2026-03-02"))
    assert _undated(entry) == _undated(dated) != _undated(replace(dated, content_html="<p>改</p>"))
