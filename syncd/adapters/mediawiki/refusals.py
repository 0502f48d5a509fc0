"""What MediaWiki means by its refusals: it answers 200 and tells a code (also in the header mediawiki-api-error).

https://www.mediawiki.org/wiki/API:Errors_and_warnings
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.adapters.json_api import Refused, Told, plain
from syncd.errors import AdapterError, AuthFailed, Conflict, NotApplied, NotFound, RateLimited, Rejected, Unknown
from syncd.web.status import retry_after
from syncd.web.urls import redacted

ENDED = frozenset({"badtoken", "assertuserfailed", "assertnameduserfailed", "assertbotfailed", "notloggedin"})
_NO_RIGHT = frozenset({
    "permissiondenied", "cantcreate", "cantcreate-anon", "noedit", "noedit-anon", "writeapidenied", "noapiwrite",
    "readapidenied", "blocked", "autoblocked", "badaccess-groups", "mustbeloggedin", "nocreate-loggedin",
})
_SEALED_OFF = frozenset({
    "protectedpage", "protectedtitle", "protectednamespace", "protectednamespace-interface", "cascadeprotected",
    "cantdelete", "titleprotected",
})
_EXISTS = frozenset({"articleexists", "edit-already-exists"})
"""The second one where two create in the same moment: the database says no."""
_OTHERS = frozenset({"editconflict", "edit-conflict"})
_GONE = frozenset({"missingtitle", "nosuchpageid", "pagedeleted", "edit-gone-missing"})
_TOO_LARGE = frozenset({
    "contenttoobig", "file-too-large", "filetoolarge", "file-toolarge", "toobig", "missingparam", "fileuploaderror",
})
"""missingparam: PHP gives a form that is larger than its post_max_size to nobody, so that MediaWiki misses our token."""
_LATER = frozenset({"maxlag", "readonly", "readonlytext", "publishfailed", "stashfailed", "backend-fail-internal"})
_THIS_PAGE = "blocked from editing this page"
"""apierror-blocked-partial in English, in which all messages are asked for."""
_PAUSE = 60.0
_LARGE = "raise $wgMaxArticleSize, post_max_size or upload_max_filesize of the wiki; then syncd retry"
_BLOCKED = "an administrator has blocked the account from this page or its namespace: let it be unblocked; then syncd retry"
_FIELDS = {"invalidtitle": "title", "missingtitle": "title"}


class NotLoggedIn(AuthFailed):
    """The wiki takes us for nobody. Certainly nothing was done, so that after a fresh log-in the request may go once more."""


def sort(refused: Refused) -> None:
    """404 is the web server's: MediaWiki tells of a page that is not there in an answer 200."""
    if refused.status == 404:
        raise NotApplied("no_api", "there is no api.php at this address", where=refused.where,
                         hint="write the address of api.php into api_url: Special:Version of the wiki tells it")


def checked(told: Told, *, writes: bool) -> Told:
    """An answer without an error; raises the AdapterError that one means."""
    error = told.value.get("error")
    if error is None:
        return told
    raise meant(error if isinstance(error, dict) else {}, told, writes=writes)


def meant(error: Mapping[str, Any], told: Told, *, writes: bool) -> AdapterError:
    """The error of the contract that a code of MediaWiki's means."""
    code, where = str(error.get("code") or ""), redacted(told.answer.url)
    said = f"MediaWiki says {code}: {plain(error.get('info') or '')}"
    if code in ENDED:
        return NotLoggedIn("not_logged_in", said, where=where, hint="check user and password; then syncd check")
    if code == "blocked" and _is_partial(error):
        return Rejected("", "protected", said, where=where, hint=_BLOCKED)
    if code in _NO_RIGHT:
        return AuthFailed("no_right", said, where=where,
                          hint="the account's groups and the bot password's grants must allow it: docs/adapters/mediawiki.md")
    if code in _EXISTS | _OTHERS:
        return Conflict("exists" if code in _EXISTS else "version", said, where=where, hint="look at the page's history")
    if code in _GONE:
        return NotFound("not_found", said, where=where, hint="it is not there any more: was it deleted at the site?")
    if code in _TOO_LARGE | _SEALED_OFF:
        return _of_content(code, said, where)
    return _of_times(code, said, told, where, writes=writes)


def _is_partial(error: Mapping[str, Any]) -> bool:
    """Whether a block is for some pages only: all others can be written. Where the block is not told, the words tell."""
    block = error.get("blockinfo")
    return bool(block.get("blockpartial")) if isinstance(block, dict) else _THIS_PAGE in str(error.get("info") or "")


def _of_content(code: str, said: str, where: str) -> AdapterError:
    if code in _TOO_LARGE:
        return Rejected("", "too_large", said, where=where, hint=_LARGE)
    return Rejected("", "protected", said, where=where, hint="the page is protected: let an administrator unprotect it")


def _of_times(code: str, said: str, told: Told, where: str, *, writes: bool) -> AdapterError:
    asked = retry_after(told.answer)
    if code == "ratelimited":
        return RateLimited(message=said, after=asked or _PAUSE, said=asked is not None, where=where,
                           hint="give the account's group the right noratelimit; it goes on by itself")
    if code in _LATER:
        return NotApplied("unavailable", said, after=asked or 0.0, where=where,
                          hint="the wiki is read-only or behind; it is tried again by itself")
    if code.startswith("internal_api_error") or not code:
        sort = Unknown if writes else NotApplied
        return sort("server_error", said, where=where, hint="the wiki is in trouble; it is looked at before it is repeated")
    return Rejected(_FIELDS.get(code, ""), "refused", said, where=where,
                    hint="look at what the wiki says of it and at this site's options; then syncd retry")
