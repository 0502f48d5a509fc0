"""Our companion plug-in in WordPress, docs/wordpress/syncd-companion.php: what it tells of a post, what it makes possible."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from syncd.adapters.api import Capabilities
from syncd.adapters.slug import slug_of

API = 1
"""The companion's contract that this adapter speaks; another one counts as no companion."""
FIELD = "syncd"
"""The field of a post that only a companion fills; WordPress leaves out fields that it doesn't know."""
NAMESPACE = "syncd/v1"
STATUS = "/syncd/v1/companion"
FILE = "docs/wordpress/syncd-companion.php"
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,200}")


@dataclass(frozen=True, slots=True)
class Companion:
    """What the companion says of a post. id: "" for a post without one. checked: the write that is answered was made under
    its condition."""

    id: str
    version: str
    checked: bool


def parse(told: Any) -> Companion | None:
    """The companion's field, or None without a companion that we understand."""
    if not isinstance(told, dict) or told.get("api") != API or not told.get("version"):
        return None
    return Companion(str(told.get("id") or ""), str(told["version"]), told.get("checked") is True)


def id_of(key: str) -> str:
    """The id of a key: itself, if the companion takes it."""
    return key if _ID.fullmatch(key) else slug_of(key)


def fitted(capabilities: Capabilities, *, there: bool) -> Capabilities:
    """What the site can do with the companion (class A) or without it (class C)."""
    if there:
        return replace(capabilities, lookup="unique_field", unique="server", conditional_update="server")
    return replace(capabilities, lookup="path", unique="app", conditional_update="check_then_act")


@dataclass(frozen=True, slots=True)
class Found:
    """What check() found. usable: class A. wrong: it is there and of no use, and a person should see to it."""

    usable: bool
    detail: str
    hint: str = ""

    @property
    def wrong(self) -> bool:
        return bool(self.hint)


ABSENT = Found(False, f"class C: WordPress alone. Class A by our companion plug-in: install {FILE}")


def judged(told: Mapping[str, Any]) -> Found:
    """What the companion's own route says."""
    api, version = told.get("api"), str(told.get("version", "?"))[:20]
    if not isinstance(api, int) or api < API:
        return Found(False, f"class C: the companion {version} is older than this syncd",
                     f"replace it in WordPress by the {FILE} of this syncd")
    if api > API:
        return Found(False, f"class C: the companion {version} is newer than this syncd",
                     f"update syncd, or put the {FILE} of this syncd in its place")
    if told.get("ready") is not True:
        return Found(False, f"class C: the companion {version} can't work here",
                     "it needs MySQL or MariaDB with GET_LOCK, and the right to make a table: give it these, or remove it")
    return Found(True, f"class A: companion {version}")
