"""What Directus does that no other CMS does; its answers are those of a Directus 12.4.0."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from syncd.adapters.api import SiteConfig
from syncd.adapters.credit import Times
from syncd.adapters.directus import DirectusAdapter, Options
from syncd.adapters.directus.api import api_of
from syncd.adapters.directus.item import files_of, parse
from syncd.adapters.headless import file_name, id_of
from syncd.adapters.sealed import compose
from syncd.errors import AdapterError, AuthFailed, Conflict, NotApplied, NotFound, RateLimited, Rejected, Unknown
from syncd.model import RemoteRef, RemoteState, Wrote
from tests.adapters.answering import FILE, NOW, PDF, Answering, answer, post

PUBLIC = RemoteState.PUBLIC
OPTIONS: dict[str, Any] = {
    "api_url": "https://cms.county.example", "token": "secret", "collection": "policies", "column_field": "category",
    "fields": {"key": "external_id", "published": "published_on"}, "page": "/policies/{id}", "summary_field": "summary",
}
ID = id_of(post().key)
ME: tuple[int, Any] = (200, {"data": {"id": "d79da45b-cefb-4dbe-9fdb-d0fdf2a1ef90"}})


def allowed(*actions: str, fields: Sequence[str] = ("*",)) -> dict[str, Any]:
    return {action: {"access": "full", "fields": list(fields)} for action in actions}


def error(code: str, message: str = "", **more: Any) -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code, **more}}]}


def item(**changes: Any) -> dict[str, Any]:
    return {
        "id": ID, "status": "published", "title": "标题", "body": "<p>正文</p>", "summary": None, "category": "要闻",
        "external_id": post().key, "published_on": None, "date_created": "2026-11-26T21:23:45.231Z", "date_updated": None,
        "user_updated": None, "syncd_edition": 4,
    } | changes


def adapter(client: Answering, **options: Any) -> DirectusAdapter:
    return DirectusAdapter(SiteConfig("county", "https://www.county.example", options=OPTIONS | options), client.tools())


def raised(status: int, value: Any, *, writes: bool = True, creating: bool = False, **headers: str) -> AdapterError:
    options = Options.model_validate(OPTIONS | {"guard_field": "syncd_edition"})
    with pytest.raises(AdapterError) as failure:
        api_of(Answering(), options).told(answer(status, value, **headers), writes=writes, creating=creating)
    assert failure.value.hint
    return failure.value


@pytest.mark.parametrize(("status", "value", "kind", "reason"), [
    (400, error("RECORD_NOT_UNIQUE", 'Value for field "id" has to be unique.', field="id"), Conflict, "conflict_exists"),
    (400, error("RECORD_NOT_UNIQUE", "has to be unique.", field="syncd_edition"), Conflict, "conflict_version"),
    (400, error("RECORD_NOT_UNIQUE", "has to be unique.", field="slug"), Rejected, "refused"),
    (400, error("INVALID_PAYLOAD", "Invalid payload. request entity too large."), Rejected, "too_large"),
    (413, error("CONTENT_TOO_LARGE", "Uploaded content is too large."), Rejected, "too_large"),
    (400, error("VALUE_TOO_LONG", 'Value in collection "policies" is too long.', field=None), Rejected, "refused"),
    (400, error("FAILED_VALIDATION", "Value can't be null.", field="title"), Rejected, "refused"),
    (401, error("INVALID_CREDENTIALS", "Invalid user credentials."), AuthFailed, "not_logged_in"),
    (403, error("FORBIDDEN", "You don't have permission to access this."), AuthFailed, "no_right"),
    (403, error("RESOURCE_RESTRICTED", "custom_permission_rules_enabled is a restricted resource."), AuthFailed, "no_right"),
    (404, error("ROUTE_NOT_FOUND", "Route /nope doesn't exist."), NotApplied, "no_route"),
    (404, b"<h1>404</h1>", NotApplied, "no_route"),
    (500, error("INTERNAL_SERVER_ERROR", "An unexpected error occurred."), Unknown, "server_error"),
    (503, error("SERVICE_UNAVAILABLE", 'Service "api" is unavailable. Under pressure.'), NotApplied, "unavailable"),
    (503, error("SERVICE_UNAVAILABLE", 'Service "mail" is unavailable.'), Unknown, "server_error"),
    (502, b"<h1>502</h1>", Unknown, "server_error"),
])
def test_a_refusal_is_what_its_code_says(status: int, value: Any, kind: type[AdapterError], reason: str) -> None:
    found = raised(status, value)
    assert type(found) is kind
    assert found.reason == reason


def test_a_rate_limit_is_waited_out_for_as_long_as_it_says() -> None:
    found = raised(429, error("REQUESTS_EXCEEDED", "Too many requests, retry after 1s."), retry_after="17")
    assert isinstance(found, RateLimited)
    assert (found.after, found.said) == (17.0, True)


def test_what_is_not_there_is_told_by_an_empty_list_since_by_its_id_it_is_403() -> None:
    client = Answering(ME, (200, {"data": []}))
    assert asyncio.run(adapter(client).find(post().key)) is None
    _, path, query, _ = client.asked[1]
    assert path == "/items/policies"
    assert query["filter[id][_eq]"] == ID


def test_no_look_is_the_same_as_one_before_since_directus_may_answer_that_from_its_cache() -> None:
    moments = itertools.count()
    taken = error("RECORD_NOT_UNIQUE", "has to be unique.", field="id")
    client = Answering(ME, *[(200, {"data": []})] * 3, (400, taken), (200, {"data": [{"filesize": len(FILE)}]}),
                       (200, {"data": item()}))
    tools = replace(client.tools(), now=lambda: NOW + timedelta(microseconds=next(moments)))
    made = DirectusAdapter(SiteConfig("county", "https://www.county.example", options=OPTIONS), tools)
    for _ in range(2):
        asyncio.run(made.find(post().key))
    asyncio.run(made.create(post(media=(PDF,)), PUBLIC))
    looks = [query for method, path, query, _ in client.asked if method == "GET" and path != "/users/me"]
    others = [query["filter[id][_neq]"] for query in looks]
    assert len(set(others)) == len(looks) == 4
    assert all(UUID(other) and other != query["filter[id][_eq]"] for query, other in zip(looks, others, strict=True))


@pytest.mark.parametrize("data", [None, [item(id=id_of("other"))], [{"id": ID}], ["x"]])
def test_an_answer_that_is_no_item_of_ours_is_never_nothing_there(data: Any) -> None:
    with pytest.raises(NotApplied):
        asyncio.run(adapter(Answering(ME, (200, {"data": data}))).find(post().key))


OURS = {"title": post().title, "body": compose(post(), {}, (), Times(ZoneInfo("Asia/Shanghai"), NOW))}
LATER = "2026-11-26T21:23:46.074Z"


@pytest.mark.parametrize(("changed", "field", "editor"), [
    ({**OURS, "date_updated": LATER}, "", None),
    ({"date_updated": LATER}, "", "somebody at the site"),
    ({"date_updated": LATER}, "user_updated", "somebody at the site"),
    ({"date_updated": LATER, "user_updated": ME[1]["data"]["id"]}, "user_updated", None),
    ({**OURS, "date_updated": LATER, "user_updated": "0f00"}, "user_updated", "user 0f00"),
    ({}, "", None),
])
def test_where_directus_names_nobody_our_seal_tells_who_changed_it(changed: Any, field: str, editor: str | None) -> None:
    """Else an editor's text is taken for ours where the answer to our create was lost."""
    client = Answering(ME, (200, {"data": [item(**changed)]}))
    ref = asyncio.run(adapter(client, editor_field=field).find(post().key))
    assert ref is not None
    assert ref.modified_by == editor


def test_a_change_carries_its_condition_and_the_guards_count() -> None:
    before = item(date_updated="2026-11-26T21:23:46.074Z")
    client = Answering(ME, (200, {"data": [before]}), (200, {"data": [item(syncd_edition=5)]}))
    made = adapter(client, guard_field="syncd_edition")
    done = asyncio.run(made.update(RemoteRef(ID), post(), PUBLIC, version_of(made, before)))
    assert done.outcome is Wrote.UPDATED
    method, path, _, sent = client.asked[2]
    assert (method, path) == ("PATCH", "/items/policies")
    assert sent["query"]["filter"] == {"_and": [{"id": {"_eq": ID}}, {"date_updated": {"_eq": "2026-11-26T21:23:46.074Z"}}]}
    assert sent["data"]["syncd_edition"] == 4
    assert "status" not in sent["data"]
    assert "category" not in sent["data"]
    assert made.capabilities.guarantee == "A"


def version_of(made: DirectusAdapter, told: dict[str, Any]) -> str:
    return made._article(told).version


def test_a_guard_that_does_not_count_is_not_counted_on() -> None:
    before = item()
    client = Answering(ME, (200, {"data": [before]}), (200, {"data": [item()]}))
    made = adapter(client, guard_field="syncd_edition")
    asyncio.run(made.update(RemoteRef(ID), post(), PUBLIC, version_of(made, before)))
    assert made.capabilities.guarantee == "C"


@pytest.mark.parametrize(("left", "kind"), [([item(title="别的")], Conflict), ([], NotFound)])
def test_nothing_answered_is_an_edit_or_a_deletion_at_the_site(left: list[Any], kind: type[AdapterError]) -> None:
    before = item()
    client = Answering(ME, (200, {"data": [before]}), (200, {"data": []}), (200, {"data": left}))
    made = adapter(client)
    with pytest.raises(kind):
        asyncio.run(made.update(RemoteRef(ID), post(), PUBLIC, version_of(made, before)))


def test_what_must_be_overwritten_goes_without_a_condition() -> None:
    client = Answering(ME, (200, {"data": [item()]}), (200, {"data": [item()]}))
    asyncio.run(adapter(client, guard_field="syncd_edition").update(RemoteRef(ID), post(), PUBLIC, None))
    sent = client.asked[2][3]
    assert sent["query"]["filter"] == {"_and": [{"id": {"_eq": ID}}]}
    assert "syncd_edition" not in sent["data"]


ON_MYSQL = error("RECORD_NOT_UNIQUE", 'Value for field "null" in collection "policies" has to be unique.', field=None)


@pytest.mark.parametrize(("found", "kind"), [([item()], Conflict), ([], Rejected)])
def test_a_primary_key_that_is_taken_is_found_where_mysql_names_no_field(found: list[Any], kind: type[AdapterError]) -> None:
    client = Answering((400, ON_MYSQL), ME, (200, {"data": found}))
    with pytest.raises(kind) as failure:
        asyncio.run(adapter(client).create(post(), PUBLIC))
    assert failure.value.reason == ("conflict_exists" if found else "refused")


UNTOLD = "An unexpected error occurred."
BAD_VALUE = f'insert into "policies" ({"a_column, " * 40}) values ($1) - invalid input syntax for type timestamp: "x"'


@pytest.mark.parametrize(("message", "found", "kind"), [
    (BAD_VALUE, [], Rejected), (BAD_VALUE, [item()], Unknown), (UNTOLD, [item()], Unknown), (UNTOLD, [], NotApplied),
    ("Knex: Timeout acquiring a connection. The pool is probably full.", [], NotApplied),
    ("Incorrect date value: 'x' for column 'published_on' at row 1", [], Rejected),
    ("date/time field value out of range", [], Rejected),
])
def test_directus_own_500_to_a_create_is_for_good_where_it_names_a_value_and_nothing_came_of_it(
    message: str, found: list[Any], kind: type[AdapterError],
) -> None:
    """It stands for every failure that Directus doesn't know, a restart or a full pool of connections among them."""
    client = Answering((500, error("INTERNAL_SERVER_ERROR", message)), ME, (200, {"data": found}))
    with pytest.raises(kind) as failure:
        asyncio.run(adapter(client).create(post(), PUBLIC))
    assert failure.value.hint


@pytest.mark.parametrize(("message", "left", "kind"), [
    (BAD_VALUE, item(), Rejected), (UNTOLD, item(), NotApplied), (UNTOLD, item(title="别的"), Unknown),
    (UNTOLD, item(category="别的"), Unknown),
])
def test_directus_own_500_to_an_update_is_settled_by_a_look(message: str, left: Any, kind: type[AdapterError]) -> None:
    client = Answering(ME, (200, {"data": [item()]}), (500, error("INTERNAL_SERVER_ERROR", message)), (200, {"data": [left]}))
    made = adapter(client)
    with pytest.raises(kind):
        asyncio.run(made.update(RemoteRef(ID), post(), PUBLIC, version_of(made, item())))


def test_a_look_that_fails_settles_nothing() -> None:
    client = Answering((500, error("INTERNAL_SERVER_ERROR", BAD_VALUE)), ME, (503, error("SERVICE_UNAVAILABLE")))
    with pytest.raises(Unknown):
        asyncio.run(adapter(client).create(post(), PUBLIC))


def test_a_gateways_500_is_never_for_good() -> None:
    with pytest.raises(Unknown):
        asyncio.run(adapter(Answering((500, b"<h1>Error</h1>"))).create(post(), PUBLIC))


def test_a_deletion_that_its_condition_held_back_is_told_though_directus_says_204() -> None:
    before = item()
    client = Answering(ME, (200, {"data": [before]}), (204, None), (200, {"data": [before]}), (200, {"data": [before]}))
    made = adapter(client)
    with pytest.raises(Conflict):
        asyncio.run(made.withdraw(RemoteRef(ID), "delete", version_of(made, before)))


@pytest.mark.parametrize("field", ["id", None])
@pytest.mark.parametrize(("size", "sent_again"), [(str(len(FILE)), False), (None, True), ("3", True)])
def test_a_file_that_is_there_already_is_taken_if_it_is_whole(size: str | None, sent_again: bool, field: str | None) -> None:
    taken = error("RECORD_NOT_UNIQUE", "has to be unique.", field=field)
    client = Answering(ME, (200, {"data": []}), (400, taken), (200, {"data": [{"filesize": size}]}),
                       *([(204, None)] if sent_again else [(200, {"data": item()})]))
    create = adapter(client).create(post(media=(PDF,)), PUBLIC)
    if sent_again:
        with pytest.raises(NotApplied, match="not whole"):
            asyncio.run(create)
    else:
        asyncio.run(create)
    file = id_of(post().key, PDF.sha256)
    assert file.encode() in client.asked[2][3]
    assert sent_again or f"/assets/{file}/{file_name(ID, PDF)}" in client.asked[4][3]["body"]


def test_files_of_an_item_are_known_by_their_addresses_in_its_text_and_another_items_stay() -> None:
    """An editor may put an attachment of one document into another one."""
    name, others = file_name(ID, PDF), file_name(id_of("other"), PDF)
    ours, foreign = f"/assets/{ID}/{name}", f"/assets/{ID[::-1]}/{others}"
    text = f'<a href="https://x.example{ours}">1</a><img src="/assets/{ID[::-1]}/logo.png"><a href="{foreign}">2</a>'
    assert [(file.id, file.name) for file in files_of(text, "https://x.example/assets", {ID})] == [(ID, name)]


@pytest.mark.parametrize(("id", "removed"), [(ID, True), (id_of("other"), False)])
def test_a_withdrawal_removes_no_file_of_another_item(id: str, removed: bool) -> None:
    text = f'<p><a href="/assets/{id_of("f")}/{file_name(ID, PDF)}">附件</a></p>'
    there = item(id=id, body=text)
    client = Answering(ME, (200, {"data": [there]}), (200, {"data": [there]}), (204, None))
    asyncio.run(adapter(client).withdraw(RemoteRef(id), "notice"))
    assert [path for method, path, *_ in client.asked if method == "DELETE"] == ["/files"] * removed


def test_an_adopted_items_files_are_told_by_its_seal() -> None:
    link = f'<p><a href="/assets/{id_of("f")}/{file_name(ID, PDF)}">附件</a></p>'
    body = compose(post(html=link, hotlink=True), {}, (), Times(ZoneInfo("Asia/Shanghai"), NOW))
    there = parse(item(id="its-own", title=post().title, body=body), Options.model_validate(OPTIONS), "", "")
    assert [file.name for file in there.files] == [file_name(ID, PDF)]


@pytest.mark.parametrize(("value", "state"), [
    ("published", PUBLIC), ("archived", RemoteState.WITHDRAWN), ("draft", RemoteState.DRAFT), ("in_review", RemoteState.DRAFT),
])
def test_a_status_of_the_sites_own_is_no_public_one(value: str, state: RemoteState) -> None:
    assert Options.model_validate(OPTIONS).state_of(value) is state


def test_a_column_that_the_options_do_not_name_is_refused_before_anything_is_sent() -> None:
    client = Answering()
    with pytest.raises(Rejected, match="没有"):
        asyncio.run(adapter(client, columns={"要闻": "yaowen"}).create(post(column="没有"), PUBLIC))
    assert client.asked == []


def test_what_is_told_goes_into_the_fields_that_the_site_named() -> None:
    client = Answering((200, {"data": item()}))
    asyncio.run(adapter(client, columns={"要闻": "yaowen"}).create(post(html="<p>1 &lt; 2</p>"), PUBLIC))
    sent = client.asked[0][3]
    assert (sent["external_id"], sent["published_on"], sent["category"]) == (post().key, "2026-11-27", "yaowen")
    assert (sent["id"], sent["status"], sent["summary"]) == (ID, "published", "1 < 2")


@pytest.mark.parametrize("wrong", [
    {"api_url": "cms.county.example"}, {"page": "/policies"}, {"collection": "a b"}, {"fields": {"key": "a.b"}},
    {"folder": "x"}, {"states": {"public": "draft"}}, {"title_field": ""}, {"fields": {"html": "x"}},
])
def test_options_that_could_not_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate(OPTIONS | wrong)


@pytest.mark.parametrize(("rights", "ok", "media"), [
    ({"policies": allowed("create", "read", "update", "delete"),
      "directus_files": allowed("create", "read")}, True, "endpoint"),
    ({"policies": allowed("create", "read", "update")}, True, "none"),
    ({"policies": {"read": {"access": "full", "fields": ["*"]}}}, False, "none"),
    ({"policies": allowed("create", "read", "update", fields=["id", "title"])}, False, "none"),
])
def test_check_holds_the_rights_against_the_fields(rights: Any, ok: bool, media: str) -> None:
    client = Answering(ME, (200, {"data": rights}), (200, {"data": []}), (200, {"data": {}}))
    report = asyncio.run(adapter(client).check())
    assert report.ok is ok
    assert report.capabilities.media == media
    assert report.capabilities.delete is ("delete" in rights["policies"])
    assert all(method == "GET" for method, *_ in client.asked)


def test_check_names_a_field_that_is_not_there() -> None:
    missing = error("FORBIDDEN", 'You don\'t have permission to access field "summary" in collection "policies".')
    rights = {"policies": allowed("create", "read", "update")}
    report = asyncio.run(adapter(Answering(ME, (200, {"data": rights}), (403, missing), (200, {"data": {}}))).check())
    assert any("summary" in each.detail and each.hint for each in report.items if not each.ok)
