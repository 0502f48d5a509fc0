"""Count the posts of the demo's site from its own pages, without asking the daemon: every file that shows an article."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from pathlib import Path

_TITLE = re.compile(r'<meta\b[^>]*\bname="ArticleTitle"[^>]*\bcontent="([^"]*)"', re.IGNORECASE)


def count_posts(site: Path) -> Counter[str]:
    """Public pages by the title that their META tag ArticleTitle gives; what a web server hides (dot folders) is no page."""
    pages = (page for page in site.rglob("*.html") if not any(part.startswith(".") for part in page.relative_to(site).parts))
    titles = (_TITLE.search(page.read_text(encoding="utf-8", errors="replace")) for page in pages)
    return Counter(unescape(title[1]) for title in titles if title)
