"""The fake CMS and its adapter keep the rules that the proofs rest on."""

import asyncio
import json
import random
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest

import syncd.testing
from syncd.adapters.api import SiteConfig, Tools
from syncd.errors import AuthFailed, Conflict, NotApplied, NotFound, RateLimited, Rejected, Unknown
from syncd.model import Post, RemoteState, Wrote
from syncd.testing.asgi import AppClient
from syncd.testing.clock import ManualClock
from syncd.testing.fakecms import FakeAdapter, FakeCMS, FakeOptions, Switches
from syncd.testing.fakelist import FakeList
from syncd.testing.fakeserver import Site, lossy, serving
from syncd.testing.faults import Faults
from syncd.testing.network import FakeClient, FakeExchange, Wires
from syncd.web.api import Validators

NOW = datetime(2026, 3, 2, tzinfo=UTC)
BODY = "<p>各县人民政府:</p><p>一、抓紧春耕。</p>"
POST = Post(key="syncd-1", title="关于春耕的通知", html=BODY, column="要闻", revision=1)


def _cms(**switches) -> tuple[FakeCMS, FakeAdapter, Wires]:
    cms = FakeCMS(Switches(**switches))
    wires = Wires(ManualClock(NOW), Faults(random.Random(1)), {"cms.example": cms.handle})
    options = FakeOptions(
        api_url="http://cms.example",
        **{k: v for k, v in switches.items() if k in ("unique", "conditional_update", "html", "lookup")},
    )
    site = SiteConfig("county", "http://cms.example", options=options)
    return cms, FakeAdapter(site, Tools(FakeExchange(wires).client("county"), wires.clock.now, None)), wires


def _run(work):
    return asyncio.run(work)


def test_a_post_is_created_found_updated_read_and_withdrawn():
    cms, adapter, _ = _cms()

    async def life():
        made = await adapter.create(POST, RemoteState.PUBLIC)
        assert made.outcome is Wrote.CREATED
        assert made.losses == ()
        assert await adapter.find("syncd-1") == made.ref
        changed = await adapter.update(made.ref, replace(POST, html="<p>二</p>"), RemoteState.PUBLIC, made.ref.version)
        assert changed.outcome is Wrote.UPDATED
        assert (await adapter.read(changed.ref)).html == "<p>二</p>"
        assert [doc.key async for doc in adapter.list("syncd-")] == ["syncd-1"]
        gone = await adapter.withdraw(changed.ref, "notice", changed.ref.version)
        assert gone.outcome is Wrote.WITHDRAWN
        assert gone.ref.state is RemoteState.WITHDRAWN
        assert (await adapter.withdraw(gone.ref, "notice")).outcome is Wrote.ALREADY

    _run(life())
    assert [w.kind for w in cms.history] == ["create", "update", "withdraw"]


def test_a_unique_key_is_refused_and_without_it_there_are_two():
    _, strict, _ = _cms(unique="server")
    loose_cms, loose, _ = _cms(unique="none")

    async def twice(adapter):
        await adapter.create(POST, RemoteState.PUBLIC)
        await adapter.create(POST, RemoteState.PUBLIC)

    with pytest.raises(Conflict) as refused:
        _run(twice(strict))
    assert refused.value.kind == "exists"
    _run(twice(loose))
    assert len(loose_cms.live("syncd-1")) == 2


def test_a_cms_that_renames_the_second_keeps_only_the_first():
    cms, adapter, _ = _cms(unique="app")

    async def twice():
        await adapter.create(POST, RemoteState.PUBLIC)
        await adapter.create(POST, RemoteState.PUBLIC)

    with pytest.raises(Conflict):
        _run(twice())
    assert [p.key for p in cms.live()] == ["syncd-1"]
    assert [w.post.key for w in cms.history] == ["syncd-1", "syncd-1-2", "syncd-1-2"]


def test_a_sweep_removes_renamed_posts_that_nobody_else_changed_and_keeps_the_one():
    cms, adapter, _ = _cms(unique="app")
    assert adapter.capabilities.sweeps

    async def twice():
        kept = (await adapter.create(POST, RemoteState.PUBLIC)).ref
        for _ in range(2):
            cms.handle("POST", "/api/posts", {"authorization": "Bearer secret"}, json.dumps(
                {"key": POST.key, "title": POST.title, "html": BODY, "state": "public"}).encode(), NOW)
        cms.edit(3, "editor", "<p>own</p>", NOW)
        assert [ref.id for ref in await adapter.sweep(POST.key, kept)] == ["2"]
        assert [post.id for post in cms.live()] == [1, 3]

    _run(twice())


@pytest.mark.parametrize("conditional", ["server", "check_then_act"])
def test_a_conditional_update_is_refused_after_a_local_edit(conditional):
    cms, adapter, _ = _cms(conditional_update=conditional)

    async def life():
        made = await adapter.create(POST, RemoteState.PUBLIC)
        cms.edit(1, "editor", "<p>本县补充</p>", NOW)
        found = await adapter.find("syncd-1")
        assert found.modified_by == "editor"
        await adapter.update(made.ref, POST, RemoteState.PUBLIC, made.ref.version)

    with pytest.raises(Conflict) as refused:
        _run(life())
    assert refused.value.kind == "version"
    assert cms.posts[1].html == "<p>本县补充</p>"


def test_without_conditional_update_a_local_edit_is_overwritten():
    cms, adapter, _ = _cms(conditional_update="none")

    async def life():
        made = await adapter.create(POST, RemoteState.PUBLIC)
        cms.edit(1, "editor", "<p>本县补充</p>", NOW)
        await adapter.update(made.ref, POST, RemoteState.PUBLIC, made.ref.version)

    _run(life())
    assert cms.posts[1].html == POST.html


def test_html_that_is_rewritten_is_told_as_a_loss():
    _, adapter, _ = _cms(html="filtered")
    made = _run(adapter.create(replace(POST, html='<p class="x">一</p><p>二</p>'), RemoteState.PUBLIC))
    assert made.stored.html == "<p>一</p>\n<p>二</p>"
    assert made.losses


def test_a_bad_token_is_a_failed_log_in_for_reads_too():
    cms, adapter, _ = _cms()
    cms.accounts = {"another": "syncd"}
    for work in (adapter.find("syncd-1"), adapter.create(POST, RemoteState.PUBLIC)):
        with pytest.raises(AuthFailed):
            _run(work)
    report = _run(adapter.check())
    assert not report.ok
    assert report.items[0].hint


def test_pages_are_404_when_deleted_and_a_notice_when_withdrawn():
    cms, adapter, _ = _cms()
    made = _run(adapter.create(POST, RemoteState.PUBLIC))
    assert made.ref.url == "http://cms.example/p/1"
    status, _, body = cms.handle("GET", "/p/1", {}, b"", NOW)
    assert status == 200
    assert "抓紧春耕" in body.decode()
    assert POST.title in body.decode()
    _run(adapter.withdraw(made.ref, "notice"))
    status, _, body = cms.handle("GET", "/p/1", {}, b"", NOW)
    assert status == 200
    assert "撤回" in body.decode()
    assert "抓紧春耕" not in body.decode()
    cms.delete_by_editor(1, "editor", NOW)
    assert cms.handle("GET", "/p/1", {}, b"", NOW)[0] == 404
    with pytest.raises(NotFound):
        _run(adapter.read(made.ref))


def test_drafts_are_not_public():
    cms, adapter, _ = _cms()
    made = _run(adapter.create(POST, RemoteState.DRAFT))
    assert made.ref.url == ""
    assert cms.handle("GET", "/p/1", {}, b"", NOW)[0] == 404
    cms.publish_draft(1, "editor", NOW)
    assert _run(adapter.find("syncd-1")).state is RemoteState.PUBLIC


@pytest.mark.parametrize(
    ("fault", "error", "posts"),
    [
        ("refused", NotApplied, 0), ("lost_before", Unknown, 0), ("lost_after", Unknown, 1), ("late", Unknown, 0),
        ("cut_answer", Unknown, 1), ("page200", Unknown, 1), ("error500_after", Unknown, 1),
        ("bad_gateway", Unknown, 0),
    ],
)
def test_each_fault_is_sorted_by_what_may_have_happened(fault, error, posts):
    cms, adapter, wires = _cms()
    wires.faults.rates = {fault: 1.0}
    with pytest.raises(error):
        _run(adapter.create(POST, RemoteState.PUBLIC))
    assert len(cms.live()) == posts
    assert wires.faults.struck[fault] == 1


def test_a_late_request_takes_effect_within_its_bound():
    cms, adapter, wires = _cms()
    wires.faults.rates = {"late": 1.0}
    with pytest.raises(Unknown):
        _run(adapter.create(POST, RemoteState.PUBLIC))
    wires.clock.advance(wires.latest)
    assert wires.arrive() == 1
    assert len(cms.live()) == 1


def test_a_stale_mirror_gives_an_older_answer():
    page = FakeList("http://list.example")
    wires = Wires(ManualClock(NOW), Faults(random.Random(1)), {"list.example": page.handle})
    client = FakeClient(wires, lambda name: None)
    first = _run(client.get("http://list.example/feed.json"))
    page.publish(1, "通知", "<p>一</p>", NOW)
    second = _run(client.get("http://list.example/feed.json"))
    assert _run(client.get("http://list.example/feed.json", validators=second.validators)).status == 304
    wires.faults.rates = {"get_stale": 1.0}
    assert _run(client.get("http://list.example/feed.json")).body == first.body != second.body


def test_a_list_shows_its_window_tombstones_and_pages():
    page = FakeList("http://list.example", window=2)
    for id in (1, 2, 3):
        page.publish(id, f"通知{id}", "<p>正文</p>", NOW.replace(hour=id))
    page.correct(3, "<p>更正</p>", NOW)
    page.withdraw(2, NOW)
    feed = json.loads(page.handle("GET", "/feed.json", {}, b"", NOW)[2])
    assert [item["content_html"] for item in feed["items"]] == ["<p>更正</p>"]
    assert b"deleted-entry" in page.handle("GET", "/atom.xml", {}, b"", NOW)[2]
    assert page.handle("GET", "/doc/2", {}, b"", NOW)[0] == 410
    assert page.handle("GET", "/doc/9", {}, b"", NOW)[0] == 404


def test_the_server_remembers_what_was_written_before_it_was_stopped(tmp_path):
    token = {"authorization": "Bearer secret"}
    with serving(Site(tmp_path / "state")) as site, httpx.Client(base_url=site.list.base, trust_env=False) as http:
        http.post("/_test/publish", json={"id": 7, "title": "通知", "text": "<p>一</p>"})
        http.post("/api/posts", json={"key": "k", "title": "t", "html": "h", "state": "public"}, headers=token)
        assert http.get("/feed.json").json()["items"][0]["title"] == "通知"
    with serving(Site(tmp_path / "state")) as site:
        pass
    assert [p.key for p in site.cms.live()] == ["k"]
    assert 7 in site.list.policies


def test_a_lossy_server_loses_answers_but_not_what_was_committed(tmp_path):
    site = Site(tmp_path / "state", faults=lossy(3, 0.8), latest=0.1)
    good = bad = 0
    with serving(site), httpx.Client(base_url=site.list.base, trust_env=False) as http:
        for n in range(60):
            try:
                post = {"key": f"k{n}", "title": "t", "html": "h", "state": "public"}
                answer = http.post("/api/posts", json=post, headers={"authorization": "Bearer secret"})
                good += answer.status_code == 201
            except httpx.TransportError:
                bad += 1
    assert bad > 5
    assert good > 5
    assert len(site.cms.live()) > good


def test_the_wall_jumps_and_monotonic_time_does_not():
    from datetime import timedelta

    clock = ManualClock(NOW)
    clock.advance(5)
    clock.jump(timedelta(days=365))
    assert clock.monotonic() == 5
    assert clock.true == NOW + timedelta(seconds=5)
    assert clock.now() == clock.true + timedelta(days=365)
    clock.correct()
    assert clock.now() == clock.true
    with pytest.raises(ValueError, match="jump"):
        clock.advance(-1)


def test_options_name_what_the_cms_is_set_to():
    _, adapter, _ = _cms(unique="none", conditional_update="check_then_act")
    assert adapter.capabilities.guarantee == "C"
    assert _cms()[1].capabilities.guarantee == "A"
    assert _cms(unique="none")[1].capabilities.guarantee == "B"
    assert _cms(unique="none", lookup="none")[1].capabilities.guarantee == "parked"
    assert "secret" not in repr(FakeOptions(api_url="http://x"))


def test_validators_travel_as_conditions():
    page = FakeList("http://list.example")
    wires = Wires(ManualClock(NOW), Faults(random.Random(1)), {"list.example": page.handle})
    client = FakeClient(wires, lambda name: None)
    first = _run(client.get("http://list.example/feed.json"))
    assert first.validators.etag
    assert _run(client.get("http://list.example/feed.json", validators=Validators())).status == 200


@pytest.mark.parametrize(
    ("fault", "error", "committed"),
    [("refused", Unknown, False), ("lost_before", Unknown, False), ("lost_after", Unknown, True), ("cut_answer", Unknown, True),
     ("page200", Unknown, True), ("error500_after", Unknown, True), ("bad_gateway", Unknown, False),
     ("limited", RateLimited, False), ("late", Unknown, False)],
)
def test_as_an_application_it_strikes_with_each_fault(fault, error, committed):
    cms = FakeCMS(faults=Faults(random.Random(1), {fault: 1.0}), latest=0.1)
    site = SiteConfig("county", "http://cms.example", options=FakeOptions(api_url="http://cms.example"))
    adapter = FakeAdapter(site, Tools(AppClient(cms), lambda: NOW, None))

    async def struck():
        with pytest.raises(error):
            await adapter.create(POST, RemoteState.PUBLIC)
        assert len(cms.live()) == committed
        await asyncio.sleep(0.3 if fault == "late" else 0)

    _run(struck())
    assert len(cms.live()) == (committed or fault == "late")
    assert cms.faults.struck == {fault: 1}


def test_it_refuses_what_its_switches_say_that_it_can_not():
    cms, adapter, _ = _cms(drafts=False, notice=False, max_title=20, max_body=100)
    made = _run(adapter.create(POST, RemoteState.DRAFT))
    assert made.ref.state is RemoteState.PUBLIC
    for refused in (
        adapter.withdraw(made.ref, "notice"), adapter.create(replace(POST, key="k2", title="长" * 21), RemoteState.PUBLIC),
        adapter.update(made.ref, replace(POST, html="长" * 40), RemoteState.PUBLIC, None),
    ):
        with pytest.raises(Rejected):
            _run(refused)
    assert [post.state for post in cms.live()] == ["public"]


def test_the_kit_is_had_without_pytest_until_a_contract_is_asked_for():
    code = (
        "import sys, syncd.testing; assert syncd.testing.FakeCMS; assert 'pytest' not in sys.modules;"
        "assert syncd.testing.AdapterContract and syncd.testing.SourceContract; assert 'pytest' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'Contract'"):
        _ = syncd.testing.Contract
