"""What answers mean: rules first, then HTTP; what is no proof of anything leaves a write in doubt and a look undone."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.app.build import _addresses, outgoing
from syncd.config import SiteTable, parse
from syncd.errors import AdapterError, AuthFailed, Conflict, NotApplied, NotFound, RateLimited, Rejected, Unknown
from syncd.model import RemoteRef, RemoteState, Wrote
from tests.adapters.http.desk import desk
from tests.adapters.http.kit import Ground, options_of, played, post

JSON, HTML = "application/json", "text/html; charset=utf-8"
Reply = tuple[int, dict[str, str], bytes]
LOGIN = '<html><input type="password" name="p"></html>'
RULES = """
[[answers]]
means = "done"
on = ["create", "update"]
when = "code == `0`"
[[answers]]
means = "exists"
when = "code == `1`"
[[answers]]
means = "changed"
when = "code == `2`"
[[answers]]
means = "locked"
when = "code == `3`"
[[answers]]
means = "missing"
when = "code == `4`"
[[answers]]
means = "refused"
when = "code == `5`"
field = "title"
hint = "mend the title"
[[answers]]
means = "throttled"
when = "code == `6`"
after = 33
[[answers]]
means = "busy"
status = [500, 503]
contains = "database is locked"
after = 9
[[answers]]
means = "forbidden"
when = "code == `8`"
[[answers]]
means = "done"
on = ["create"]
status = 302
location = "/saved"
answer = "html"
"""


def site(*, auth: str = "auth = {}", **changes: Any) -> Ground:
    """A CMS that answers what the test says: `says` of its network."""
    rules = options_of(RULES)["answers"]
    bare = {"unique": "none", "conditional": "none", "read": None, "find": None, "account": ("",), "message": "error"}
    create = {"url": "/save", "json": {"title": "{{ title }}"}, "fields": {"id": "id"}}
    options = desk(auth=options_of(auth)["auth"], answers=rules, create=create)
    return Ground(lambda *asked: (200, {"content-type": JSON}, b"{}"), options | bare | changes)


def says(ground: Ground, status: int, body: str, kind: str = JSON, **headers: str) -> None:
    told = {"content-type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}}
    ground.net.says = lambda method, url: (status, told, body.encode())


async def error_of(ground: Ground) -> AdapterError:
    with pytest.raises(AdapterError) as raised:
        await ground.adapter().create(post(), RemoteState.PUBLIC)
    return raised.value


@pytest.mark.parametrize(
    ("status", "body", "error", "reason"),
    [
        (200, '{"code": 1}', Conflict, "conflict_exists"), (200, '{"code": 2}', Conflict, "conflict_version"),
        (200, '{"code": 3}', Conflict, "conflict_locked"), (200, '{"code": 4}', NotFound, "not_found"),
        (200, '{"code": 5}', Rejected, "refused"), (200, '{"code": 6}', RateLimited, "rate_limited"),
        (500, '{"error": "database is locked"}', NotApplied, "busy"), (200, '{"code": 8}', AuthFailed, "forbidden"),
        (200, '{"code": 99}', Unknown, "odd_answer"), (200, "{}", Unknown, "odd_answer"), (200, "[]", Unknown, "odd_answer"),
        (200, '{"code": "0"}', Unknown, "odd_answer"), (200, "<html>WAF</html>", Unknown, "odd_answer"),
        (200, "", Unknown, "odd_answer"), (204, "", Unknown, "odd_answer"), (302, "", Unknown, "redirected"),
        (500, '{"code": 0, "id": 1}', None, ""), (500, "{}", Unknown, "server_error"), (502, "", Unknown, "server_error"),
        (404, "{}", NotApplied, "no_such_page"), (404, "<html>404</html>", NotApplied, "no_such_page"),
        (401, "{}", AuthFailed, "unauthorized"), (403, "{}", AuthFailed, "forbidden"), (409, "{}", Conflict, "conflict_exists"),
        (412, "{}", Conflict, "conflict_version"), (423, "{}", Conflict, "conflict_locked"),
        (429, "{}", RateLimited, "rate_limited"),
        (400, "{}", Rejected, "bad_request"), (413, "{}", Rejected, "too_large"), (422, "{}", Rejected, "unprocessable"),
    ],
)
@played
async def test_each_answer_to_a_write_is_told_as_what_to_do(
    status: int, body: str, error: type[AdapterError] | None, reason: str) -> None:
    ground = site()
    says(ground, status, body)
    if error is None:
        assert (await ground.adapter().create(post(), RemoteState.PUBLIC)).outcome is Wrote.CREATED
        return
    raised = await error_of(ground)
    assert (type(raised), raised.reason) == (error, reason)
    assert raised.hint
    assert "options.create" in raised.where


@played
async def test_a_rule_says_field_hint_and_pause() -> None:
    ground = site()
    says(ground, 200, '{"code": 5, "error": "标题过长"}')
    refused = await error_of(ground)
    assert isinstance(refused, Rejected)
    assert (refused.field, refused.hint) == ("title", "mend the title")
    assert "标题过长" in refused.message
    says(ground, 200, '{"code": 6}')
    limited = await error_of(ground)
    assert isinstance(limited, RateLimited)
    assert (limited.after, limited.said) == (33.0, False)
    says(ground, 200, '{"code": 6}', retry_after="7")
    limited = await error_of(ground)
    assert isinstance(limited, RateLimited)
    assert (limited.after, limited.said) == (7.0, True)


@played
async def test_what_the_cms_says_is_told_without_secrets_and_short() -> None:
    ground = site(auth='auth = { kind = "bearer", token = { env = "x" } }')
    says(ground, 400, '{"error": "token 口令secret1 is ' + "x" * 500 + '\\nend"}')
    told = str(await error_of(ground))
    assert "口令secret1" not in told
    assert "[hidden]" in told
    assert len(told) < 500
    assert "\n" not in told


@pytest.mark.parametrize(("location", "error"), [("/saved?id=7", None), ("/elsewhere", Unknown), ("/login", AuthFailed)])
@played
async def test_a_redirect_after_a_form_is_done_only_where_the_options_say_so(
    location: str, error: type[AdapterError] | None) -> None:
    create = {"url": "/save", "form": {"t": "{{ title }}"}, "answer": "html",
              "fields": {"id": {"header": "location", "take": "id=(\\d+)"}}}
    ground = site(create=create)
    says(ground, 302, "", HTML, location=location)
    if error is None:
        made = await ground.adapter().create(post(), RemoteState.PUBLIC)
        assert made.ref.id == "7"
    else:
        assert type(await error_of(ground)) is error
    assert ground.net.asked == ["POST http://county.example/save"], "a redirect of a write is never followed"


@played
async def test_an_answer_that_says_done_and_tells_no_id_is_in_doubt() -> None:
    ground = site()
    says(ground, 200, '{"code": 0}')
    assert isinstance(await error_of(ground), Unknown)


@pytest.mark.parametrize(
    "body", ["<html><body>维护中", "<html><title>您的请求已被拦截</title><body>x</body></html>", "", LOGIN])
@played
async def test_a_list_that_does_not_show_what_every_list_shows_is_no_empty_list(body: str) -> None:
    fields = {"id": "a@href", "key": "b"}
    find = {"url": "/list", "answer": "html", "shows": "ul.list", "rows": "ul.list li", "fields": fields}
    ground = site(find=find)
    says(ground, 200, body, HTML)
    with pytest.raises(NotApplied):
        await ground.adapter().find("k")
    says(ground, 200, "<html><ul class=list></ul></html>", HTML)
    assert await ground.adapter().find("k") is None


@pytest.mark.parametrize("body", ["{}", '{"posts": null}', '{"error": "x"}', "[]"])
@played
async def test_json_without_the_list_is_no_empty_list(body: str) -> None:
    ground = site(find={"url": "/list", "rows": "posts", "fields": {"id": "id", "key": "key"}})
    says(ground, 200, body)
    with pytest.raises(NotApplied):
        await ground.adapter().find("k")
    says(ground, 200, '{"posts": []}')
    assert await ground.adapter().find("k") is None


@played
async def test_a_cms_that_ignores_the_key_is_found_out_by_the_check_and_never_believed() -> None:
    """As Wagtail does with a field that it does not know: all posts come back."""
    ground = site(find={"url": "/list", "rows": "posts", "fields": {"id": "id", "key": "key"}})
    says(ground, 200, '{"posts": [{"id": 1, "key": "other"}, {"id": 2, "key": "syncd-1a2b-2"}]}')
    assert await ground.adapter().find("syncd-1a2b") is None
    wrong = site(find={"url": "/list", "rows": "posts", "fields": {"id": "id", "key": {"made": "{{ key }}"}}})
    says(wrong, 200, '{"posts": [{"id": 1}]}')
    report = await wrong.adapter().check()
    (item,) = [item for item in report.items if item.name == "find"]
    assert not item.ok
    assert "nobody's key" in item.detail


@played
async def test_a_state_that_the_options_do_not_know_stops_the_call() -> None:
    read = {"url": "/read/{{ id }}", "fields": {"title": "t", "html": "h", "state": "s"}}
    ground = site(read=read, states={"public": "1"})
    says(ground, 200, '{"t": "x", "h": "y", "s": 2}')
    with pytest.raises(NotApplied) as refused:
        await ground.adapter().read(RemoteRef("1"))
    assert (refused.value.reason, "'2'" in refused.value.message) == ("unknown_state", True)


@played
async def test_a_read_that_shows_no_title_is_not_the_post() -> None:
    read = {"url": "/read/{{ id }}", "answer": "html", "fields": {"title": "h1", "html": ".text"}}
    ground = site(read=read)
    says(ground, 200, "<html><body>维护中</body></html>", HTML)
    with pytest.raises(NotApplied):
        await ground.adapter().read(RemoteRef("1"))


@played
async def test_a_get_that_writes_is_in_doubt_when_its_answer_is_lost() -> None:
    ground = site(withdraw={"delete": {"url": "/delete.do", "method": "GET", "query": {"id": "{{ id }}"}, "fields": {}}})
    for fault, error in (("lost_after", Unknown), ("lost_before", Unknown), ("refused", NotApplied)):
        ground.net.strike(fault)
        with pytest.raises(error):
            await ground.adapter().withdraw(RemoteRef("1"), "delete", None)


@played
async def test_xml_with_entities_of_its_own_is_not_read() -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb">]><a><id>&b;</id></a>'
    ground = site(create={"url": "/x", "xml": "<a/>", "answer": "xml", "fields": {"id": "./id"}}, answers=(), message=None)
    says(ground, 200, bomb, "text/xml")
    assert isinstance(await error_of(ground), Unknown)
    says(ground, 200, "<a><id>7</id></a>", "text/xml")
    assert (await ground.adapter().create(post(), RemoteState.PUBLIC)).ref.id == "7"


@played
async def test_a_soap_fault_with_500_is_a_refusal_where_the_options_say_so() -> None:
    soap = ('<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>')
    create = {"url": "/Article.asmx", "headers": {"SOAPAction": '"urn:Create"'}, "content_type": "text/xml; charset=utf-8",
              "xml": soap.format("<Create><title>{{ title }}</title></Create>"), "answer": "xml",
              "fields": {"id": ".//{*}CreateResult"}}
    rule = {"means": "refused", "status": 500, "answer": "xml", "when": ".//{*}Fault"}
    ground = site(create=create, answers=(rule,), message=None)
    says(ground, 500, soap.format("<s:Fault><faultstring>x</faultstring></s:Fault>"), "text/xml")
    assert isinstance(await error_of(ground), Rejected)
    says(ground, 200, soap.format('<r xmlns="urn:x"><CreateResult>12</CreateResult></r>'), "text/xml")
    assert (await ground.adapter().create(post(), RemoteState.PUBLIC)).ref.id == "12"


@played
async def test_too_long_a_title_or_text_waits_for_a_person_before_anything_is_sent() -> None:
    ground = site(max_title=5, max_body=20)
    for changes in ({"title": "六个字的标题"}, {"title": "短", "html": "<p>" + "长" * 20 + "</p>"}):
        with pytest.raises(Rejected):
            await ground.adapter().create(post(**changes), RemoteState.PUBLIC)
    assert ground.net.asked == []


@played
async def test_a_column_that_the_options_do_not_name_waits_for_a_person() -> None:
    ground = site(columns={"要闻": 3})
    refused = await error_of(ground)
    assert (refused.reason, "国务院文件" in refused.hint) == ("no_such_column", True)


@played
async def test_what_was_not_declared_is_refused_with_what_to_do() -> None:
    ground = site(update=None, withdraw={})
    adapter = ground.adapter()
    for call in (lambda: adapter.update(RemoteRef("1"), post(), RemoteState.PUBLIC, None),
                 lambda: adapter.withdraw(RemoteRef("1"), "delete", None)):
        with pytest.raises(Rejected) as refused:
            await call()
        assert "declare it" in refused.value.hint


@played
async def test_what_is_already_so_is_a_withdrawal_only() -> None:
    rule = {"means": "already", "when": "code == `9`"}
    withdraw = {"unpublish": {"url": "/off", "json": {"id": "{{ id }}"}, "fields": {}}}
    ground = site(answers=(rule,), withdraw=withdraw)
    says(ground, 200, '{"code": 9, "id": 1}')
    assert (await ground.adapter().create(post(), RemoteState.PUBLIC)).outcome is Wrote.CREATED
    gone = await ground.adapter().withdraw(RemoteRef("1"), "unpublish", None)
    assert (gone.outcome, gone.ref.state) == (Wrote.ALREADY, RemoteState.WITHDRAWN)


# What a declared CMS may be reached by

CONFIG = """
[[sites]]
name = "county"
adapter = "http"
public_url = "https://www.county.example"
[sites.options]
api_url = "https://cms.county.example:8443"
address = "/{{ id }}"
auth = { kind = "oauth2", token_url = "https://10.0.0.7:9000/token", client_id = "x", client_secret = { env = "SECRET" } }
check = { url = "https://{{ site_name }}.evil.example/x", headers = { SOAPAction = "http://tempuri.org/Create" } }
create = { url = "/x", fields = { id = "id" } }
"""


def test_the_token_server_may_be_private_and_is_told_to_the_firewalls_owner(tmp_path: Any) -> None:
    config = parse(CONFIG, where="x", base=tmp_path, environ={"SECRET": "long-enough"})
    table: SiteTable = config.sites[0]
    from syncd.adapters.http import Options

    found = set(_addresses(table, Options.model_validate(table.options)))
    assert found == {("www.county.example", 443), ("cms.county.example", 8443), ("10.0.0.7", 9000)}
    assert {row["host"] for row in outgoing(config)} == {"www.county.example", "cms.county.example", "10.0.0.7"}


# Whether a post is gone

GATEWAY = '{"message": "no Route matched with those values"}'
GONE = {"means": "missing", "status": 404, "when": "error == 'no_post'"}


def single(**changes: Any) -> Ground:
    """A look-up, a read and a withdrawal of one post by its address."""
    fields = {"id": "id", "key": "key", "title": "title", "html": "html"}
    return site(**{"find": {"url": "/by/{{ key }}", "fields": fields}, "read": {"url": "/read/{{ id }}", "fields": fields},
                   "withdraw": {"delete": {"url": "/delete/{{ id }}", "fields": {}}}, "answers": (GONE,)} | changes)


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("rules", [(), (GONE,)])
@pytest.mark.parametrize("body", [GATEWAY, "{}"])
@played
async def test_a_404_that_does_not_say_so_is_no_proof_that_a_post_is_gone(status: int, rules: Any, body: str) -> None:
    for read in ({"read": None}, {}):
        ground = single(answers=rules, **read)
        says(ground, status, body)
        adapter = ground.adapter()
        looks = [lambda a=adapter: a.find("k"), lambda a=adapter: a.withdraw(RemoteRef("1"), "delete", None)]
        for call in looks if read else [*looks, lambda a=adapter: a.read(RemoteRef("1"))]:
            with pytest.raises(NotApplied) as raised:
                await call()
            assert "missing" in raised.value.hint


@played
async def test_a_404_that_says_so_by_a_rule_is_a_post_that_is_gone() -> None:
    ground = single()
    says(ground, 404, '{"error": "no_post"}')
    adapter = ground.adapter()
    assert await adapter.find("k") is None
    assert (await adapter.withdraw(RemoteRef("1"), "delete", None)).outcome is Wrote.ALREADY
    with pytest.raises(NotFound):
        await adapter.read(RemoteRef("1"))


@pytest.mark.parametrize(
    ("rules", "told"),
    [((), "no rule of answers says that a post is gone"), (({"means": "missing", "status": 404},), "by its status alone"),
     ((GONE,), "")],
)
@played
async def test_the_check_says_where_a_missing_post_is_not_known_well(rules: Any, told: str) -> None:
    ground = single(answers=rules)
    says(ground, 404, '{"error": "no_post"}')
    items = [item.detail for item in (await ground.adapter().check()).items if item.name == "gone"]
    assert (told in items[0]) if told else not items


# Which requests of a write may have written


@pytest.mark.parametrize("looks", [True, False])
@played
async def test_a_get_that_is_not_the_last_request_of_a_write_is_in_doubt_unless_it_looks(looks: bool) -> None:
    first = {"url": "/lock.do", "method": "GET", "fields": {}, "looks": looks}
    ground = site(withdraw={"delete": [first, {"url": "/delete.do", "fields": {}}]}, answers=())
    error = NotApplied if looks else Unknown
    for fault in ("lost_after", "lost_before", "cut_answer", "bad_gateway"):
        ground.net.strike(fault, on=lambda method, url: "lock" in url)
        with pytest.raises(error):
            await ground.adapter().withdraw(RemoteRef("1"), "delete", None)
    ground.net.strike("limited", on=lambda method, url: "delete" in url)
    with pytest.raises(RateLimited if looks else Unknown):
        await ground.adapter().withdraw(RemoteRef("1"), "delete", None)


@pytest.mark.parametrize("find", [None, {"url": "/list", "rows": "posts", "fields": {"id": "id", "key": "key"}}])
@pytest.mark.parametrize("reads", [True, False])
@played
async def test_the_check_says_that_any_edit_is_overwritten_where_nothing_is_compared(find: Any, reads: bool) -> None:
    read = {"url": "/read/{{ id }}", "fields": {"title": "t", "html": "h"}} if reads else None
    report = await site(find=find, read=read).adapter().check()
    (item,) = [item for item in report.items if item.name == "class"]
    assert ("ANY edit" in item.detail) == (not reads)
    assert ("at the moment of an update" in item.detail) == (reads and find is not None)
