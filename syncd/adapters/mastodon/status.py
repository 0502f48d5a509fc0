"""A status as Mastodon answers it (https://docs.joinmastodon.org/entities/Status/)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from syncd.adapters.note import Opened, open_note, text_of
from syncd.model import RemoteDoc, RemoteRef, RemoteState

_OPEN = frozenset({"public", "unlisted"})
EDITOR = "the account"
"""Who changed a status: Mastodon knows no more than its account."""


@dataclass(frozen=True)
class Status:
    """text: plain, of what the public is shown. warning: the content warning, behind which the text is hidden, or "".
    edited: it was changed since it was made, by us or by people."""

    id: str
    url: str
    text: str
    visibility: str
    language: str
    warning: str
    edited: bool

    @cached_property
    def opened(self) -> Opened:
        return open_note(self.text)

    @property
    def state(self) -> RemoteState:
        if self.opened.notice:
            return RemoteState.WITHDRAWN
        return RemoteState.PUBLIC if self.visibility in _OPEN else RemoteState.DRAFT

    @property
    def version(self) -> str:
        """Mastodon's own edited_at says less: it has none for a status that is as it was made."""
        told = json.dumps([self.text, self.warning])
        return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:24]

    @property
    def ours(self) -> RemoteRef:
        """Where our own write lies."""
        return RemoteRef(self.id, self.url, self.version, self.state)

    @property
    def ref(self) -> RemoteRef:
        """With the seal broken somebody else wrote last."""
        editor = None if self.opened.whole and not self.warning else EDITOR
        return RemoteRef(self.id, self.url, self.version, self.state, editor)

    @property
    def doc(self) -> RemoteDoc:
        """Without the key: a note bears its mark only."""
        return RemoteDoc(self.ref, "", self.opened.title, self.opened.html)


def parse(value: Any) -> Status:
    """Raises KeyError, TypeError or ValueError for what is no status."""
    told: Mapping[str, Any] = value
    id, content = told["id"], told["content"]
    if not (isinstance(id, str) and id and isinstance(content, str)):
        raise ValueError("a status has an id and a text")
    return Status(id, str(told.get("url") or told.get("uri") or ""), text_of(content), str(told["visibility"]),
                  str(told.get("language") or ""), str(told.get("spoiler_text") or ""), bool(told.get("edited_at")))
