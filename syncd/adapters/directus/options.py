"""Options of the Directus adapter."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import field_validator, model_validator

from syncd.adapters.headless import Schema, field_name
from syncd.model import RemoteState

State = Literal["public", "draft", "withdrawn"]
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_STATES: dict[State, str] = {"public": "published", "draft": "draft", "withdrawn": "archived"}


class Options(Schema):
    """Beside what every headless CMS needs: collection, by its name in the API. key_field: the primary key, or another field
    that is unique, of type UUID or string. status_field, states: which value of which field makes an item public, a draft,
    withdrawn. created_field, updated_field, editor_field: Directus's own date-created, date-updated and user-updated; without
    editor_field it is not known who edited. guard_field: the counter of docs/directus/guard.sql, "" without. files: whether
    files are copied. folder: the UUID of their folder, "" for the root. assets_url: by which the public gets them, by default
    Directus's own. withdraw: what is left of a withdrawn document: a notice, an item that nobody sees, nothing.
    """

    collection: str
    key_field: str = "id"
    status_field: str = "status"
    states: dict[State, str] = _STATES
    created_field: str = "date_created"
    updated_field: str = "date_updated"
    editor_field: str = "user_updated"
    guard_field: str = ""
    files: bool = True
    folder: str = ""
    assets_url: str = ""
    withdraw: Literal["notice", "unpublish", "delete"] = "notice"

    @field_validator("collection", "key_field", "status_field", "updated_field")
    @classmethod
    def _has_a_name(cls, value: str) -> str:
        return field_name(value)

    @field_validator("created_field", "editor_field", "guard_field")
    @classmethod
    def _has_a_name_or_none(cls, value: str) -> str:
        return value and field_name(value)

    @field_validator("folder")
    @classmethod
    def _is_a_uuid(cls, value: str) -> str:
        if value and not _UUID.fullmatch(value):
            raise ValueError("write the folder's UUID, as its address in the app shows it")
        return value

    @model_validator(mode="after")
    def _tells_public_from_hidden(self) -> Options:
        if self.state("public") in (self.state("draft"), self.state("withdrawn")):
            raise ValueError("states: public needs a value of its own")
        return self

    def state(self, name: State) -> str:
        return self.states.get(name) or _STATES[name]

    def value_of(self, state: RemoteState) -> str:
        """What the status field holds for a state of ours."""
        names: dict[RemoteState, State] = {RemoteState.PUBLIC: "public", RemoteState.DRAFT: "draft"}
        return self.state(names.get(state, "withdrawn"))

    def state_of(self, value: object) -> RemoteState:
        """Any other value than ours waits for somebody at the site."""
        if value == self.state("public"):
            return RemoteState.PUBLIC
        return RemoteState.WITHDRAWN if value == self.state("withdrawn") != self.state("draft") else RemoteState.DRAFT

    @property
    def assets(self) -> str:
        return self.assets_url.rstrip("/") or f"{self.api_url}/assets"

    @property
    def asked(self) -> tuple[str, ...]:
        """Every field that is read."""
        named = (self.key_field, self.status_field, *self.written, self.created_field, self.updated_field, self.editor_field,
                 self.guard_field)
        return tuple(dict.fromkeys(name for name in named if name))

    @property
    def sent(self) -> tuple[str, ...]:
        """Every field that is written, the guard's aside, which Directus counts itself."""
        return tuple(dict.fromkeys((self.key_field, self.status_field, *self.written)))
