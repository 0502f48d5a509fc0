"""The public contract of an adapter: what a CMS can do, and the calls that the engine makes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from pydantic import BaseModel

from syncd.model import Media, Post, RemoteDoc, RemoteRef, RemoteState, WriteResult
from syncd.web.api import Client, Network

VERSION = 1
"""Of this contract. What may change within one, and when it grows: docs/adapter-author.md, "Versions of the contract"."""
OLDEST = 1
"""The oldest version whose adapters are taken still: the one before, for as long as the policy promises."""
How = Literal["unpublish", "delete", "notice"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the CMS can do: declared by the adapter, narrowed by check(), never guessed.

    Limits are characters (title, slug) and bytes (body); None is no limit known. version_grain: seconds within which
    two changes get the same version. rate: requests a second, None if unknown.
    """

    drafts: bool = False
    schedule: Literal["none", "native", "hides_only"] = "none"
    unpublish: bool = False
    delete: bool = False
    notice: bool = False
    taxonomy: Literal["none", "free", "fixed"] = "none"
    media: Literal["none", "inline", "endpoint"] = "none"
    lookup: Literal["pk", "unique_field", "path", "tag", "none"] = "none"
    unique: Literal["server", "app", "none"] = "none"
    conditional_update: Literal["server", "compare_and_set", "check_then_act", "none"] = "none"
    version_grain: float = 0.0
    atomic_publish: bool = True
    html: Literal["raw", "filtered", "markdown", "wikitext", "plain"] = "raw"
    max_title: int | None = None
    max_slug: int | None = None
    max_body: int | None = None
    max_concurrency: int = 1
    rate: float | None = None
    idempotency_key: bool = False
    reads: bool = False
    """read(ref) is there."""
    lists: bool = False
    """list(prefix) is there."""
    sweeps: bool = False
    """sweep(key, keep) is there: the CMS can make two posts of two requests that arrive late."""
    awaits: bool = False
    """standing(ref) is there: a write only hands over (a file drop), and its outcome is known later."""
    posts: bool = True
    """False for an observed site: nothing is ever written."""
    max_shown: int | None = None
    """Characters of title and text together that a post shows, as core.abridge counts them: a longer document is handed over,
    and looked for, as core.abridge cuts it. None: all of it is shown."""
    scripted: bool = False
    """Its public pages are drawn by a script, and tell the text in their description (<meta name="description">)."""

    @property
    def guarantee(self) -> Literal["A", "B", "C", "parked"]:
        """The class of design: A unique key and conditional update, B look-up and conditional update, C look-up only."""
        conditional = self.conditional_update in ("server", "compare_and_set")
        if self.unique == "server" and conditional:
            return "A"
        if self.lookup == "none":
            return "parked"
        return "B" if conditional else "C"


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of what was handed over last. ref: as it is known now, with its address once that is known.

    waits: why nothing is known yet, refused: why the other side does not take it or does not answer at all (a person must
    act); both a low-cardinality reason, "" where it doesn't apply. hint: what to do, and the other side's own words.
    """

    ref: RemoteRef
    waits: str = ""
    refused: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class CheckItem:
    """One thing that check() tried. ok False needs a person; hint says what to do."""

    name: str
    ok: bool
    detail: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What check() found. skew: the CMS's clock minus ours in seconds, None if unknown."""

    ok: bool
    capabilities: Capabilities
    items: tuple[CheckItem, ...] = ()
    server_version: str = ""
    skew: float | None = None


class Blobs(Protocol):
    """Where fetched attachments lie, by content hash."""

    def read(self, sha256: str) -> bytes:
        """The bytes. Raises StoreError("blob_missing")."""
        ...


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """A site as configured. public_url: how the public reaches it, without a slash at the end. options: validated."""

    name: str
    public_url: str
    site_name: str = ""
    site_id: str = ""
    timezone: str = "Asia/Shanghai"
    options: Any = field(default=None)


@dataclass(frozen=True, slots=True)
class Tools:
    """What an adapter is given; it imports no HTTP library, never sleeps, retries or reads the clock itself.

    client: to the CMS (its exact host and port are allowed). log: a bound structlog logger. folder: below the state
    directory, shared by all sites of this kind; made by the adapter when it needs one; None: it may keep nothing.
    network: the site's settings, for an adapter that gets out by a program of its own.
    """

    client: Client
    now: Callable[[], datetime]
    blobs: Blobs
    log: Any = None
    folder: Path | None = None
    network: Network = field(default=Network(), repr=False)


class Adapter(Protocol):
    """A CMS. Made once per configured site: `Kind(site, tools)`. Every method may raise AdapterError, and only that.

    api_version: the contract that it was written for, stated by itself: one that syncd filled in would say nothing.

    Optional members, called only if declared in the capabilities: `read` (reads), `list` (lists), `sweep` (sweeps),
    `standing` (awaits).
    """

    api_version: ClassVar[int]
    kind: ClassVar[str]
    Options: ClassVar[type[BaseModel]]
    capabilities: Capabilities

    def __init__(self, site: SiteConfig, tools: Tools) -> None: ...

    async def check(self) -> CheckReport:
        """Reach, log in on a route that needs it, rights, columns, server version, clock skew. Changes nothing."""
        ...

    async def find(self, key: str) -> RemoteRef | None:
        """Authoritative look-up by our key, in every state (draft, withdrawn too); verifies the id that it got."""
        ...

    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        """Refuses an existing key with Conflict("exists")."""
        ...

    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        """Keeps the address. if_version: raise Conflict("version") when the CMS shows another; None overwrites."""
        ...

    async def withdraw(self, ref: RemoteRef, how: How, if_version: str | None = None) -> WriteResult:
        """Take it from public view; again is ALREADY. The address then answers with a notice, 404 or 410."""
        ...

    async def aclose(self) -> None: ...


class Reads(Protocol):
    async def read(self, ref: RemoteRef) -> RemoteDoc:
        """What is stored. Raises NotFound."""
        ...


class Sweeps(Protocol):
    async def sweep(self, key: str, keep: RemoteRef) -> tuple[RemoteRef, ...]:
        """Remove posts of ours with this key beside `keep`, which requests made that arrived late; returns them.

        Only what nobody else ever touched; what is left is told in the log.
        """
        ...


class Awaits(Protocol):
    async def standing(self, ref: RemoteRef) -> Standing:
        """What became of the last write of this post. Raises NotFound, NotApplied, AuthFailed."""
        ...


class Lists(Protocol):
    def list(self, prefix: str) -> AsyncIterator[RemoteDoc]:
        """Everything whose key starts with prefix; on an observed site every repost-like page (prefix "")."""
        ...


__all__ = [
    "OLDEST",
    "VERSION",
    "Adapter",
    "Awaits",
    "Blobs",
    "Capabilities",
    "CheckItem",
    "CheckReport",
    "How",
    "Lists",
    "Media",
    "Post",
    "Reads",
    "RemoteDoc",
    "RemoteRef",
    "RemoteState",
    "SiteConfig",
    "Standing",
    "Sweeps",
    "Tools",
    "WriteResult",
]
