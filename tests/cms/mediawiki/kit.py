"""The MediaWiki adapter on a wiki, and somebody who edits there by hand."""

from __future__ import annotations

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.mediawiki import MediaWikiAdapter
from syncd.adapters.mediawiki.page import BEGIN, END
from syncd.adapters.mediawiki.wikitext import convert
from syncd.model import RemoteRef
from tests.cms.mediawiki.site import Wiki


def adapter(wiki: Wiki, tools: Tools, **options: object) -> MediaWikiAdapter:
    return MediaWikiAdapter(SiteConfig("county", wiki.url, "某县人民政府", options={**wiki.options(), **options}), tools)


def with_text(page: str, html: str) -> str:
    """A page whose text an editor has replaced."""
    above, begin, rest = page.partition(BEGIN)
    _, end, below = rest.rpartition(END)
    return f"{above}{begin}\n\n{convert(html, {}).text}\n\n{end}{below}"


class Chen:
    """A person with an account of their own."""

    def __init__(self, wiki: Wiki) -> None:
        self._wiki, self._person = wiki, wiki.person()

    async def edit(self, ref: RemoteRef, html: str) -> None:
        text = with_text(self._person.text(pageids=ref.id), html)
        self._person.write(action="edit", pageid=ref.id, text=text, summary="补充")

    async def remove(self, ref: RemoteRef) -> None:
        self._person.write(action="delete", pageid=ref.id)

    async def count(self, key: str) -> int:
        """Pages of posts, and not the one that leads there."""
        return len(self._wiki.pages(f"<!--syncd 1 {key} "))
