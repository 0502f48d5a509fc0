"""Wagtail's API v3: its log-in, and what it means by its refusals (RFC 9457, application/problem+json)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from syncd.adapters.json_api import JsonApi, Refused, plain
from syncd.adapters.wagtail.options import Options
from syncd.errors import AdapterError, AuthFailed, Conflict, NotApplied, NotFound, Rejected
from syncd.web.api import Answer, Client

KEY = "syncd_key"
"""The unique field that the mixin adds. wagtail/api/v3/form_data.py: the page's own form refuses a second one."""
FILE = "docs/wagtail/syncd_wagtail.py"
_CONDITIONS = "x-syncd-conditions"
_LOGIN = "check token: an administrator makes one for syncd's account under Settings > API tokens; it may have been revoked"
_RIGHT = "give the account's group what docs/adapters/wagtail.md lists: add, edit and publish below parent"
_MOVED = "an editor may have moved the page where syncd's account has no rights: move it back, or give the account these rights"
_PAGE = re.compile(r"/pages/[0-9]+/")
"""In the address of a write to one page: what is refused there says nothing of all the others."""
_ROUTE = "check api_url: it is where the site's urls.py serves wagtail.api.v3"
_TOO_LARGE = "raise DATA_UPLOAD_MAX_MEMORY_SIZE in the site's settings, and max_request to the same; then syncd retry"
_LOOK = "look at what Wagtail says of it and at this site's options; then syncd retry"


def api_of(client: Client, options: Options, *, if_match: str = "") -> JsonApi:
    """The API of a site, as the account of its options. if_match: the version that a page must have to be written."""
    condition = {"if-match": if_match} if if_match else {}
    sent = {"authorization": f"Bearer {options.token.get_secret_value().strip()}", **condition}
    return JsonApi(client, options.api_url, name="Wagtail", headers=lambda: sent, sort=sort)


def holds_conditions(answer: Answer) -> bool:
    """Whether the site has our middleware, which announces itself on every answer about a page."""
    return answer.header(_CONDITIONS).partition(" ")[0] == "1"


def held(answer: Answer) -> bool:
    """Whether the write that is answered was made under its condition."""
    return answer.header(_CONDITIONS) == "1 held"


def check_size(document: Any, options: Options) -> None:
    """Raises Rejected for more than Django takes: it answers without having read that, and most servers then cut the
    connection before anybody has read the answer."""
    size = len(json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"))
    if size > options.max_request:
        raise Rejected("html", "too_large", f"{size} bytes are more than Wagtail takes ({options.max_request})",
                       where=options.api_url, hint=_TOO_LARGE)


def sort(refused: Refused) -> None:
    """Raises what Wagtail says no to; what it says in no words of its own is left to the status."""
    detail = plain(refused.value.get("detail") or "")
    errors = refused.value.get("errors")
    wrong = [each for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
    said = f"Wagtail answered {refused.status} {_said(detail, wrong)}".strip()
    match refused.status:
        case 401:
            raise AuthFailed("not_logged_in", said, where=refused.where, hint=_LOGIN)
        case 403:
            raise _forbidden(refused, detail, said)
        case 404 if detail:
            raise NotFound("not_found", said, where=refused.where, hint="it is not there any more: was it deleted at the site?")
        case 404:
            raise NotApplied("no_route", said, where=refused.where, hint=_ROUTE)
        case 412:
            raise Conflict("version", said, where=refused.where, hint="compare it with its revisions in Wagtail")
        case 422 if refused.creating and any(_is_taken(each) for each in wrong):
            raise Conflict("exists", said, where=refused.where,
                           hint="it is found by its key, unless an editor moved it to where the account has no rights")
        case 422:
            raise Rejected(_field(wrong), "unprocessable", said, where=refused.where, hint=_LOOK)
        case 400:
            raise Rejected("", "bad_request" if detail else "too_large", said, where=refused.where,
                           hint=_LOOK if detail else _TOO_LARGE)


def _forbidden(refused: Refused, detail: str, said: str) -> AdapterError:
    if "locked" in detail:
        return Conflict("locked", said, where=refused.where, hint="an editor has locked the page: unlock it in Wagtail")
    if detail and refused.writes and _PAGE.search(refused.answer.url):
        return Rejected("", "not_ours_to_edit", said, where=refused.where, hint=_MOVED)
    return AuthFailed("no_right" if detail else "forbidden", said, where=refused.where, hint=_RIGHT)


def _is_taken(error: Mapping[str, Any]) -> bool:
    """The words are in the site's language, the code is not."""
    return error.get("type") == "unique" and _names(error) == KEY


def _field(wrong: Sequence[Mapping[str, Any]]) -> str:
    return _names(wrong[0]) if wrong else ""


def _names(error: Mapping[str, Any]) -> str:
    """The field that an error is about: ["body", "data", "news.NewsPage", "title"] ends with it."""
    place = error.get("loc")
    words = [word for word in place if isinstance(word, str)] if isinstance(place, list) else []
    return words[-1] if words else ""


def _said(detail: str, wrong: Sequence[Mapping[str, Any]]) -> str:
    told = "; ".join(f"{_names(each)}: {each.get('msg', '')}" for each in wrong[:3])
    return plain(f"{detail}: {told}" if told else detail)
