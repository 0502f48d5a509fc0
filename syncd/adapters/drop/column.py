"""Where a dropped document's page stands, as a visitor finds it: on the site's public column pages, by number and title."""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.drop.options import Options
from syncd.adapters.observe import ObserveAdapter
from syncd.core.adopt import Candidate, match


class ColumnPage:
    """The column pages of one site; what was read of them is remembered as `observe` does."""

    def __init__(self, site: SiteConfig, tools: Tools, options: Options) -> None:
        told = {"list_url": options.list_url, "link_selector": options.link_selector}
        self._seen = ObserveAdapter(
            SiteConfig(site.name, site.public_url, site.site_name, site.site_id, site.timezone, told), tools
        )

    async def find(self, title: str, number: str) -> str:
        """The address of the page that shows a document, "" if none does. number: its 发文字号. Raises NotApplied."""
        pages = [Candidate(doc, _text(doc.html)) async for doc in self._seen.list("")]
        found = match(title, number, pages)
        return found.doc.ref.url if found is not None else ""


def _text(html: str) -> str:
    body = LexborHTMLParser(html).body
    return body.text(separator="\n", strip=True) if body is not None else ""
