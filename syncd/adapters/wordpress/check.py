"""What `syncd check` asks of a WordPress: reach, log-in, rights, columns, version, clock. Changes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from syncd.adapters.api import Capabilities, CheckReport
from syncd.adapters.checks import Steps
from syncd.adapters.wordpress import companion
from syncd.adapters.wordpress.columns import Columns
from syncd.adapters.wordpress.options import Options
from syncd.adapters.wordpress.rest import Rest, Told
from syncd.errors import AdapterError, SyncdError
from syncd.web.api import Client

_NEEDED = ("edit_posts", "publish_posts", "edit_published_posts", "delete_posts", "delete_published_posts")
"""Rights without which nothing can be posted, corrected or withdrawn, by the names of the post type `posts`."""
_GENERATOR = re.compile(rb"<meta[^>]+name=[\"']generator[\"'][^>]+content=[\"']WordPress ([0-9][0-9A-Za-z.-]{0,20})", re.I)
_NO_PASSWORDS = (
    "application passwords are off: WordPress offers them over https only (on a test machine, set WP_ENVIRONMENT_TYPE to"
    " local), and a security plug-in may have shut them off"
)


@dataclass(frozen=True, slots=True)
class _Account:
    name: str
    roles: tuple[str, ...]
    rights: Mapping[str, bool]

    def may(self, right: str) -> bool:
        return bool(self.rights.get(right))


class Checker(Steps):
    """One run of the check; each step that fails says what to do, and the later ones that need it are left out."""

    def __init__(self, rest: Rest, client: Client, options: Options, columns: Columns, public_url: str) -> None:
        super().__init__()
        self._rest = rest
        self._client = client
        self._options = options
        self._columns = columns
        self._public_url = public_url

    async def run(self, capabilities: Capabilities) -> CheckReport:
        index = await self._reach()
        account = await self._login() if index is not None else None
        if index is not None and account is not None:
            capabilities = await self._rights(account, capabilities)
            capabilities = await self._companion(index, capabilities)
            await self._check_columns(account)
        version = await self._version() if index is not None else ""
        return self._report(capabilities, version)

    async def _reach(self) -> Mapping[str, Any] | None:
        """WordPress's own index, None if there is none."""
        try:
            told = await self._rest.get("/", {"_fields": "name,home,namespaces,authentication"}, anonymous=True)
        except AdapterError as error:
            self._failed("reach", error)
            return None
        index = told.value if isinstance(told.value, dict) else {}
        if "wp/v2" not in index.get("namespaces", ()):
            self._say("reach", False, f"{self._rest.url('/')} is no index of a WordPress",
                      "write the site's address into api_url; without pretty permalinks end it with ?rest_route=/")
            return None
        self._say("reach", True, str(index.get("name", ""))[:80])
        self._clock(told.answer)
        self._passwords(index)
        self._address(index)
        return index

    def _passwords(self, index: Mapping[str, Any]) -> None:
        offered = index.get("authentication")
        if not isinstance(offered, dict) or "application-passwords" not in offered:
            self._say("application passwords", False, "the site does not offer them", _NO_PASSWORDS)
        self._https(self._options.root, "the password")

    def _address(self, index: Mapping[str, Any]) -> None:
        home = str(index.get("home", ""))
        if home and urlsplit(home)[1:2] != urlsplit(self._public_url)[1:2]:
            self._say("address", True, f"WordPress calls itself {home[:80]}; the public is sent to {self._public_url}")

    async def _login(self) -> _Account | None:
        """On a route that needs it: with a wrong password, lists answer 200 as to anybody."""
        try:
            told = await self._rest.get("/wp/v2/users/me", {"context": "edit", "_fields": "name,roles,capabilities"})
        except AdapterError as error:
            self._failed("login", error)
            return None
        found = told.value if isinstance(told.value, dict) else {}
        rights = found.get("capabilities")
        if not isinstance(rights, dict):
            self._say("login", False, "WordPress does not tell the account's rights", "use the site's own REST API")
            return None
        account = _Account(str(found.get("name", "")), tuple(map(str, found.get("roles", ()))), rights)
        self._say("login", True, f"as {account.name} ({', '.join(account.roles) or 'no role'})")
        return account

    async def _rights(self, account: _Account, capabilities: Capabilities) -> Capabilities:
        try:
            kind = _type_of(await self._rest.get("/wp/v2/types", {"context": "edit"}), self._options.post_type)
        except AdapterError as error:
            self._failed("rights", error)
            return capabilities
        if kind is None:
            self._say("post type", False, f"there is no post type {self._options.post_type!r} in the API",
                      "write its name in the API (rest_base); its owner has to switch show_in_rest on")
            return capabilities
        named = kind.get("capabilities") or {}
        missing = [right for right in _NEEDED if not account.may(str(named.get(right, right)))]
        self._say("rights", not missing, f"lacks {', '.join(missing)}" if missing else "can post, correct and withdraw",
                  "give the account the role Author (or Editor)")
        uploads = account.may("upload_files")
        self._say("files", uploads, "can upload" if uploads else "lacks upload_files",
                  "give the account the right upload_files: posts with attachments wait until then")
        revisions = "revisions" in (kind.get("supports") or {})
        self._say("revisions", True, "kept" if revisions else "not kept: edits are known by the text, not by their author")
        return replace(
            capabilities, media="endpoint" if uploads else "none",
            html="raw" if account.may("unfiltered_html") else "filtered",
            taxonomy="fixed" if "category" in (kind.get("taxonomies") or ()) else "none",
        )

    async def _companion(self, index: Mapping[str, Any], capabilities: Capabilities) -> Capabilities:
        """Whether our plug-in is there, which class that makes, and how to reach class A."""
        try:
            found = await self._ask_companion() if companion.NAMESPACE in index.get("namespaces", ()) else companion.ABSENT
        except AdapterError as error:
            self._failed("companion", error)
            return companion.fitted(capabilities, there=False)
        self._say("companion", not found.wrong, found.detail, found.hint)
        return companion.fitted(capabilities, there=found.usable)

    async def _ask_companion(self) -> companion.Found:
        told = await self._rest.get(companion.STATUS)
        return companion.judged(told.value if isinstance(told.value, dict) else {})

    async def _check_columns(self, account: _Account) -> None:
        makes = self._options.create_columns
        if makes and not account.may("manage_categories"):
            self._say("columns", False, "create_columns is set, but the account lacks manage_categories",
                      "give the account the role Editor, or make the categories and drop create_columns")
        for column, named in self._options.columns.items():
            try:
                number = await self._columns.look_up(column)
            except AdapterError as error:
                self._failed(f"column {column}", error)
                continue
            there = number is not None or (makes and isinstance(named, str))
            detail = f"category {number}" if number is not None else f"there is no category {named!r}"
            self._say(f"column {column}", there, detail, "make it, or write another slug or number into columns")

    async def _version(self) -> str:
        """As the home page tells it, if it does."""
        try:
            found = _GENERATOR.search((await self._client.get(f"{self._public_url}/")).body)
        except SyncdError:
            return ""
        return found[1].decode() if found else ""


def _type_of(told: Told, base: str) -> Mapping[str, Any] | None:
    kinds = told.value.values() if isinstance(told.value, dict) else ()
    return next((kind for kind in kinds if isinstance(kind, dict) and kind.get("rest_base") == base), None)
