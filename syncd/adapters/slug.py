"""Addresses made from our keys, for a CMS that lets us choose nothing else: it adds an ending where one is taken."""

from __future__ import annotations

import hashlib
import re

LONGEST = 180
"""Characters; WordPress cuts at 200 bytes, Ghost at 185, and their own endings ("-12", "__trashed") need room."""
_TWINS = range(2, 6)
_CHOSEN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def slug_of(key: str) -> str:
    """The slug of a key: itself if a CMS would not change it, else made of its hash."""
    if len(key) <= LONGEST and _CHOSEN.fullmatch(key) and not key.isdecimal():
        return key
    return f"syncd-{hashlib.sha256(key.encode()).hexdigest()[:20]}"


def twins(slug: str) -> tuple[str, ...]:
    """Slugs that a CMS gives to posts that are made with a slug that is taken; the slug itself too, since two requests at
    once can both get it."""
    return (slug, *(f"{slug}-{n}" for n in _TWINS))


def is_twin(slug: str, wanted: str) -> bool:
    """Whether a slug is what a CMS makes of a wanted one that is taken."""
    return slug.startswith(f"{wanted}-") and slug.removeprefix(f"{wanted}-").isdecimal()
