"""What Micropub leaves to each site, and what its answers mean; those in plain text are django-indieweb 0.6.2's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from syncd.adapters.api import SiteConfig, Standing
from syncd.adapters.credit import Times
from syncd.adapters.micropub import MicropubAdapter, Options
from syncd.adapters.micropub.api import Endpoint, is_same_place
from syncd.adapters.micropub.entry import cut, parse, with_name
from syncd.adapters.sealed import compose
from syncd.errors import AdapterError, AuthFailed, Conflict, NotApplied, NotFound, RateLimited, Rejected, Unknown
from syncd.model import RemoteRef, RemoteState, Wrote
from syncd.web.api import Answer
from tests.adapters.answering import NOW, PDF, Answering, answer, post

PUBLIC, DRAFT, PENDING = RemoteState.PUBLIC, RemoteState.DRAFT, RemoteState.PENDING
SITE = "https://www.county.example"
PLACE = f"{SITE}/notes/{post().key}"
OPTIONS: dict[str, Any] = {"api_url": f"{SITE}/micropub", "token": "secret", "address": "{base}/notes/{slug}"}
HTML = compose(post(), {}, (), Times(ZoneInfo("Asia/Shanghai"), NOW))
GONE = [(400, "invalid_request"), (404, b"<h1>404</h1>")]
"""An entry that is not there: what the endpoint says of it, and its page."""


class Micropub(Answering):
    """Text is plain text; a text that is an address is 201 or 202 with that Location."""

    async def call(self, method: str, url: str, **named: Any) -> Answer:
        status, value = self.answers[0]
        made = await super().call(method, url, **named)
        if not isinstance(value, str):
            return made
        if value.startswith("http"):
            return answer(status, b"", url, location=value)
        return replace(answer(status, b"", url), body=value.encode())


def adapter(client: Answering, **options: Any) -> MicropubAdapter:
    return MicropubAdapter(SiteConfig("county", SITE, options=OPTIONS | options), client.tools())


def source(**changes: Any) -> dict[str, Any]:
    properties = {"name": [post().title], "content": [{"html": HTML}], "uid": [post().key], "category": ["要闻"],
                  "summary": ["各县（市、区）人民政府："]}
    return {"type": ["h-entry"], "properties": properties | changes}


def raised(status: int, value: Any, *, writes: bool = True) -> AdapterError:
    api = Endpoint(Micropub((status, value), (404, b"")), f"{SITE}/micropub", "secret")
    with pytest.raises(AdapterError) as failure:
        asyncio.run(api.create({}) if writes else api.source(PLACE))  # type: ignore[arg-type]  # either is a coroutine
    assert failure.value.hint
    return failure.value


@pytest.mark.parametrize(("status", "value", "kind", "reason"), [
    (401, {"error": "unauthorized"}, AuthFailed, "not_logged_in"),
    (401, {"error": "insufficient_scope"}, AuthFailed, "no_right"),  # as in the first edition of the Recommendation
    (403, {"error": "insufficient_scope", "scope": "create"}, AuthFailed, "no_right"),
    (403, {"error": "forbidden"}, AuthFailed, "no_right"),
    (403, "authorization error", AuthFailed, "no_right"),
    (400, {"error": "invalid_request", "error_description": "no content"}, Rejected, "unprocessable"),
    (400, "invalid_request", Rejected, "unprocessable"),
    (404, b"<h1>404</h1>", NotApplied, "no_route"),
    (409, {"error": "conflict"}, Conflict, "conflict_exists"),
    (413, "invalid_request", Rejected, "too_large"),
    (429, "", RateLimited, "rate_limited"),
    (500, b"<h1>500</h1>", Unknown, "server_error"),
    (200, {"url": PLACE}, Unknown, "not_json"),  # Location is what tells it
    (200, b"<h1>WAF</h1>", Unknown, "not_json"),
    (201, "", Unknown, "not_json"),
])
def test_an_answer_to_a_create_is_what_the_recommendation_says(
    status: int, value: Any, kind: type[AdapterError], reason: str,
) -> None:
    error = raised(status, value)
    assert type(error) is kind
    assert error.reason == reason


def test_what_the_site_says_is_told() -> None:
    assert "no content" in raised(400, {"error": "invalid_request", "error_description": "<b>no content</b>"}).message
    assert "forbidden" in raised(403, {"error": "forbidden"}).message


@pytest.mark.parametrize(("status", "value", "kind"), [
    (400, "invalid_request", NotFound),
    (400, {"error": "invalid_request"}, NotFound),
    (404, {"error": "not_found"}, NotFound),
    (410, {"error": "gone"}, NotFound),
    (404, b"<h1>404</h1>", NotApplied),
    (400, b"<h1>WAF</h1>", NotApplied),
    (200, {"items": []}, NotApplied),
    (200, source(url=[f"{SITE}/notes/another"]), NotApplied),
    (200, b"<h1>WAF</h1>", NotApplied),
])
def test_only_the_endpoints_own_word_means_that_nothing_is_there(status: int, value: Any, kind: type[AdapterError]) -> None:
    assert type(raised(status, value, writes=False)) is kind


@pytest.mark.parametrize(("page", "kind"), [
    ((200, b"<h1>there</h1>"), NotApplied), ((503, b""), NotApplied), ((403, b""), AuthFailed), ((429, b""), RateLimited),
])
def test_and_only_with_the_entrys_own_page(page: tuple[int, Any], kind: type[AdapterError]) -> None:
    """400 is also said to a query that the endpoint does not know."""
    client = Micropub((400, "invalid_request"), page)
    with pytest.raises(kind):
        asyncio.run(adapter(client).find(post().key))
    assert client.asked[1][1] == f"/notes/{post().key}"


def test_the_token_goes_to_the_endpoint_and_not_to_pages() -> None:
    sent: list[Mapping[str, str]] = []

    class Listening(Micropub):
        async def call(self, method: str, url: str, **named: Any) -> Answer:
            sent.append(named["headers"])
            return await super().call(method, url, **named)

    assert asyncio.run(adapter(Listening(*GONE)).find(post().key)) is None
    assert ["authorization" in headers for headers in sent] == [True, False]


def test_an_endpoint_with_a_query_of_its_own_keeps_it() -> None:
    url = Endpoint(Micropub(), f"{SITE}/?rest_route=/micropub/1.0/endpoint", "x").url("", {"q": "source", "url": PLACE})
    assert url.startswith(f"{SITE}/?rest_route=/micropub/1.0/endpoint&q=source&url=https%3A%2F%2F")


def test_an_entry_is_made_by_one_request_after_a_look_and_read_back() -> None:
    client = Micropub(*GONE, (201, PLACE), (200, source()))
    one = adapter(client, source_property="bookmark-of", syndicate_to=["a"], post_status=True)
    made = asyncio.run(one.create(post(), PUBLIC))
    assert (made.outcome, made.ref.id, made.ref.url) == (Wrote.CREATED, PLACE, PLACE)
    sent = client.asked[2][3]
    assert sent["type"] == ["h-entry"]
    properties = sent["properties"]
    assert properties.pop("content") == [{"html": HTML}]
    assert properties == {
        "name": [post().title], "summary": ["各县（市、区）人民政府："], "category": ["要闻"], "mp-slug": [post().key],
        "uid": [post().key], "published": ["2026-11-27T05:00:00+08:00"], "bookmark-of": ["https://www.gov.cn/1.htm"],
        "mp-syndicate-to": ["a"], "post-status": ["published"]}


def test_a_look_that_has_just_found_nothing_is_not_made_twice() -> None:
    client = Micropub(*GONE, (201, PLACE), (200, source()))
    one = adapter(client)

    async def played() -> None:
        assert await one.find(post().key) is None
        await one.create(post(), PUBLIC)

    asyncio.run(played())
    assert client.answers == []


def test_a_second_post_of_a_key_is_refused_before_anything_is_written() -> None:
    client = Micropub((200, source()))
    with pytest.raises(Conflict):
        asyncio.run(adapter(client).create(post(), PUBLIC))
    assert [method for method, *_ in client.asked] == ["GET"]


def test_an_entry_whose_answer_could_not_be_read_back_is_made_and_what_is_stored_is_not_guessed() -> None:
    client = Micropub(*GONE, (201, PLACE), (502, b""))
    made = asyncio.run(adapter(client).create(post(), PUBLIC))
    assert (made.outcome, made.stored, made.ref.id) == (Wrote.CREATED, None, PLACE)


def test_an_entry_that_is_accepted_is_not_there_yet() -> None:
    client = Micropub(*GONE, (202, PLACE), *GONE, (200, source()))
    one = adapter(client, queued=True)
    assert one.capabilities.awaits

    async def played() -> tuple[RemoteRef, Standing, Standing]:
        ref = (await one.create(post(), PUBLIC)).ref
        return ref, await one.standing(ref), await one.standing(ref)

    ref, first, then = asyncio.run(played())
    assert (ref.state, ref.url) == (PENDING, PLACE)
    assert (first.waits, first.ref) == ("waiting_for_importer", ref)
    assert (then.waits, then.ref.state) == ("", PUBLIC)


def test_an_entry_that_was_there_and_is_not_is_gone_and_does_not_wait() -> None:
    with pytest.raises(NotFound):
        asyncio.run(adapter(Micropub(*GONE)).standing(RemoteRef(PLACE)))


def test_where_that_is_not_usual_it_is_in_doubt_and_looked_up() -> None:
    one = adapter(Micropub(*GONE, (202, PLACE)))
    assert not one.capabilities.awaits, "else what an editor hides is not told"
    with pytest.raises(Unknown) as error:
        asyncio.run(one.create(post(), PUBLIC))
    assert "queued" in error.value.hint


def test_an_update_that_is_only_accepted_is_in_doubt() -> None:
    client = Micropub((200, source(name=["旧"])), (202, PLACE))
    with pytest.raises(Unknown):
        asyncio.run(adapter(client).update(RemoteRef(PLACE), post(), PUBLIC, None))


def test_an_update_sends_what_differs_and_removes_what_is_empty() -> None:
    client = Micropub((200, source(name=["旧"], **{"bookmark-of": ["x"]})), (204, None), (200, source()))
    asyncio.run(adapter(client, source_property="bookmark-of").update(RemoteRef(PLACE), post(source_url=""), PUBLIC, None))
    sent = client.asked[1][3]
    assert (sent["action"], sent["url"], sent["delete"]) == ("update", PLACE, ["bookmark-of"])
    assert set(sent["replace"]) == {"name", "content", "summary"}
    assert all(isinstance(values, list) for values in sent["replace"].values())


def test_the_same_text_is_not_sent_again() -> None:
    client = Micropub((200, source()))
    done = asyncio.run(adapter(client).update(RemoteRef(PLACE), post(), PUBLIC, None))
    assert done.outcome is Wrote.UNCHANGED


def test_an_entry_that_an_update_moved_is_followed() -> None:
    client = Micropub((200, source(name=["旧"])), (201, f"{SITE}/notes/new"), (200, source()))
    assert asyncio.run(adapter(client).update(RemoteRef(PLACE), post(), PUBLIC, None)).ref.id == f"{SITE}/notes/new"


def test_a_removal_that_is_refused_since_it_is_gone_is_already() -> None:
    client = Micropub((200, source()), (400, "invalid_request"), *GONE)
    assert asyncio.run(adapter(client).withdraw(RemoteRef(PLACE), "delete")).outcome is Wrote.ALREADY
    still = Micropub((200, source()), (400, "invalid_request"), (200, source()))
    with pytest.raises(Rejected):
        asyncio.run(adapter(still).withdraw(RemoteRef(PLACE), "delete"))


def test_an_entry_that_was_made_elsewhere_and_can_not_be_taken_back_is_in_doubt() -> None:
    client = Micropub(*GONE, (201, f"{PLACE}-2"), (403, {"error": "insufficient_scope"}))
    with pytest.raises(Unknown) as error:
        asyncio.run(adapter(client).create(post(), PUBLIC))
    assert f"{PLACE}-2" in error.value.message


def test_what_was_made_elsewhere_and_is_gone_already_needs_no_taking_back() -> None:
    client = Micropub(*GONE, (201, f"{PLACE}-2"), (404, {"error": "not_found"}), (200, source()))
    with pytest.raises(Conflict):
        asyncio.run(adapter(client).create(post(), PUBLIC))


@pytest.mark.parametrize(("status", "value", "kind"), [
    (502, b"", Unknown), (429, "", RateLimited), (400, "invalid_request", Rejected), (403, "authorization error", Rejected),
])
def test_an_undeletion_that_fails_is_what_it_is_and_one_that_can_not_be_is_told(
    status: int, value: Any, kind: type[AdapterError],
) -> None:
    client = Micropub(*GONE, (201, f"{PLACE}-2"), (204, None), *GONE, (status, value))
    with pytest.raises(kind):
        asyncio.run(adapter(client).create(post(), PUBLIC))


def test_a_media_endpoint_that_is_not_there_is_no_missing_entry() -> None:
    for endpoint in ((404, {"error": "not_found"}), (404, b"<h1>404</h1>")):
        client = Micropub((200, source()), endpoint)
        with pytest.raises(NotApplied):
            asyncio.run(adapter(client, media_url=f"{SITE}/media").update(RemoteRef(PLACE), post(media=(PDF,)), PUBLIC, None))
    client = Micropub((200, source()), (400, "invalid_request"))
    with pytest.raises(NotApplied):
        asyncio.run(adapter(client).update(RemoteRef(PLACE), post(media=(PDF,)), PUBLIC, None))


@pytest.mark.parametrize(("changes", "found"), [
    ({}, True),
    ({"uid": []}, True),  # the seal tells
    ({"content": ["编辑改过"]}, True),  # the property tells
    ({"uid": ["another"]}, True),  # both tell, and the seal is ours
    ({"uid": ["another"], "content": ["他人"]}, False),
    ({"uid": [], "content": ["编辑改过"], "url": [PLACE.replace("https", "http")]}, True),  # the site tells
])
def test_whose_an_entry_is(changes: dict[str, Any], found: bool) -> None:
    ref = asyncio.run(adapter(Micropub((200, source(**changes)))).find(post().key))
    assert (ref is not None) is found


def test_an_entry_of_which_nothing_tells_whose_it_is_is_neither_ours_nor_missing() -> None:
    with pytest.raises(NotApplied) as error:
        asyncio.run(adapter(Micropub((200, source(uid=[], content=["?"])))).find(post().key))
    assert "key_property" in error.value.hint


def test_without_the_address_of_entries_nothing_is_looked_up_and_the_class_is_parked() -> None:
    client = Micropub((201, f"{SITE}/2026/11/x"), (200, source()))
    one = adapter(client, address="")
    assert (one.capabilities.lookup, one.capabilities.guarantee) == ("none", "parked")
    assert asyncio.run(one.create(post(), PUBLIC)).ref.id == f"{SITE}/2026/11/x"
    assert asyncio.run(adapter(Micropub(), address="").find(post().key)) is None


@pytest.mark.parametrize(("told", "html"), [
    ({"html": "<p>a</p>", "value": "a"}, "<p>a</p>"), ({"value": "1 < 2"}, "1 &lt; 2"), ("1 < 2", "1 &lt; 2"),
    ("<p>甲</p>", "<p>甲</p>"),
])
def test_content_is_html_or_plain_text(told: Any, html: str) -> None:
    assert parse(source(content=[told])["properties"], PLACE, Options.model_validate(OPTIONS)).html == html


@pytest.mark.parametrize(("status", "state"), [
    ([], PUBLIC), (["published"], PUBLIC), (["draft"], DRAFT), (["private"], DRAFT), (["deleted"], RemoteState.WITHDRAWN),
])
def test_the_state_is_what_post_status_says(status: list[str], state: RemoteState) -> None:
    entry = parse(source(**{"post-status": status})["properties"], PLACE, Options.model_validate(OPTIONS))
    assert entry.state is state
    assert bool(entry.url) is (state is PUBLIC)


def test_limits_are_kept_before_anything_is_sent() -> None:
    for options, field in (({"max_title": 5}, "name"), ({"max_body": 50}, "content")):
        with pytest.raises(Rejected) as error:
            asyncio.run(adapter(Micropub(), **options).create(post(), PUBLIC))
        assert (error.value.field, error.value.reason) == (field, "too_large")
    edge = Micropub(*GONE, (201, PLACE), (200, source()))
    asyncio.run(adapter(edge, max_title=len(post().title), max_body=len(HTML.encode())).create(post(), PUBLIC))


def test_a_summary_is_cut_visibly() -> None:
    assert (cut("一二三四", 4), cut("一二三四五", 4), cut("一 二", 2), cut("一", 0)) == ("一二三四", "一二三…", "一…", "")
    client = Micropub(*GONE, (201, PLACE), (200, source()))
    asyncio.run(adapter(client, max_summary=5).create(post(summary="各县（市、区）人民政府"), PUBLIC))
    assert client.asked[2][3]["properties"]["summary"] == ["各县（市…"]


def test_a_draft_needs_a_site_that_knows_drafts() -> None:
    with pytest.raises(Rejected):
        asyncio.run(adapter(Micropub()).create(post(), DRAFT))


def test_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(Rejected) as error:
        asyncio.run(adapter(Micropub(), columns={"通知": "tz"}).create(post(), PUBLIC))
    assert error.value.field == "column"


def test_a_file_is_known_again_whatever_the_site_calls_it() -> None:
    upload = (201, f"{SITE}/media/7f3a.pdf")
    client = Micropub(*GONE, (200, {"media-endpoint": f"{SITE}/media"}), upload, (201, PLACE), (502, b""))
    asyncio.run(adapter(client).create(post(media=(PDF,)), PUBLIC))
    html = next(sent for *_, sent in client.asked if isinstance(sent, dict))["properties"]["content"][0]["html"]
    entry = parse(source(content=[{"html": html}])["properties"], PLACE, Options.model_validate(OPTIONS))
    assert [file.url for file in entry.files] == [f"{SITE}/media/7f3a.pdf#fujian-1-s{'a' * 16}.pdf"]
    again = Micropub((200, source(content=[{"html": html}])), (204, None), (200, source()))
    asyncio.run(adapter(again).update(RemoteRef(PLACE), post(media=(PDF,), title="新"), PUBLIC, None))
    assert [method for method, *_ in again.asked] == ["GET", "POST", "GET"], "it is not sent again"


def test_a_name_of_ours_is_not_added_twice() -> None:
    named = f"{SITE}/media/x-s{'a' * 16}.pdf"
    assert with_name(named, "y.pdf") == named


@pytest.mark.parametrize(("files", "stays"), [("all", False), ("pictures", True), ("none", True)])
def test_files_go_where_the_options_say(files: str, stays: bool) -> None:
    media = [] if stays else [(200, {"media-endpoint": f"{SITE}/media"}), (201, f"{SITE}/media/1.pdf")]
    client = Micropub(*GONE, *media, (201, PLACE), (200, source()))
    made = asyncio.run(adapter(client, files=files).create(post(media=(PDF,)), PUBLIC))
    assert any("stays a link" in loss for loss in made.losses) is stays


def test_the_same_place_is_told_from_a_twins() -> None:
    assert is_same_place("HTTPS://WWW.county.example/notes/a/", "http://www.county.example/notes/a")
    assert not is_same_place(f"{PLACE}-2", PLACE)
    assert not is_same_place(PLACE.upper(), PLACE)


@pytest.mark.parametrize("wrong", [
    {"address": "{base}/notes"}, {"address": "{base}/{year}/{slug}"}, {"address": "/notes/{slug}"}, {"api_url": "county"},
    {"api_url": "https://a:b@county.example/micropub"}, {"key_property": "name"}, {"key_property": "mp-slug"},
    {"source_property": "Bookmark Of"}, {"withdraw": "unpublish"},
])
def test_options_that_can_not_be_meant_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate(OPTIONS | wrong)


def test_check_sends_nothing_that_could_become_an_entry() -> None:
    config = {"q": ["config", "source"], "media-endpoint": f"{SITE}/media", "syndicate-to": [{"uid": "a", "name": "A"}]}
    client = Micropub((200, config), *GONE, (400, "invalid_request"), (400, "invalid_request"))
    report = asyncio.run(adapter(client, syndicate_to=["a"]).check())
    assert report.ok
    sent = [body for method, _, _, body in client.asked if method == "POST"]
    assert [set(each) for each in sent] == [{"action", "url"}] * 2
    assert all(each["url"] not in (PLACE, SITE) for each in sent)


def test_check_tells_what_is_not_there() -> None:
    config = {"q": ["config"], "syndicate-to": [{"uid": "b"}]}
    no = (403, {"error": "insufficient_scope"})
    client = Micropub((200, config), (400, "invalid_request"), (200, b"<h1>home</h1>"), no, no)
    report = asyncio.run(adapter(client, syndicate_to=["a"]).check())
    assert {item.name for item in report.items if not item.ok} == {"source", "target a", "look-up", "update", "delete"}
    assert all(item.hint for item in report.items if not item.ok)
    assert (report.capabilities.delete, report.capabilities.media) == (False, "none")
