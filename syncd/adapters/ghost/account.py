"""Who we are to Ghost: an integration, which is nobody, or an account with a role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from syncd.adapters.json_api import JsonApi, Query
from syncd.errors import NotFound

_LIMITED = frozenset({"Author", "Contributor"})
_ME: Query = {"include": "roles", "fields": "id,name"}


@dataclass(frozen=True, slots=True)
class Account:
    """id: of the user, "" for an integration. roles: by their names."""

    id: str = ""
    roles: frozenset[str] = frozenset()

    @property
    def new(self) -> dict[str, Any]:
        """What a new post says for us. Ghost takes a post of an Author only if it names that author, and fails with 500 if
        it says who may read it: what the site has as default then holds."""
        authors = {"authors": [{"id": self.id}]} if self.id else {}
        return authors if self.roles & _LIMITED else {**authors, "visibility": "public"}


async def account(api: JsonApi) -> Account:
    """Ghost knows no user behind the key of an integration."""
    try:
        told = await api.get("/users/me/", _ME)
    except NotFound:
        return Account()
    users = told.value.get("users")
    if not isinstance(users, list) or not users or not isinstance(users[0], dict) or not isinstance(users[0].get("id"), str):
        raise api.garbled(told.answer, writes=False)
    roles = users[0].get("roles") or ()
    return Account(users[0]["id"], frozenset(str(role.get("name")) for role in roles if isinstance(role, dict)))
