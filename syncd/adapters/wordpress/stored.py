"""A post as WordPress returns it: the fields that are asked for, its version, its state in our words."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from syncd.adapters.sealed import Opened, open_page
from syncd.adapters.wordpress import companion
from syncd.adapters.wordpress.companion import Companion
from syncd.adapters.wordpress.markup import plain_title
from syncd.adapters.wordpress.slug import TRASHED
from syncd.model import RemoteState

FIELDS = "id,slug,status,link,author,title.raw,content.raw,excerpt.raw,categories,date_gmt,featured_media,syncd"
"""Always said: an answer without it is four times the text."""
STATUSES = "publish,future,draft,pending,private,trash"
"""Every state: `any` leaves out the trash, and whoever is not logged in is refused and not told "nothing"."""

_STATES = {"publish": RemoteState.PUBLIC, "private": RemoteState.WITHDRAWN, "trash": RemoteState.WITHDRAWN}


@dataclass(frozen=True)
class Stored:
    """title and content are HTML as stored. categories: None where the post type has none. published: date_gmt.

    companion: what our plug-in says of the post, None where it is not.
    """

    id: int
    slug: str
    status: str
    link: str
    author: int
    title: str
    content: str
    excerpt: str
    categories: tuple[int, ...] | None
    published: datetime | None
    featured: int
    companion: Companion | None = None

    @property
    def version(self) -> str:
        """Changes with everything that an update of ours would write over, and with its address; with nothing else.

        WordPress's own modified_gmt has a grain of one second and moves when nothing changes; its count of revisions
        misses status and slug. The companion computes the same, so that its coming and going changes no version; where
        it is there its word counts, for it compares with that.
        """
        if self.companion is not None:
            return self.companion.version
        told = (self.status, self.slug, self.title, self.content, self.excerpt)
        return hashlib.sha256("\0".join(told).encode("utf-8", "replace")).hexdigest()[:24]

    @cached_property
    def opened(self) -> Opened:
        return open_page(self.content, plain_title(self.title))

    @property
    def state(self) -> RemoteState:
        """A notice is public and stands for a withdrawn document; private is how we unpublish; draft, pending and future
        wait for the site's editor."""
        state = _STATES.get(self.status, RemoteState.DRAFT)
        return RemoteState.WITHDRAWN if state is RemoteState.PUBLIC and self.opened.notice else state

    @property
    def key(self) -> str:
        """Our key as the seal says it; where an editor has broken it the companion's id, or the slug."""
        known = self.companion.id if self.companion is not None else ""
        return self.opened.key or known or self.slug.removesuffix(TRASHED)

    def url(self, public_url: str) -> str:
        """The public address: WordPress's own, at the host by which the public reaches the site. "" while a draft."""
        if self.state is RemoteState.DRAFT:
            return ""
        public, own = urlsplit(public_url), urlsplit(self.link)
        return own._replace(scheme=public.scheme, netloc=public.netloc).geturl()


def parse(told: Any) -> Stored | None:
    """A post from its JSON, or None if it is not one: a firewall speaks JSON too."""
    if not isinstance(told, dict) or not isinstance(told.get("id"), int):
        return None
    try:
        numbers = told.get("categories")
        return Stored(
            id=told["id"], slug=str(told["slug"]), status=str(told["status"]), link=str(told["link"]),
            author=int(told.get("author") or 0), title=_raw(told, "title"), content=_raw(told, "content"),
            excerpt=_raw(told, "excerpt"), categories=None if numbers is None else tuple(map(int, numbers)),
            published=_moment(told.get("date_gmt")), featured=int(told.get("featured_media") or 0),
            companion=companion.parse(told.get(companion.FIELD)),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _raw(told: Mapping[str, Any], name: str) -> str:
    """A field of text. Without `raw` WordPress took us for an anonymous reader. Raises KeyError or TypeError."""
    if name == "excerpt" and name not in told:  # a post type without excerpts
        return ""
    return str(told[name]["raw"])


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)).replace(tzinfo=UTC) if text else None
