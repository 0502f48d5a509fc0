"""Who is meant by a host: the domain that somebody has registered, by the Public Suffix List that browsers use."""

from __future__ import annotations

from functools import cache, lru_cache

import httpx
from publicsuffixlist import PublicSuffixList

from syncd.web import urls
from syncd.web.guard import literal


@lru_cache(maxsize=4096)
def bucket(url: httpx.URL, *, private: bool) -> str:
    """Whom a refusal by this URL speaks for: the registrable domain of a public host, else the URL alone.

    Hosts of a domain share one server's patience (tumblr's do: FreshRSS #8925), but gov.cn and github.io are no domains of
    anybody. Behind one private host or bare address stand unrelated programs (FreshRSS #7870): only the URL is meant.
    """
    host = urls.host(url)
    if private or literal(host) is not None:
        return str(url)
    return _list().privatesuffix(host) or (host if "." in host else str(url))


@cache
def _list() -> PublicSuffixList:
    """Read when a server first asks for a pause: 2 MB that a quiet installation does without."""
    return PublicSuffixList()
