"""What Plone does that no other CMS does, told from the answers of a real one: refusals, moves, namesakes, spelling."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from syncd.adapters import sealed
from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.article import SOMEBODY
from syncd.adapters.credit import Times
from syncd.adapters.plone import Options, PloneAdapter
from syncd.adapters.plone.api import Moved, PloneApi
from syncd.adapters.plone.item import article_of, editor_of, files_of, id_of, respelt, spelt
from syncd.errors import AdapterError, AuthFailed, Conflict, NotApplied, NotFound, Rejected, Unknown
from syncd.model import Post, RemoteRef, RemoteState, WriteResult
from syncd.web.api import Answer
from tests.adapters.plone.recorded import NOW, ROOT, Recorded, answer, item

PUBLIC, DRAFT, WITHDRAWN = RemoteState.PUBLIC, RemoteState.DRAFT, RemoteState.WITHDRAWN
GIVEN: Mapping[str, Any] = {
    "api_url": ROOT, "user": "syncd", "password": "mima", "columns": {"要闻": "/yaowen", "公开": "/zwgk"},
    "files_folder": "/fujian",
}
OPTIONS = Options.model_validate(GIVEN)
API = PloneApi(Recorded({}), OPTIONS)
POST = Post(key="syncd-0123456789", title="关于春耕的通知", html="<p>正文 1 &lt; 2 &amp;&amp; <b>3</b></p>", column="要闻",
            revision=1, source_url="https://www.gov.cn/a?b=1&c=2", origin_name="中国政府网", sent=NOW)
HERE = "/yaowen/syncd-0123456789"
THERE = "/zwgk/syncd-0123456789"
TOO_LONG = "[{'message': '该值太长', 'field': 'title', 'error': 'ValidationError'}]"
MISSING = {"type": "NotFound", "message": "Resource not found"}


def adapter(client: Recorded, **changes: Any) -> PloneAdapter:
    options = Options.model_validate({**GIVEN, **changes})
    return PloneAdapter(SiteConfig("county", "https://www.county.example", options=options), Tools(client, lambda: NOW, None))  # type: ignore[arg-type]


def missing(folder: str) -> Answer:
    return answer(404, {**MISSING, "context": f"{ROOT}{folder}"})


# --- refusals ---------------------------------------------------------------------------------------------------------------


def raised(status: int, body: object, path: str = HERE, *, writes: bool = True, creating: bool = False) -> AdapterError:
    with pytest.raises(AdapterError) as failure:
        API.told(replace(answer(status, body), url=f"{ROOT}{path}"), writes=writes, creating=creating)
    return failure.value


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (401, {"type": "Unauthorized", "message": "You are not authorized to access this resource."}, AuthFailed, "no_right"),
        (400, {"type": "BadRequest", "message": 'The id "s-1" is invalid - it is already in use.'},
         Conflict, "conflict_exists"),
        (400, {"type": "BadRequest", "message": TOO_LONG}, Rejected, "bad_request"),
        (400, {"error": {"type": "WorkflowException", "message": "No workflow provides the '${action_id}' action."}},
         Rejected, "no_transition"),
        (403, {"error": {"type": "Forbidden", "message": "Resource is locked."}}, Conflict, "conflict_locked"),
        (423, {"type": "ResourceLockedError", "message": 'Object "s-1" is locked.'}, Conflict, "conflict_locked"),
        (403, {"error": {"type": "Forbidden", "message": "Invalid '@type' parameter. No content type with the name 'X' found"}},
         Rejected, "no_such_type"),
        (403, {"error": {"type": "Forbidden", "message": "Disallowed subobject type: News Item"}},
         Rejected, "type_not_allowed"),
        (403, {"error": {"type": "Forbidden", "message": "Cannot create News Item"}}, AuthFailed, "no_right"),
        (500, {"type": "ConflictError", "message": "database conflict error (oid 0x5f, class Products.CMFUid)"},
         NotApplied, "database_conflict"),
        (500, {"type": "DeserializationError", "message": "'No JSON object could be decoded'"}, Unknown, "server_error"),
        (500, {"type": "AttributeError", "message": "x"}, Unknown, "server_error"),
        (404, {}, NotApplied, "no_route"),
    ],
)
def test_a_refusal_means_what_plone_means_by_it(status: int, body: object, kind: type[AdapterError], reason: str) -> None:
    error = raised(status, body)
    assert (type(error), error.reason) == (kind, reason)
    assert error.hint


def test_the_field_that_is_refused_is_named() -> None:
    error = raised(400, {"type": "BadRequest", "message": TOO_LONG})
    assert isinstance(error, Rejected)
    assert error.field == "title"


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_no_traceback_and_no_inner_word_of_a_failure_is_told(status: int) -> None:
    said = "x" if status < 500 else "secret row"
    error = raised(status, {"type": "ValueError", "message": said, "traceback": ["secret line 17"], "context": ROOT})
    assert "secret" not in f"{error} {error.hint} {error!r}"


def test_an_item_is_missing_only_in_a_folder_that_is_there() -> None:
    gone = raised(404, {**MISSING, "context": f"{ROOT}/yaowen"}, writes=False)
    no_folder = raised(404, {**MISSING, "context": ROOT}, writes=False)
    told_at_root = raised(404, {**MISSING, "context": None}, writes=False)
    into_nothing = raised(404, {**MISSING, "context": ROOT}, "/nofolder", creating=True)
    assert (type(gone), no_folder.reason, told_at_root.reason) == (NotFound, "no_folder", "no_folder")
    assert (type(into_nothing), into_nothing.reason) == (Rejected, "no_such_folder")


def test_a_redirect_is_a_move_only_where_plone_itself_tells_of_one() -> None:
    moved = answer(302, None, location=f"{ROOT}{THERE}")
    with pytest.raises(Moved) as told:
        API.told(moved, writes=False)
    assert told.value.path == THERE
    with pytest.raises(AuthFailed):
        API.told(answer(302, None, type="text/html", location=f"{ROOT}/login?came_from=x"), writes=False)
    with pytest.raises(Unknown):
        API.told(answer(302, None, location="https://elsewhere.example/other/x"), writes=True)


def test_an_address_below_the_site_is_known_with_and_without_voltos_traverser() -> None:
    volto = PloneApi(Recorded({}), Options.model_validate({**GIVEN, "api_url": "https://www.county.example/++api++/"}))
    assert volto.root == "https://www.county.example/++api++"
    assert volto.below("https://www.county.example/yaowen/x") == "/yaowen/x"
    assert volto.below("https://www.county.example/++api++/yaowen/x") == "/yaowen/x"
    assert API.below(f"{ROOT}/yaowen/x") == "/yaowen/x"
    assert API.below("https://plone.example/countyside/yaowen") == ""
    assert API.below(None) == ""


# --- looks ------------------------------------------------------------------------------------------------------------------


def found(client: Recorded) -> RemoteRef | None:
    return asyncio.run(adapter(client).find(POST.key))


def test_an_item_is_found_in_whatever_column_it_was_made() -> None:
    client = Recorded({f"GET {HERE}": missing("/yaowen"), f"GET {THERE}": answer(200, item(THERE, text=composed()))})
    ref = found(client)
    assert ref is not None
    assert (ref.id, ref.url, ref.state) == (THERE, f"https://www.county.example{THERE}", PUBLIC)
    assert client.asked[0] == "GET /@types", "only an account is answered there"


def test_a_namesake_from_a_folder_above_is_not_the_item() -> None:
    """Acquisition: what lies further up answers below each folder."""
    client = Recorded({f"GET {HERE}": answer(200, item("/syncd-0123456789")), f"GET {THERE}": missing("/zwgk")})
    assert found(client) is None


def test_an_item_that_was_moved_further_up_is_known_by_its_seal() -> None:
    """Plone then tells no redirect, but gives it as it gives a namesake."""
    client = Recorded({f"GET {HERE}": answer(200, item("/syncd-0123456789", text=composed()))})
    ref = found(client)
    assert ref is not None
    assert ref.id == "/syncd-0123456789"


def test_an_item_that_an_editor_moved_is_found_where_it_is_now() -> None:
    moved = "/jiuwen/syncd-0123456789"
    client = Recorded({f"GET {HERE}": answer(302, None, location=f"{ROOT}{moved}"),
                       f"GET {moved}": answer(200, item(moved, text=composed()))})
    ref = found(client)
    assert ref is not None
    assert ref.id == moved


def test_an_item_that_moves_in_circles_is_not_there() -> None:
    circle = answer(302, None, location=f"{ROOT}{HERE}")
    client = Recorded({f"GET {HERE}": circle, f"GET {THERE}": missing("/zwgk")})
    assert found(client) is None


@pytest.mark.parametrize("answered", [missing(""), answer(401, {"type": "Unauthorized", "message": "no"})])
def test_a_folder_that_is_gone_or_hidden_is_not_nothing_there(answered: Answer) -> None:
    with pytest.raises((NotApplied, AuthFailed)):
        found(Recorded({f"GET {HERE}": answered}))


def test_wrong_credentials_are_told_before_anything_is_looked_up() -> None:
    client = Recorded({"GET /@types": answer(401, {"type": "Unauthorized", "message": "Unauthorized()"})})
    with pytest.raises(AuthFailed):
        found(client)
    assert client.asked == ["GET /@types"]


def test_who_changed_an_item_is_asked_only_where_something_differs() -> None:
    ours = Recorded({f"GET {HERE}": answer(200, item(HERE, text=composed()))})
    theirs = Recorded({f"GET {HERE}": answer(200, item(HERE, text="<p>改过</p>")),
                       f"GET {HERE}/@history": answer(200, [entry("bianji"), entry("syncd")])})
    assert asyncio.run(adapter(ours).find(POST.key)).modified_by is None  # type: ignore[union-attr]
    assert asyncio.run(adapter(theirs).find(POST.key)).modified_by == "user bianji"  # type: ignore[union-attr]
    assert f"GET {HERE}/@history" not in ours.asked


def entry(actor: str) -> dict[str, Any]:
    return {"action": "已编辑", "actor": {"id": actor, "fullname": actor, "username": None}, "type": "versioning"}


def test_the_maker_of_an_item_with_our_seal_is_us_whatever_its_account_is_called() -> None:
    history = [entry("7f3a"), entry("bianji"), entry("7f3a")]
    assert editor_of(history, "syncd@county.example", made_by_us=True) == ""
    assert editor_of(history, "syncd@county.example", made_by_us=False) == "user 7f3a"
    assert editor_of([], "syncd", made_by_us=True) is None


@pytest.mark.guarantee(3)
def test_a_text_that_nobody_is_named_for_and_that_is_not_ours_is_an_editors() -> None:
    client = Recorded({f"GET {HERE}": answer(200, item(HERE, text=composed().replace("正文", "改过"))),
                       f"GET {HERE}/@history": answer(200, [])})
    assert asyncio.run(adapter(client).find(POST.key)).modified_by == SOMEBODY  # type: ignore[union-attr]


def test_the_version_is_what_an_update_of_ours_would_write_over() -> None:
    def version(**changes: Any) -> str:
        made = article_of(item(HERE, **changes), HERE, Options.model_validate({**GIVEN, "fields": {"issuer": "jigou"}}), "")
        assert made is not None
        return made.version

    first = version()
    others = [version(title="另"), version(text="<p>另</p>"), version(description="另"), version(review_state="private"),
              version(jigou="某局")]
    assert len({first, *others}) == 6
    assert version(modified="2027-01-01T00:00:00+00:00", subjects=["x"], effective="2030-01-01T00:00:00+00:00") == first


# --- writes -----------------------------------------------------------------------------------------------------------------


def created(client: Recorded, state: RemoteState = PUBLIC, **changes: Any) -> WriteResult:
    return asyncio.run(adapter(client, **changes).create(POST, state))


def stored(client: Recorded, review_state: str = "private") -> dict[str, Any]:
    """As Plone would store what the client was sent."""
    sent = [body for body in client.bodies if "title" in body][-1]
    return item(HERE, title=sent["title"], description=sent["description"], text=html.unescape(sent["text"]["data"]),
                review_state=review_state)


def test_a_post_is_made_and_then_published() -> None:
    client = Recorded({"POST /yaowen": lambda c: answer(201, stored(c)),
                       f"POST {HERE}/@workflow/publish": answer(200, {"action": "publish", "review_state": "published"})})
    made = created(client)
    assert client.asked == ["POST /yaowen", f"POST {HERE}/@workflow/publish"]
    assert (made.ref.state, made.ref.url, made.losses) == (PUBLIC, f"https://www.county.example{HERE}", ())
    assert (client.bodies[0]["id"], client.bodies[0]["@type"]) == ("syncd-0123456789", "News Item")


def test_a_draft_is_not_published_and_has_no_address() -> None:
    client = Recorded({"POST /yaowen": lambda c: answer(201, stored(c))})
    made = created(client, DRAFT)
    assert (made.ref.state, made.ref.url, client.asked) == (DRAFT, "", ["POST /yaowen"])


def test_what_waits_for_an_editor_after_its_transition_is_told() -> None:
    client = Recorded({"POST /yaowen": lambda c: answer(201, stored(c)),
                       f"POST {HERE}/@workflow/submit": answer(200, {"action": "submit", "review_state": "pending"})})
    made = created(client, publish="submit")
    assert made.ref.state is DRAFT
    assert any("unpublished" in loss for loss in made.losses)


def test_a_transition_that_passes_for_another_does_not_publish() -> None:
    """Plone answers 200 to a step that leads where an item is already, and tells the last one that was made."""
    client = Recorded({"POST /yaowen": lambda c: answer(201, stored(c)), f"POST {HERE}/@workflow/publish": answer(200, {})})
    with pytest.raises(Unknown):
        created(client)


@pytest.mark.guarantee(3)
@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
def test_what_was_written_and_could_not_be_published_is_in_doubt_and_not_undone(status: int) -> None:
    client = Recorded({"POST /yaowen": lambda c: answer(201, stored(c)), f"POST {HERE}/@workflow/publish": answer(status, {})})
    with pytest.raises(Unknown):
        created(client)
    change = Recorded({f"GET {HERE}": answer(200, item(HERE, text=composed(), review_state="private")),
                       f"GET {HERE}/@history": answer(200, [entry("syncd")]),
                       f"PATCH {HERE}": lambda c: answer(200, stored(c)),
                       f"POST {HERE}/@workflow/publish": answer(status, {})})
    post = replace(POST, html="<p>第二版</p>")
    with pytest.raises(Unknown):
        asyncio.run(adapter(change).update(RemoteRef(HERE), post, PUBLIC, None))


@pytest.mark.guarantee(2)
def test_an_item_of_our_id_with_another_posts_seal_is_not_ours() -> None:
    other = composed().replace(POST.key, "syncd-9999999999")
    client = Recorded({f"GET {HERE}": answer(200, item(HERE, text=other)), f"GET {HERE}/@history": answer(200, []),
                       f"GET {THERE}": missing("/zwgk")})
    assert asyncio.run(adapter(client).find(POST.key)) is None


@pytest.mark.guarantee(4)
def test_a_text_without_our_seal_is_withdrawn_too_and_stays_found() -> None:
    theirs = {f"GET {HERE}": answer(200, item(HERE, text="<p>改过</p>")),
              f"GET {HERE}/@history": answer(200, [entry("bianji"), entry("syncd")])}
    client = Recorded({**theirs, f"PATCH {HERE}": lambda c: answer(200, stored(c, "published"))})
    result = asyncio.run(adapter(client).withdraw(RemoteRef(HERE), "notice"))
    assert (result.ref.state, result.ref.id) == (WITHDRAWN, HERE)
    after = Recorded({f"GET {HERE}": answer(200, stored(client, "published"))})
    assert asyncio.run(adapter(after).find(POST.key)).state is WITHDRAWN  # type: ignore[union-attr]


def test_a_workflow_that_publishes_at_once_has_no_drafts() -> None:
    client = Recorded({"POST /yaowen": lambda c: answer(201, stored(c, "published")), f"DELETE {HERE}": answer(204, None)})
    with pytest.raises(Rejected) as refused:
        created(client, DRAFT)
    assert refused.value.reason == "no_drafts"
    assert client.asked[-1] == f"DELETE {HERE}"
    left = Recorded({"POST /yaowen": lambda c: answer(201, stored(c, "published")), f"DELETE {HERE}": answer(503, {})})
    with pytest.raises(Unknown):
        created(left, DRAFT)
    with pytest.raises(Rejected):
        created(Recorded({}), DRAFT, publish="")


def test_a_column_without_a_folder_is_refused_before_anything_is_sent() -> None:
    client = Recorded({})
    with pytest.raises(Rejected) as refused:
        asyncio.run(adapter(client).create(replace(POST, column="没有"), PUBLIC))
    assert (refused.value.reason, client.asked) == ("no_such_column", [])


def test_a_field_that_plone_passes_over_is_a_loss() -> None:
    client = Recorded({"POST /yaowen": lambda c: answer(201, stored(c, "published"))})
    made = created(client, fields={"origin_name": "laiyuan"})
    assert client.bodies[0]["laiyuan"] == "中国政府网"
    assert any("laiyuan" in loss for loss in made.losses)


def test_what_the_filter_dropped_is_a_loss() -> None:
    def filtered(client: Recorded) -> Answer:
        told = stored(client, "published")
        told["text"]["data"] = told["text"]["data"].replace("<b>3</b>", "3")
        return answer(201, told)

    made = created(Recorded({"POST /yaowen": filtered}))
    assert any("dropped b" in loss for loss in made.losses)


def test_an_update_that_only_publishes_tells_no_loss_of_a_text_that_it_did_not_send() -> None:
    """What a lost publication leaves: its text names the minute of the create."""
    there = {f"GET {HERE}": answer(200, item(HERE, text=html.unescape(spelt(composed())), review_state="private")),
             f"GET {HERE}/@history": answer(200, [entry("syncd")]),
             f"POST {HERE}/@workflow/publish": answer(200, {"review_state": "published"})}
    client = Recorded({**there, f"PATCH {HERE}": lambda c: answer(200, stored(c))})
    later = replace(POST, sent=NOW + timedelta(minutes=5))
    plone = adapter(client)
    first = asyncio.run(plone.update(RemoteRef(HERE), later, PUBLIC, None))
    assert f"PATCH {HERE}" in client.asked, "the summary is not there yet"
    client = Recorded({**there, f"GET {HERE}": answer(200, {**stored(client), "review_state": "private"})})
    done = asyncio.run(adapter(client).update(RemoteRef(HERE), replace(later, sent=NOW + timedelta(minutes=9)), PUBLIC, None))
    assert f"PATCH {HERE}" not in client.asked
    assert (first.losses, done.losses, done.ref.state) == ((), (), PUBLIC)


def test_what_was_locked_by_an_editor_is_tried_again() -> None:
    locked = answer(403, {"error": {"type": "Forbidden", "message": "Resource is locked."}})
    client = Recorded({f"GET {HERE}": answer(200, item(HERE, text=composed())), f"PATCH {HERE}": locked})
    with pytest.raises(Conflict) as refused:
        asyncio.run(adapter(client).update(RemoteRef(HERE), replace(POST, html="<p>二</p>"), PUBLIC, None))
    assert refused.value.kind == "locked"


# --- spelling ---------------------------------------------------------------------------------------------------------------


def composed() -> str:
    return sealed.compose(POST, {}, (), Times(datetime.now(UTC).astimezone().tzinfo, NOW))  # type: ignore[arg-type]


def test_the_seal_outlives_the_filter_and_the_unescaping_of_plone() -> None:
    written = composed()
    kept = html.unescape(spelt(written))  # plone.restapi unescapes once
    assert "data-" not in kept, "safe_html drops data-* attributes"
    assert "1 &lt; 2 &amp;&amp; <b>" in kept
    assert respelt(kept) == written
    opened = sealed.open_page(respelt(kept), POST.title)
    assert (opened.key, opened.whole, opened.source) == (POST.key, True, POST.source_url)
    notice = sealed.compose_notice(POST.key, POST.title, "zh", POST.source_url, Times(None, NOW))  # type: ignore[arg-type]
    assert respelt(html.unescape(spelt(notice))) == notice


@pytest.mark.parametrize(
    "text", ["&lt;script&gt;alert(1)&lt;/script&gt;", "&amp;amp; &amp;lt; &#169; &copy &", "a&notit;b &AMP; x"],
)
def test_escaped_text_stays_text(text: str) -> None:
    assert html.unescape(spelt(text)) == text


@pytest.mark.parametrize(
    ("key", "id"),
    [("syncd-0123456789", "syncd-0123456789"), ("title", None), ("index_html", None), ("中文-1", None), ("_x", None),
     ("A-b", None), ("x" * 80 + "-1", None), ("a-b\n", None)],
)
def test_an_id_is_the_key_where_it_can_be(key: str, id: str | None) -> None:
    made = id_of(key)
    assert made == id if id else made.startswith("syncd-")
    assert made.isascii()
    assert "\n" not in made


def test_files_are_ours_by_the_beginning_of_their_ids() -> None:
    site = "https://www.county.example"
    text = (f'<p><img src="{site}/fujian/syncd-0123456789-a.png/@@images/image"><a href="{site}/fujian/other-1-b.pdf">b</a>'
            f'<a href="{site}/fujian/syncd-0123456789-c.pdf/@@download/file">c</a></p>')
    files = files_of(text, HERE, OPTIONS, site)
    assert [file.id for file in files] == ["/fujian/syncd-0123456789-a.png", "/fujian/syncd-0123456789-c.pdf"]
    assert files_of(text, HERE, Options.model_validate({**GIVEN, "files_folder": ""}), site) == ()


# --- options ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [{"api_url": "county"}, {"api_url": "https://u:p@x.example"}, {"user": "a:b"}, {"columns": {}},
     {"columns": {"要闻": "yaowen"}}, {"columns": {"要闻": "/要闻"}}, {"columns": {"要闻": "/a/"}},
     {"files_folder": "fujian"}, {"fields": {"issuer": "a b"}},
     {"withdraw": "unpublish"}, {"publish": "a/b"}],
)
def test_a_wrong_option_is_told(wrong: Mapping[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate({**GIVEN, **wrong})


# --- check ------------------------------------------------------------------------------------------------------------------

TYPES = answer(200, [{"id": "News Item", "addable": True}, {"id": "File", "addable": True}, {"id": "Image", "addable": True}])
SCHEMA = answer(200, {"properties": {"title": {}, "text": {}}}, type="application/json+schema")


def well(**changes: Any) -> Recorded:
    answers: dict[str, Any] = {"GET /@breadcrumbs": answer(200, {"root": ROOT, "items": []}), "GET /@types": TYPES}
    for folder in ("/yaowen", "/zwgk", "/fujian"):
        answers |= {f"GET {folder}/@breadcrumbs": answer(200, {"items": [{"@id": f"{ROOT}{folder}"}]}),
                    f"GET {folder}/@types": TYPES, f"GET {folder}/@types/News%20Item": SCHEMA}
    return Recorded({**answers, **changes})


def test_all_is_well() -> None:
    report = asyncio.run(adapter(well()).check())
    assert report.ok, report.items
    assert {item.name for item in report.items} >= {"reach", "login", "column 要闻", "column 公开", "files"}


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"GET /@breadcrumbs": answer(200, {"hello": 1})}, "reach"),
        ({"GET /@breadcrumbs": answer(200, None, type="text/html")}, "reach"),
        ({"GET /@types": answer(401, {"type": "Unauthorized", "message": "x"})}, "login"),
        ({"GET /yaowen/@breadcrumbs": answer(200, {"items": [{"@id": f"{ROOT}/a/yaowen"}]})}, "column 要闻"),
        ({"GET /yaowen/@types": answer(200, [{"id": "News Item", "addable": False}])}, "column 要闻"),
        ({"GET /yaowen/@types": answer(200, [])}, "column 要闻"),
        ({"GET /yaowen/@types/News%20Item": answer(200, {"properties": {"title": {}}}, type="application/json+schema")},
         "column 要闻"),
        ({"GET /fujian/@types": answer(200, [{"id": "File", "addable": True}])}, "files"),
        ({"GET /fujian/@breadcrumbs": answer(404, {**MISSING, "context": ROOT})}, "files"),
    ],
)
def test_what_is_not_well_says_what_to_do(changes: Mapping[str, Any], name: str) -> None:
    report = asyncio.run(adapter(well(**changes)).check())
    assert [(item.name, bool(item.hint)) for item in report.items if not item.ok] == [(name, True)]
