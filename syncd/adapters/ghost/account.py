"""Who we are to Ghost: an integration, which is nobody, or an account with a role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from syncd.adapters.json_api import JsonApi, Query
from syncd.errors import NotFound

_ME: Query = {"include": "roles", "fields": "id,name"}


@dataclass(frozen=True, slots=True)
class Account:
    """id: of the user, "" for an integration. roles: by their names."""

    id: str = ""
    roles: frozenset[str] = frozenset()

    @property
    def authors(self) -> dict[str, Any]:
        """What a new post says of its authors: Ghost lets an Author add posts only that name their author, and says of
        others that adding posts is not permitted."""
        return {"authors": [{"id": self.id}]} if self.id else {}


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
