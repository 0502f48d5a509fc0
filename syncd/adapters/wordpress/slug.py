"""The address of a post in WordPress, which is all that it lets us choose: from our key, and what it makes of it."""

from __future__ import annotations

import hashlib
import re

LONGEST = 180
"""Characters; WordPress cuts at 200 bytes, and its own endings ("-12", "__trashed") need room."""
TRASHED = "__trashed"
_TWINS = range(2, 6)
_CHOSEN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def slug_of(key: str) -> str:
    """The slug of a key: itself if WordPress would not change it, else made of its hash."""
    if len(key) <= LONGEST and _CHOSEN.fullmatch(key) and not key.isdecimal():
        return key
    return f"syncd-{hashlib.sha256(key.encode()).hexdigest()[:20]}"


def media_slug(slug: str, sha256: str) -> str:
    """The slug of a file of a post: files share their slugs with all posts, so that it must not look like a twin."""
    return f"{slug}-f{sha256[:16]}"


def own(slug: str) -> tuple[str, str]:
    """The slugs under which the post of a slug is found: live, and in the trash."""
    return slug, slug + TRASHED


def twins(slug: str) -> tuple[str, ...]:
    """Slugs that WordPress gives to posts that are made with a slug that is taken; the slug itself too, since two
    requests at once can both get it."""
    return (slug, *(f"{slug}-{n}" for n in _TWINS))


def is_renamed(slug: str, wanted: str) -> bool:
    """True when WordPress gave another slug than the one that was asked for: somebody else has it."""
    return slug not in own(wanted)
