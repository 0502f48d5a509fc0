"""Count the posts of the demo's site from its own pages, without asking the daemon: every page that carries a key."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from pathlib import Path

_KEY = re.compile(r'<meta\b[^>]*\bname="syncd-key"', re.IGNORECASE)
_HEADING = re.compile(r"<h1\b[^>]*>(.*?)</h1>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


def count_posts(site: Path) -> Counter[str]:
    """Public pages of reposts (a withdrawn one's notice too) by their heading; what a web server hides is no page."""
    found: Counter[str] = Counter()
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8", errors="replace")
        hidden = any(part.startswith(".") for part in page.relative_to(site).parts)
        heading = _HEADING.search(text)
        if heading and not hidden and _KEY.search(text):
            found[unescape(_TAG.sub("", heading[1])).strip()] += 1
    return found
