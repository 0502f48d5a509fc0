"""What WordPress makes of the address of a post: in the trash, and of its files."""

from __future__ import annotations

TRASHED = "__trashed"


def media_slug(slug: str, sha256: str) -> str:
    """The slug of a file of a post: files share their slugs with all posts, so that it must not look like a twin."""
    return f"{slug}-f{sha256[:16]}"


def own(slug: str) -> tuple[str, str]:
    """The slugs under which the post of a slug is found: live, and in the trash."""
    return slug, slug + TRASHED


def is_renamed(slug: str, wanted: str) -> bool:
    """True when WordPress gave another slug than the one that was asked for: somebody else has it."""
    return slug not in own(wanted)
