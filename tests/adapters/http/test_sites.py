"""Every declared site keeps the contract: the shipped examples against fakes of what is published of them, and a plain API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from syncd.adapters.http import Options
from syncd.errors import AuthFailed, Conflict, NotApplied, NotFound, RateLimited, Rejected, Unknown
from syncd.model import RemoteState, Wrote
from syncd.testing.conform_site import secrets_of, with_wrong_secrets
from syncd.testing.fakecms import FakeCMS
from tests.adapters.http.desk import desk
from tests.adapters.http.halo import Halo
from tests.adapters.http.kit import OTHER, PDF, PNG, SECRET, TEXT, Ground, example, played, post, print_
from tests.adapters.http.platform import Platform
from tests.adapters.http.typecho import Typecho

KEY = "syncd-1a2b"


@dataclass
class Kind:
    """A site and what a test must know of its fake. rows: ids of all posts with a key. edit: a person changes a text."""

    ground: Ground
    rows: Callable[[str], list[str]]
    edit: Callable[[str, str], Any]
    remove: Callable[[str], Any]
    hows: tuple[str, ...]
    guarantee: str
    files: dict[str, bytes]
    drafts: bool = True


def platform() -> Kind:
    fake = Platform()
    return Kind(Ground(fake.handle, example("platform")), lambda key: [str(a.id) for a in fake.live(key)],
                lambda id, text: fake.edit(int(id), text), lambda id: fake.remove(int(id)), ("unpublish", "delete"), "C",
                fake.files)


def typecho() -> Kind:
    fake = Typecho(SECRET)
    return Kind(Ground(fake.handle, example("typecho")), lambda key: [str(r.id) for r in fake.live() if r.slug.startswith(key)],
                lambda id, text: fake.edit(int(id), text), lambda id: fake.rows.pop(int(id)), ("unpublish", "delete"), "C",
                fake.files, drafts=False)


def halo(conflict: int = 409) -> Kind:
    fake = Halo(SECRET, conflict=conflict)
    return Kind(Ground(fake.handle, example("halo")), lambda key: [name for name in fake.posts if name == key], fake.edit,
                fake.remove, ("unpublish",), "A", fake.files)


def plain() -> Kind:
    fake = FakeCMS(accounts={"secret-token": "syncd"})
    ground = Ground(fake.handle, desk())
    now = ground.net.clock.now
    return Kind(
        ground, lambda key: [str(p.id) for p in fake.live(key)], lambda id, text: fake.edit(int(id), "王编辑", text, now()),
        lambda id: fake.delete_by_editor(int(id), "王编辑", now()), ("notice", "unpublish", "delete"), "A", {},
    )


@pytest.fixture(params=[platform, typecho, halo, plain], ids=lambda made: made.__name__)
def kind(request: pytest.FixtureRequest) -> Kind:
    made: Kind = request.param()
    return made


@played
async def test_its_check_passes_changes_nothing_and_says_the_class(kind: Kind) -> None:
    adapter = kind.ground.adapter()
    report = await adapter.check()
    assert [item for item in report.items if not item.ok] == []
    assert report.capabilities.guarantee == kind.guarantee
    assert kind.rows(KEY) == []


@played
async def test_a_post_is_made_once_public_found_by_its_key_and_read_as_stored(kind: Kind) -> None:
    adapter = kind.ground.adapter()
    assert await adapter.find(KEY) is None
    made = await adapter.create(post(), RemoteState.PUBLIC)
    found = await adapter.find(KEY)
    assert found == made.ref
    assert (made.outcome, made.losses, len(kind.rows(KEY))) == (Wrote.CREATED, (), 1)
    assert print_(await adapter.read(made.ref)) == print_(post())
    page = await kind.ground.page(made.ref.url.replace("http://county.example", "https://www.county.example"))
    assert (page.status, "第一版方案".encode("gbk") in page.body or "第一版方案".encode() in page.body) == (200, True)


@played
async def test_a_second_post_of_a_key_is_refused_and_leaves_one(kind: Kind) -> None:
    adapter = kind.ground.adapter()
    await adapter.create(post(), RemoteState.PUBLIC)
    with pytest.raises(Conflict) as refused:
        await adapter.create(post(html=OTHER), RemoteState.PUBLIC)
    assert refused.value.kind == "exists"
    assert len(kind.rows(KEY)) == 1


@played
async def test_an_update_keeps_the_address_and_is_refused_after_a_person_changed_the_text(kind: Kind) -> None:
    adapter = kind.ground.adapter()
    made = await adapter.create(post(), RemoteState.PUBLIC)
    second = post(html=OTHER, title="关于印发《第二版方案》的通知")
    after = await adapter.update(made.ref, second, RemoteState.PUBLIC, made.ref.version)
    assert (after.outcome, after.ref.id, after.ref.url) == (Wrote.UPDATED, made.ref.id, made.ref.url)
    assert print_(await adapter.read(after.ref)) == print_(second)
    kind.edit(made.ref.id, "<p>本地改过。</p>")
    with pytest.raises(Conflict) as refused:
        await adapter.update(made.ref, post(), RemoteState.PUBLIC, after.ref.version)
    assert refused.value.kind == "version"
    assert (await adapter.read(made.ref)).html == "<p>本地改过。</p>"
    assert await adapter.update(made.ref, post(), RemoteState.PUBLIC, None)


@played
async def test_it_is_withdrawn_once_and_again_is_already(kind: Kind) -> None:
    adapter = kind.ground.adapter()
    for number, how in enumerate(kind.hows):
        made = await adapter.create(post(f"{KEY}{number}"), RemoteState.PUBLIC)
        gone = await adapter.withdraw(made.ref, how, made.ref.version)  # type: ignore[arg-type]
        assert (gone.outcome, gone.ref.state) == (Wrote.WITHDRAWN, RemoteState.WITHDRAWN)
        assert (await adapter.withdraw(gone.ref, how, None)).outcome is Wrote.ALREADY  # type: ignore[arg-type]
        page = await kind.ground.page(made.ref.url.replace("http://county.example", "https://www.county.example"))
        assert "第一版方案".encode("gbk") not in page.body
        found = await adapter.find(f"{KEY}{number}")
        assert found is None if how == "delete" else found and found.state is RemoteState.WITHDRAWN


@played
async def test_a_withdrawal_is_refused_after_a_person_changed_the_text(kind: Kind) -> None:
    adapter = kind.ground.adapter()
    made = await adapter.create(post(), RemoteState.PUBLIC)
    kind.edit(made.ref.id, "<p>本地改过。</p>")
    with pytest.raises(Conflict) as refused:
        await adapter.withdraw(made.ref, kind.hows[0], made.ref.version)  # type: ignore[arg-type]
    assert refused.value.kind == "version"


@played
async def test_what_was_withdrawn_comes_back_with_an_update(kind: Kind) -> None:
    adapter = kind.ground.adapter()
    made = await adapter.create(post(), RemoteState.PUBLIC)
    gone = await adapter.withdraw(made.ref, kind.hows[0], made.ref.version)  # type: ignore[arg-type]
    back = await adapter.update(gone.ref, post(), RemoteState.PUBLIC, gone.ref.version)
    assert back.ref.state is RemoteState.PUBLIC
    assert (await adapter.find(KEY)) == back.ref


@played
async def test_a_draft_stays_one_until_somebody_publishes_it(kind: Kind) -> None:
    adapter = kind.ground.adapter()
    if not kind.drafts:
        with pytest.raises(Rejected, match="no drafts"):
            await adapter.create(post(), RemoteState.DRAFT)
        return
    made = await adapter.create(post(), RemoteState.DRAFT)
    assert (made.ref.state, made.ref.url) == (RemoteState.DRAFT, "")
    after = await adapter.update(made.ref, post(html=OTHER), RemoteState.DRAFT, made.ref.version)
    assert after.ref.state is RemoteState.DRAFT


@played
async def test_what_a_person_deleted_is_not_found(kind: Kind) -> None:
    adapter = kind.ground.adapter()
    made = await adapter.create(post(), RemoteState.PUBLIC)
    kind.remove(made.ref.id)
    assert await adapter.find(KEY) is None
    with pytest.raises(NotFound):
        await adapter.read(made.ref)
    with pytest.raises(NotFound):
        await adapter.update(made.ref, post(), RemoteState.PUBLIC, made.ref.version)
    assert (await adapter.withdraw(made.ref, kind.hows[0], made.ref.version)).outcome is Wrote.ALREADY  # type: ignore[arg-type]


@played
async def test_files_are_sent_once_and_the_text_shows_them_at_the_site(kind: Kind) -> None:
    adapter = kind.ground.adapter()
    picture = f'<p>见图。</p><img src="{PNG.url}" alt="图"><p>见<a href="{PDF.url.replace("&", "&amp;")}">附件</a>。</p>'
    made = await adapter.create(post(html=picture, media=(PDF, PNG)), RemoteState.PUBLIC)
    stored = (await adapter.read(made.ref)).html
    if not kind.files:
        assert "stays at the source" in made.losses[0]
        return
    assert kind.files == {"fujian-1.pdf": b"%PDF-1.4 one", "tu-1.png": b"\x89PNG two"}
    assert "tu-1.png" in stored
    assert "www.gov.cn" not in stored
    before = len(kind.ground.net.asked)
    await adapter.update(made.ref, post(html=picture, media=(PDF, PNG)), RemoteState.PUBLIC, None)
    assert not [line for line in kind.ground.net.asked[before:] if "upload" in line or "attachments" in line]


HOSTILE = "标题\"'<b>&amp;]]>{{ 7*7 }}{% raw %}\\ %3C\r\n💡𠮷"


@played
async def test_hostile_text_is_only_ever_a_value(kind: Kind) -> None:
    """Quotes, markup, template braces and characters beyond the charset stand in the CMS as they were."""
    kind.ground.options["unencodable"] = "entity"
    adapter = kind.ground.adapter()
    body = "<p>{{ 7*7 }} \"quoted\" \\n &lt;script&gt; ]]&gt; 💡𠮷 &amp;amp;</p>"
    made = await adapter.create(post(title=" ".join(HOSTILE.split()), html=body), RemoteState.PUBLIC)
    doc = await adapter.read(made.ref)
    assert print_(doc) == print_(post(title=" ".join(HOSTILE.split()), html=body))


FAULTS = ("lost_before", "lost_after", "cut_answer", "error500_after", "bad_gateway", "late")


@pytest.mark.parametrize("fault", [*FAULTS, "page200"])
@played
async def test_a_write_whose_answer_says_nothing_is_unknown_and_is_found_or_not_as_it_is(kind: Kind, fault: str) -> None:
    adapter = kind.ground.adapter()
    await adapter.find(KEY)
    kind.ground.net.strike(fault, on=lambda method, url: is_first_write(kind, method))
    with pytest.raises(Unknown):
        await adapter.create(post(), RemoteState.PUBLIC)
    landed = fault not in ("lost_before", "late", "bad_gateway")
    assert len(kind.rows(KEY)) == (1 if landed else 0)
    found = await adapter.find(KEY)
    assert (found is not None) == landed


def is_first_write(kind: Kind, method: str) -> bool:
    """Every request of XML-RPC is a POST: the one after the look-up is the first write."""
    return method != "GET"


@pytest.mark.parametrize("fault", ["refused", "lost_before", "lost_after", "cut_answer", "page200", "bad_gateway"])
@played
async def test_a_look_that_fails_says_nothing_of_what_is_there(kind: Kind, fault: str) -> None:
    adapter = kind.ground.adapter()
    made = await adapter.create(post(), RemoteState.PUBLIC)
    for look in (lambda: adapter.find(KEY), lambda: adapter.read(made.ref)):
        kind.ground.net.strike(fault)
        with pytest.raises(NotApplied):
            await look()


@played
async def test_nothing_was_done_when_there_was_no_connection(kind: Kind) -> None:
    adapter = kind.ground.adapter()
    await adapter.find(KEY)
    kind.ground.net.strike("refused")
    with pytest.raises(NotApplied):
        await adapter.create(post(), RemoteState.PUBLIC)
    assert kind.rows(KEY) == []


@played
async def test_a_wrong_password_is_told_without_saying_it(kind: Kind) -> None:
    kind.ground.options = _with_secret(kind.ground.options, "wrong-secret-77")
    adapter = kind.ground.adapter()
    report = await adapter.check()
    assert not report.ok
    for call in (lambda: adapter.find(KEY), lambda: adapter.create(post(), RemoteState.PUBLIC)):
        with pytest.raises(AuthFailed) as refused:
            await call()
        error = refused.value
        told = f"{error!r} {error} {error.hint} {error.where} {error.__dict__} {report} {adapter.__dict__['_options']!r}"
        assert "wrong-secret-77" not in told
        assert error.hint


def _with_secret(options: dict[str, Any], secret: str) -> dict[str, Any]:
    from pydantic import SecretStr

    auth = {name: SecretStr(secret) if isinstance(value, SecretStr) else value for name, value in options["auth"].items()}
    return options | {"auth": auth}


@played
async def test_a_server_that_asks_for_a_pause_is_left_alone(kind: Kind) -> None:

    adapter = kind.ground.adapter()
    await adapter.find(KEY)
    kind.ground.net.strike("limited")
    with pytest.raises(RateLimited) as limited:
        await adapter.create(post(), RemoteState.PUBLIC)
    assert (limited.value.after, limited.value.said) == (120.0, True)
    assert kind.rows(KEY) == []


@pytest.mark.parametrize("change", [{"title": "另一个标题"}, {"html": OTHER}])
@played
async def test_its_version_changes_with_title_and_text_and_with_nothing_else(kind: Kind, change: dict[str, str]) -> None:
    adapter = kind.ground.adapter()
    made = await adapter.create(post(), RemoteState.PUBLIC)
    first, again = await adapter.find(KEY), await adapter.find(KEY)
    assert first == again
    after = await adapter.update(made.ref, post(**change), RemoteState.PUBLIC, made.ref.version)
    found = await adapter.find(KEY)
    assert found
    assert found.version == after.ref.version != made.ref.version


@played
async def test_halo_that_answers_a_lost_race_with_500_is_unknown_and_was_not_overwritten() -> None:
    kind = halo(500)
    adapter = kind.ground.adapter()
    made = await adapter.create(post(), RemoteState.PUBLIC)
    kind.edit(made.ref.id, "<p>本地改过。</p>")
    with pytest.raises(Unknown):
        await adapter.update(made.ref, post(html=OTHER), RemoteState.PUBLIC, made.ref.version)
    assert (await adapter.read(made.ref)).html == "<p>本地改过。</p>"


@played
async def test_a_slug_that_typecho_gave_another_ending_is_removed_and_told_as_taken() -> None:
    """Somebody was quicker between the look and the write."""
    fake = Typecho(SECRET)
    ground = Ground(fake.handle, example("typecho"))
    first, second = ground.adapter(), ground.adapter()
    assert (await first.find(KEY), await second.find(KEY)) == (None, None)
    await first.create(post(), RemoteState.PUBLIC)
    with pytest.raises(Conflict) as refused:
        await second.create(post(html=OTHER), RemoteState.PUBLIC)
    assert refused.value.kind == "exists"
    assert [(row.slug, row.text) for row in fake.live()] == [(KEY, TEXT)]




@pytest.mark.parametrize("n", [1, 2, 3])
@played
async def test_a_refusal_after_a_request_that_wrote_is_not_the_whole_truth(n: int) -> None:
    """Halo's update writes by three requests: what refuses the first did nothing, what refuses a later one left a half."""
    kind, seen = halo(), [0]
    adapter = kind.ground.adapter()
    made = await adapter.create(post(), RemoteState.PUBLIC)

    def nth(method: str, url: str) -> bool:
        seen[0] += method == "PUT"
        return method == "PUT" and seen[0] == n

    kind.ground.net.strike("limited", on=nth)
    with pytest.raises(RateLimited if n == 1 else Unknown):
        await adapter.update(made.ref, post(html=OTHER, title="新标题"), RemoteState.PUBLIC, made.ref.version)


def test_what_a_stranger_has_is_wrong_in_nested_secrets_too() -> None:
    found = with_wrong_secrets(Options.model_validate(example("platform")))
    assert found is not None
    assert secrets_of(found) == ("wrong",)
