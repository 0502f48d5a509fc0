"""One wiki as one bot: the log-in with cookies and token, renewed when it has ended, and the calls of the action API.

https://www.mediawiki.org/wiki/API:Login, API:Tokens, API:Assert, Manual:Maxlag_parameter
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from syncd.adapters.cookies import Jar
from syncd.adapters.json_api import JsonApi, Told, plain
from syncd.adapters.mediawiki.options import Options
from syncd.adapters.mediawiki.refusals import NotLoggedIn, checked, sort
from syncd.adapters.multipart import File, multipart
from syncd.errors import AdapterError, AuthFailed, NotApplied, RateLimited
from syncd.web.api import Client

_FORM = {"format": "json", "formatversion": "2", "uselang": "en"}
_LAG = "5"
"""Seconds by which replicas may be behind before a write is put off, as MediaWiki advises."""
_MANY = "too many"
_LOST = "session most likely timed out"
"""The wiki kept no session from the token to the log-in, which it tells as Failed, too (authpage-cannot-login-continue)."""
_THROTTLED = 300.0
"""Seconds for which a log-in rests after too many ($wgPasswordAttemptThrottle)."""
_RENEWALS = 2
"""Log-ins at most for one call: the session of the first may end, too, before the call is repeated."""
_CHECK = "make a bot password at Special:BotPasswords, write it into user and password; then syncd check"


@dataclass(frozen=True)
class Session:
    """What the wiki told at log-in. general: siteinfo. endings: of files that it takes of us; empty for none.
    jar: its cookies; what is answered late to a session that has ended changes those of no other."""

    number: int
    name: str
    token: str
    rights: frozenset[str]
    general: Mapping[str, Any]
    endings: frozenset[str]
    told: Told
    jar: Jar

    def __repr__(self) -> str:
        return f"Session({self.number}, {self.name!r})"


class Wiki:
    """Every failure is an AdapterError; none of them holds a secret."""

    def __init__(self, client: Client, options: Options, now: Callable[[], datetime]) -> None:
        self._client, self._options, self._now = client, options, now
        self._session: Session | None = None
        self._count = 0
        self._lock = asyncio.Lock()

    async def siteinfo(self) -> Told:
        """What anybody is told of the wiki."""
        jar = self._session.jar if self._session else Jar(self._now)
        return await self._ask(jar, {"action": "query", "meta": "siteinfo"})

    async def get(self, **query: str) -> Mapping[str, Any]:
        """Read. Raises NotApplied for whatever says nothing; what is not there is told in the answer."""
        return (await self._as_ourselves(lambda session: self._ask(session.jar, {**query, "assertuser": session.name}))).value

    async def post(self, action: str, fields: Mapping[str, str], file: File | None = None) -> Mapping[str, Any]:
        """Write; what came of it. Raises Unknown for whatever leaves open if it was done, Conflict, NotFound, Rejected."""

        async def once(session: Session) -> Told:
            query = {"action": action, "assertuser": session.name, "maxlag": _LAG}
            told = await self._write(session.jar, query, {**fields, "token": session.token}, file)
            if not isinstance(told.value.get(action), dict):
                raise self._api(session.jar).garbled(told.answer, writes=True)
            return told

        done: Mapping[str, Any] = (await self._as_ourselves(once)).value[action]
        return done

    async def opened(self) -> Session:
        """Make sure of a session. Raises AdapterError, never Unknown: a log-in changes nothing."""
        async with self._lock:
            return self._session or await self._open()

    async def _as_ourselves(self, call: Callable[[Session], Awaitable[Told]]) -> Told:
        """Again after a fresh log-in where the wiki says that the session has ended: then it has done nothing."""
        session = await self.opened()
        for _ in range(_RENEWALS):
            try:
                return await call(session)
            except NotLoggedIn:
                session = await self._again(session.number)
        return await call(session)

    async def _again(self, ended: int) -> Session:
        """A fresh session in the place of one that has ended, unless somebody else has made one by now."""
        async with self._lock:
            if self._session is not None and self._session.number != ended:
                return self._session
            return await self._open()

    async def _open(self) -> Session:
        self._session = None
        try:
            jar = Jar(self._now)
            session = await self._introduced(jar, await self._log_in(jar))
        except NotLoggedIn as error:
            raise AuthFailed("not_logged_in", f"the log-in did not last: {error.message}", hint=_CHECK) from None
        except (AuthFailed, RateLimited, NotApplied):
            raise
        except AdapterError as error:
            raise NotApplied("no_login", f"the log-in: {error.message}", where=error.where,
                             hint="check api_url; the log-in is tried again by itself") from None
        self._session = session
        return session

    async def _log_in(self, jar: Jar) -> str:
        """The account's name."""
        told = await self._ask(jar, {"action": "query", "meta": "tokens", "type": "login"})
        token = _at(told.value, "query", "tokens", "logintoken")
        secret = self._options.password.get_secret_value()
        fields = {"lgname": self._options.user, "lgpassword": secret, "lgtoken": str(token or "")}
        login = (await self._write(jar, {"action": "login"}, fields, None)).value.get("login")
        result = login if isinstance(login, dict) else {}
        if result.get("result") == "Success":
            return str(result.get("lgusername") or "")
        reason = plain(result.get("reason") or result.get("result") or "no answer").replace(secret, "[hidden]")
        raise _no_login(str(result.get("result")), f"the log-in: {reason}")

    async def _introduced(self, jar: Jar, name: str) -> Session:
        """The token for writes, and who we are to this wiki."""
        told = await self._ask(jar, {
            "action": "query", "meta": "tokens|userinfo|siteinfo", "uiprop": "rights", "siprop": "general|fileextensions",
            "assertuser": name})
        query = told.value.get("query")
        token, rights, general = (_at(query, *path) for path in (
            ("tokens", "csrftoken"), ("userinfo", "rights"), ("general",)))
        if not isinstance(token, str) or not isinstance(rights, list) or not isinstance(general, dict):
            raise self._api(jar).garbled(told.answer, writes=False)
        endings = frozenset(str(each.get("ext")).lower() for each in _at(query, "fileextensions") or ())
        uploads = general.get("uploadsenabled") and "upload" in rights
        self._count += 1
        return Session(self._count, name, token, frozenset(map(str, rights)), general,
                       endings if uploads else frozenset(), told, jar)

    async def _ask(self, jar: Jar, query: Mapping[str, str]) -> Told:
        told = await self._api(jar).get("", {**query, **_FORM})
        jar.take(told.answer)
        return checked(told, writes=False)

    async def _write(
        self, jar: Jar, query: Mapping[str, str], fields: Mapping[str, str], file: File | None,
    ) -> Told:
        """What is asked stands in the address, where no limit on a body cuts it off."""
        body, kind = multipart(list(fields.items()), [file] if file else [])
        told = await self._api(jar).upload("", body, {"content-type": kind}, {**query, **_FORM})
        jar.take(told.answer)
        return checked(told, writes=True)

    def _api(self, jar: Jar) -> JsonApi:
        """The API as whom these cookies tell of."""
        def headers() -> dict[str, str]:
            cookie = jar.header()
            return {"cookie": cookie} if cookie else {}

        return JsonApi(self._client, self._options.api_url, name="MediaWiki", headers=headers, sort=sort)


def _no_login(result: str, said: str) -> AdapterError:
    """What a log-in's result means: includes/api/ApiLogin.php. Aborted: the account needs more than a password."""
    if _MANY in said:
        return RateLimited("login_throttled", said, after=_THROTTLED, said=False,
                           hint="too many log-ins failed; the password may be wrong")
    if result in ("Failed", "Aborted") and _LOST not in said:
        return AuthFailed("not_logged_in", said, hint=_CHECK)
    return NotApplied("no_login", said, hint="the wiki lost the session in between ($wgSessionCacheType, or a proxy that takes "
                                             "cookies away?); the log-in is tried again by itself")


def _at(value: Any, *path: str) -> Any:
    """What stands there in nested objects, None if nothing does."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
