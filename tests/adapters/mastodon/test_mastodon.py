"""What is asked of Mastodon in which order, how it is understood, and what real servers do beside: recorded answers."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from pydantic import ValidationError

from syncd.adapters.api import SiteConfig
from syncd.adapters.json_api import Refused
from syncd.adapters.mastodon import MastodonAdapter, Options
from syncd.adapters.mastodon.api import sort, until_reset
from syncd.adapters.note import compose, mark_of, open_note
from syncd.errors import AuthFailed, Conflict, NotApplied, NotFound, RateLimited, Rejected, Unknown
from syncd.model import Post, RemoteRef, RemoteState, Wrote
from syncd.testing.adapter_contract import Told
from tests.adapters.answering import NOW, Answering, answer, post

PUBLIC = RemoteState.PUBLIC
T = TypeVar("T")
ME = (200, {"id": "7", "username": "county"})
NONE: tuple[int, Any] = (200, [])
LOST = (404, {"error": "Record not found"})
GIVEN = {"api_url": "https://social.county.example", "token": "t"}
POST = post(origin_name="中国政府网")
MOST = 320


def adapter(server: Answering, **options: Any) -> MastodonAdapter:
    tools = replace(server.tools(), log=Told())
    site = SiteConfig("county", "https://social.county.example", options=Options.model_validate({**GIVEN, **options}))
    return MastodonAdapter(site, tools)


def run(work: Awaitable[T]) -> T:
    async def ran() -> T:
        return await work

    return asyncio.run(ran())


def status(id: str, told: Post | str = POST, **more: Any) -> dict[str, Any]:
    """As Mastodon answers it."""
    text = told if isinstance(told, str) else compose(told, MOST)
    content = "".join(f"<p>{html.escape(block, quote=False).replace(chr(10), '<br />')}</p>" for block in text.split("\n\n"))
    return {"id": id, "url": f"https://social.county.example/@county/{id}", "content": content, "visibility": "public",
            "language": "zh", "spoiler_text": "", "edited_at": None, **more}


def keys(server: Answering, seen: list[Mapping[str, str]]) -> list[str]:
    return [headers["idempotency-key"] for headers in seen if "idempotency-key" in headers]


class Listening(Answering):
    """sent: the headers of each request."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        super().__init__(*answers)
        self.sent: list[Mapping[str, str]] = []

    async def call(self, method: str, url: str, *, headers: Any = None, body: bytes = b"", limits: Any = None) -> Any:
        self.sent.append(headers)
        return await super().call(method, url, headers=headers, body=body, limits=limits)


# --- create and find --------------------------------------------------------------------------------------------------------


def test_a_look_and_then_one_status_under_a_key_that_is_always_the_same() -> None:
    server, another = (Listening(ME, NONE, (200, status("9"))) for _ in range(2))
    made = run(adapter(server).create(POST, PUBLIC))
    run(adapter(another).create(replace(POST, revision=2), PUBLIC))
    assert [line[:2] for line in server.asked] == [
        ("GET", "/api/v1/accounts/verify_credentials"), ("GET", "/api/v1/accounts/7/statuses"), ("POST", "/api/v1/statuses")]
    assert server.asked[2][3] == {"status": compose(POST, MOST), "visibility": "public", "language": "zh"}
    assert keys(server, server.sent) == keys(another, another.sent), "a second process asks for the same status"
    assert (made.outcome, made.ref.id, made.losses) == (Wrote.CREATED, "9", ())


def test_a_look_just_before_is_not_made_twice() -> None:
    server = Answering(ME, NONE, (200, status("9")))

    async def both() -> None:
        cms = adapter(server)
        assert await cms.find(POST.key) is None
        await cms.create(POST, PUBLIC)

    run(both())
    assert len(server.asked) == 3


def test_a_status_that_the_server_gives_back_and_that_says_something_else_is_an_older_one() -> None:
    """Within an hour Mastodon answers a key with the status that it made before, as it is now, and with 200."""
    server = Answering(ME, NONE, (200, status("9", replace(POST, html="<p>第二版</p>"))))
    with pytest.raises(Conflict) as refused:
        run(adapter(server).create(POST, PUBLIC))
    assert refused.value.kind == "exists"


def test_of_a_deleted_status_whose_key_is_remembered_another_one_is_made() -> None:
    """PostStatusService: Status.find of what was deleted is a 404, for an hour."""
    server = Listening(ME, NONE, LOST, (200, status("9")))
    assert run(adapter(server).create(POST, PUBLIC)).ref.id == "9"
    first, second = keys(server, server.sent)
    assert first != second
    with pytest.raises(NotApplied) as waits:
        run(adapter(Answering(ME, NONE, LOST, LOST)).create(POST, PUBLIC))
    assert (waits.value.reason, waits.value.after) == ("key_remembered", 3600)


def test_a_web_servers_own_404_is_no_deleted_status() -> None:
    with pytest.raises(NotApplied) as failure:
        run(adapter(Answering(ME, NONE, (404, b"<h1>404</h1>"))).create(POST, PUBLIC))
    assert failure.value.reason == "no_route"


def test_there_are_no_drafts() -> None:
    with pytest.raises(Rejected) as refused:
        run(adapter(Answering()).create(POST, RemoteState.DRAFT))
    assert refused.value.reason == "no_drafts"


def test_a_status_that_not_everybody_may_read_is_told() -> None:
    made = run(adapter(Answering(ME, NONE, (200, status("9", visibility="private")))).create(POST, PUBLIC))
    assert made.ref.state is RemoteState.DRAFT
    assert any("private" in loss for loss in made.losses)


# --- the account's own statuses ---------------------------------------------------------------------------------------------


def others(*ids: int) -> tuple[int, Any]:
    return 200, [status(str(id), f"第{id}条") for id in ids]


def test_all_are_read_once_and_then_only_what_is_new() -> None:
    server = Answering(ME, others(90, 80), (200, [status("70"), status("60", "甲")]), NONE, others(91, 90), (200, status("70")))

    async def looks() -> list[RemoteRef | None]:
        cms = adapter(server)
        return [await cms.find(POST.key), await cms.find(POST.key)]

    assert [ref.id if ref else None for ref in run(looks())] == ["70", "70"]
    assert [query.get("max_id") for _, _, query, _ in server.asked] == [None, None, "80", "60", None, None]
    assert server.asked[-1][1] == "/api/v1/statuses/70", "what is on no page of now is asked for"


@pytest.mark.parametrize("now", [LOST, (200, status("70", "别的"))], ids=["deleted", "without its mark"])
def test_what_was_deleted_or_lost_its_mark_is_not_there(now: tuple[int, Any]) -> None:
    server = Answering(ME, others(90), (200, [status("70")]), NONE, others(90), now)

    async def looks() -> RemoteRef | None:
        cms = adapter(server)
        await cms.find(POST.key)
        return await cms.find(POST.key)

    assert run(looks()) is None


def test_an_account_with_too_many_statuses_is_never_taken_for_empty() -> None:
    pages = [others(*range(900 - 40 * n, 860 - 40 * n, -1)) for n in range(3)]
    with pytest.raises(NotApplied) as failure:
        run(adapter(Answering(ME, *pages), look_back=80).find(POST.key))
    assert failure.value.reason == "too_many_statuses"
    server = Answering(ME, others(90), NONE)
    assert run(adapter(server, after="85", look_back=80).find(POST.key)) is None
    assert server.asked[1][2]["since_id"] == "85"


def test_a_proxy_that_drops_the_question_is_not_followed_in_a_circle() -> None:
    with pytest.raises(NotApplied) as failure:
        run(adapter(Answering(ME, others(90, 80), others(90, 80))).find(POST.key))
    assert failure.value.reason == "not_json"


def test_a_look_that_fails_half_way_proves_nothing_for_the_next() -> None:
    server = Answering(ME, others(90, 80), (502, b"<h1>502</h1>"), others(90, 80), (200, [status("70")]), NONE)

    async def looks() -> RemoteRef | None:
        cms = adapter(server)
        with pytest.raises(NotApplied):
            await cms.find(POST.key)
        return await cms.find(POST.key)

    found = run(looks())
    assert found is not None
    assert found.id == "70"


def test_a_status_that_we_made_does_not_hide_one_made_meanwhile() -> None:
    """Ours is known by itself; that older ones were read is proven by pages only."""
    late = post(key="syncd-late")
    server = Answering(ME, others(50), NONE, (200, status("90")),
                       (200, [status("90")]), (200, [status("80", late)]), (200, [status("50", "甲")]))

    async def looks() -> RemoteRef | None:
        cms = adapter(server)
        await cms.create(POST, PUBLIC)
        return await cms.find(late.key)

    found = run(looks())
    assert found is not None
    assert found.id == "80"


def test_the_oldest_of_twins_is_ours_and_a_sweep_removes_only_what_nobody_touched() -> None:
    twins = [status("95"), status("94", edited_at="2026-11-26T21:00:00.000Z"), status("93")]
    server = Answering(ME, (200, twins), NONE, (200, twins), (200, {}))

    async def swept() -> tuple[RemoteRef | None, tuple[RemoteRef, ...]]:
        cms = adapter(server)
        found = await cms.find(POST.key)
        assert found is not None
        return found, await cms.sweep(POST.key, found)

    found, removed = run(swept())
    assert found is not None
    assert (found.id, [ref.id for ref in removed]) == ("93", ["95"])
    assert [line[:2] for line in server.asked if line[0] == "DELETE"] == [("DELETE", "/api/v1/statuses/95")]


# --- update and withdrawal --------------------------------------------------------------------------------------------------


def test_an_edit_is_seen_and_told_as_one_of_the_account() -> None:
    edited = compose(POST, MOST).replace("各县", "本县")
    server = Answering(ME, (200, [status("9", edited)]), NONE, (200, status("9", edited)))

    async def acts() -> RemoteRef | None:
        cms = adapter(server)
        found = await cms.find(POST.key)
        with pytest.raises(Conflict):
            await cms.update(RemoteRef("9"), replace(POST, html="<p>二</p>"), PUBLIC, "older")
        return found

    found = run(acts())
    assert found is not None
    assert found.modified_by == "the account"


def test_an_update_sends_text_and_language_and_nothing_that_editors_set() -> None:
    newer = replace(POST, html="<p>第二版</p>", lang="en")
    server = Answering(ME, (200, status("9")), (200, status("9", newer, edited_at="2026-11-26T21:00:00.000Z")))
    done = run(adapter(server).update(RemoteRef("9"), newer, PUBLIC, None))
    assert (server.asked[2][:2], set(server.asked[2][3])) == (("PUT", "/api/v1/statuses/9"), {"status", "language"})
    assert (done.outcome, done.ref.modified_by) == (Wrote.UPDATED, None)


def test_the_same_text_is_not_sent_again() -> None:
    server = Answering(ME, (200, status("9")))
    assert run(adapter(server).update(RemoteRef("9"), POST, PUBLIC, None)).outcome is Wrote.UNCHANGED


def test_a_notice_stands_for_a_withdrawn_document_and_can_come_back() -> None:
    ways = {"withdraw": "notice"}
    server = Answering(ME, (200, status("9")), (200, status("9")))
    run(adapter(server, **ways).withdraw(RemoteRef("9"), "notice"))
    notice = server.asked[2][3]["status"]
    assert open_note(notice).notice
    again = run(adapter(Answering(ME, (200, status("9", notice))), **ways).withdraw(RemoteRef("9"), "notice"))
    assert (again.outcome, again.ref.state) == (Wrote.ALREADY, RemoteState.WITHDRAWN)
    server = Answering(ME, (200, status("9", notice)), (200, status("9")))
    back = run(adapter(server, **ways).update(RemoteRef("9"), POST, PUBLIC, None))
    assert back.ref.state is PUBLIC


def test_what_is_gone_is_withdrawn_already() -> None:
    for answers in ((ME, LOST), (ME, (200, status("9")), LOST)):
        done = run(adapter(Answering(*answers)).withdraw(RemoteRef("9"), "delete"))
        assert (done.outcome, done.ref.state) == (Wrote.ALREADY, RemoteState.WITHDRAWN)


# --- refusals, limits, options ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status_code", "said", "kind", "reason"), [
    (401, "The access token is invalid", AuthFailed, "unauthorized"),
    (403, "This action is outside the authorized scopes", AuthFailed, "forbidden"),
    (403, "Your login is currently disabled", AuthFailed, "forbidden"),
    (404, "Record not found", NotFound, "not_found"),
    (422, "Validation failed: Text character limit of 500 exceeded", Rejected, "unprocessable"),
])
def test_a_refusal_is_what_mastodon_means_by_it(status_code: int, said: str, kind: type[Exception], reason: str) -> None:
    with pytest.raises(kind) as refused:
        sort(Refused(answer(status_code, {"error": said}), {"error": said}, True, False))
    assert (refused.value.reason, bool(refused.value.hint)) == (reason, True)  # type: ignore[attr-defined]
    assert said in str(refused.value)


def test_a_fault_of_the_server_in_a_write_is_unknown() -> None:
    """mastodon-mock says 500 to a key whose status was deleted."""
    with pytest.raises(Unknown):
        run(adapter(Answering(ME, NONE, (500, b"Internal Server Error"))).create(POST, PUBLIC))


@pytest.mark.parametrize(("reset", "after"), [
    ("2026-11-26T21:04:30.000000Z", 270.0),      # Mastodon
    (str(int(NOW.timestamp()) + 90), 90.0),      # mastodon-mock and others: seconds since 1970
    ("2026-11-26T20:00:00.000000Z", 1.0),        # over already
    ("", None), ("soon", None), ("2026-11-26", 1.0),
])
def test_the_end_of_a_pause_is_told_by_a_header_of_mastodons_own(reset: str, after: float | None) -> None:
    limited = answer(429, {"error": "Too many requests"}, x_ratelimit_reset=reset)
    assert until_reset(limited) == after
    if after is not None:
        with pytest.raises(RateLimited) as told:
            sort(Refused(limited, {"error": "Too many requests"}, True, False))
        assert (told.value.after, told.value.said) == (after, True)


def test_a_retry_after_is_believed_first() -> None:
    assert until_reset(answer(429, {}, retry_after="7", x_ratelimit_reset="2026-11-26T21:04:30Z")) is None


def instance(**statuses: Any) -> tuple[int, Any]:
    return 200, {"version": "4.4.1", "title": "某县", "configuration": {"statuses": statuses}}


def test_check_fits_the_note_to_what_the_server_tells() -> None:
    cases = {
        820: instance(max_characters=1000, characters_reserved_per_url=23),
        313: instance(max_characters=500, characters_reserved_per_url=30),
        320: (200, {"version": "4.0.0"}),
    }
    for most, told in cases.items():
        cms = adapter(Answering(told, ME, NONE))
        report = run(cms.check())
        assert (report.ok, cms.capabilities.max_shown, report.capabilities) == (True, most, cms.capabilities)
    small = run(adapter(Answering(instance(max_characters=200), ME, NONE)).check())
    assert [item.name for item in small.items if not item.ok] == ["length"]


def test_check_says_what_fails_with_what_to_do() -> None:
    steps: Mapping[str, Callable[[], Answering]] = {
        "reach": lambda: Answering((404, b"<h1>nginx</h1>")),
        "login": lambda: Answering(instance(), (401, {"error": "The access token is invalid"})),
        "statuses": lambda: Answering(instance(), ME, (403, {"error": "This action is outside the authorized scopes"})),
    }
    for name, server in steps.items():
        report = run(adapter(server()).check())
        assert not report.ok
        assert [(item.name, bool(item.hint)) for item in report.items if not item.ok] == [(name, True)]


@pytest.mark.parametrize("wrong", [
    {"api_url": "https://social.county.example/api/v1"}, {"api_url": "social.county.example"},
    {"columns": {"要闻": "#要闻"}}, {"columns": {"要闻": "2026"}}, {"columns": {"要闻": "两 个"}},
    {"columns": {"要闻": "字" * 31}},
    {"max_characters": 100}, {"look_back": 1}, {"after": "https://social.county.example/@county/1"}, {"visibility": "direct"},
])
def test_options_that_can_not_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate({**GIVEN, **wrong})


def test_the_column_is_a_hashtag() -> None:
    server = Answering(ME, NONE, (200, status("9", compose(POST, MOST, "国务院文件"))))
    run(adapter(server, columns={"要闻": "国务院文件"}).create(POST, PUBLIC))
    assert "#国务院文件\n" in server.asked[2][3]["status"]
    assert mark_of(POST.key) in server.asked[2][3]["status"]
