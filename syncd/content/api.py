"""What content/ gives the engine: from a source's page to a clean revision with its attachments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from syncd.model import AttachmentLink, Content, Entry, Media
from syncd.sources.api import Page


@dataclass(frozen=True, slots=True)
class FileLimits:
    """Bounds of the attachments of one document.

    size: bytes each. total: bytes together. count: files. deadline: seconds each.
    """

    size: int = 50 * 1024 * 1024
    total: int = 200 * 1024 * 1024
    count: int = 50
    deadline: float = 120.0


@dataclass(frozen=True, slots=True)
class Fetched:
    """The attachments that could be had, and what could not be, in words; retry: seconds if a failure was passing."""

    media: tuple[Media, ...]
    losses: tuple[str, ...] = ()
    retry: float | None = None


class BlobStore(Protocol):
    """Bytes by content hash under the state directory; writing the same bytes twice is one file."""

    def put(self, data: bytes) -> str: ...
    def read(self, sha256: str) -> bytes: ...
    def has(self, sha256: str) -> bool: ...


class Builder(Protocol):
    """Merges an entry with its page into a clean Content."""

    async def build(self, entry: Entry, page: Page | None) -> tuple[Content, tuple[AttachmentLink, ...]]:
        """Absolute links, sanitised HTML, visible text; and the attachments and pictures that must be fetched."""
        ...
