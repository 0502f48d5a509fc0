"""A node as Drupal returns it: the fields that an update of ours writes over, its version, its state in our words."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from syncd.adapters.drupal.options import Options
from syncd.adapters.sealed import Opened, open_page
from syncd.model import RemoteState

_NAMESPACE = uuid.UUID("6f1d4f64-6c1b-5a55-9d0b-3d3a3f0a9c11")
"""Of the ids that are made from our keys (RFC 9562, version 5)."""


def id_of(key: str) -> str:
    """The UUID of a key: Drupal takes it from the client, and refuses a second one."""
    return str(uuid.uuid5(_NAMESPACE, key))


@dataclass(frozen=True)
class Node:
    """value: the text as stored; shown: as its text format shows it, "" if Drupal does not tell. reviser: the UUID of who
    saved this revision, "" if it isn't told. tracked: every value that an update of ours would write over, by field."""

    id: str
    number: int
    title: str
    value: str
    shown: str
    summary: str
    published: bool
    moderation: str
    alias: str
    created: datetime | None
    reviser: str
    attributes: Mapping[str, Any]
    relationships: Mapping[str, Any]
    tracked: Mapping[str, Any]
    archived: str

    @property
    def version(self) -> str:
        """Changes with everything that an update of ours would write over, and with nothing else: revision numbers move
        when nothing changes, stand still where revisions are off, and `changed` has a grain of one second."""
        told = json.dumps([self.published, self.moderation, self.tracked], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:24]

    @cached_property
    def opened(self) -> Opened:
        return open_page(self.value, self.title)

    @property
    def state(self) -> RemoteState:
        """A notice stands for a withdrawn document, public or not; what else is not published waits for an editor."""
        if self.opened.notice or (self.moderation and self.moderation == self.archived):
            return RemoteState.WITHDRAWN
        return RemoteState.PUBLIC if self.published else RemoteState.DRAFT

    def url(self, public_url: str, prefix: str) -> str:
        """The public address, "" while a draft."""
        if self.state is RemoteState.DRAFT:
            return ""
        return f"{public_url}{prefix}{self.alias or f'/node/{self.number}'}"

    def related(self, field: str) -> list[Mapping[str, Any]]:
        """What a reference field holds: a list, also where Drupal gives one thing or null."""
        held = self.relationships.get(field)
        data = held.get("data") if isinstance(held, dict) else None
        if isinstance(data, dict):
            return [data]
        return [each for each in data if isinstance(each, dict)] if isinstance(data, list) else []


def parse(data: Any, options: Options) -> Node | None:
    """A node from its resource object, or None if it is none of our content type."""
    if not isinstance(data, dict) or data.get("type") != f"node--{options.bundle}":
        return None
    try:
        told, related = data["attributes"], data.get("relationships") or {}
        body = told.get(options.body_field) or {}
        fields = [field.split(".")[0] for field in options.fields.values()]
        tracked = {"title": told["title"], "value": body.get("value"), "summary": body.get("summary"),
                   **{field: told.get(field) for field in fields}}
        return Node(
            id=str(data["id"]), number=int(told["drupal_internal__nid"]), title=str(told["title"]),
            value=str(body.get("value") or ""), shown=str(body.get("processed") or ""), summary=str(body.get("summary") or ""),
            published=told.get("status") is True, moderation=str(told.get("moderation_state") or ""),
            alias=str((told.get("path") or {}).get("alias") or ""), created=_moment(told.get("created")),
            reviser=_id(related.get("revision_uid")), attributes=told, relationships=related, tracked=tracked,
            archived=options.state("withdrawn"),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _id(relation: Any) -> str:
    data = relation.get("data") if isinstance(relation, dict) else None
    return str(data.get("id") or "") if isinstance(data, dict) else ""


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None
