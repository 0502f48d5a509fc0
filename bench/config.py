"""The place for the configurations that the bench runs syncd with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench import feeds

_HEAD = """
[syncd]
state_dir = "{state}"
listen = "{listen}"

[[sites]]
name = "county"
site_name = "某县人民政府"
adapter = "{site.adapter}"
public_url = "{site.url}"
settle = "{settle}"
options = {{ api_url = "{site.url}", {site.options} }}

[[routes]]
sources = [{names}]
site = "county"
column = "要闻"
authority = "county head's order no. 3"
deadline = "12h"
basis = "国办发〔2017〕47号"
"""
_PUSH = """
[push]
listen = "{callback}"
public_url = "http://{callback}/push"
"""
_SOURCE = """
[[sources]]
name = "{name}"
kind = "feed"
url = "{base}/feed/{number}"
every = "{every}"
allow_private = true
options = {{ full_text = "never" }}
"""


@dataclass(frozen=True, slots=True)
class Site:
    """Where the items go. url: of the API and of the public pages. options: the adapter's others, as TOML."""

    adapter: str
    url: str
    options: str


def fake(url: str, *, workers: int = 64) -> Site:
    """The lab's CMS, called by so many at once."""
    return Site("fake", url, f"max_concurrency = {workers}")


def wordpress(folder: Path, url: str, user: str, password: str) -> Site:
    """A WordPress. The password goes into a file in `folder`, as an operator has it."""
    kept = folder / "password"
    kept.touch(mode=0o600)
    kept.write_text(password, encoding="utf-8")
    return Site("wordpress", url, f'user = "{user}", password = {{ file = "{kept}" }}')


def write(
    folder: Path, base: str, count: int, *, every: str = "12h", listen: str = "", settle: str = "2s",
    site: Site | None = None, callback: str = "",
) -> Path:
    """A config file in `folder` with `count` feeds of the lab at `base`, one site and one route for all of them.

    site: the lab's own unless told. callback: host:port where hubs reach it, "" for no push.
    """
    names = [feeds.name_of(n) for n in range(count)]
    quoted = ", ".join(f'"{name}"' for name in names)
    text = _HEAD.format(
        state=folder / "state", listen=listen, settle=settle, site=site or fake(base), names=quoted
    )
    text += _PUSH.format(callback=callback) if callback else ""
    text += "".join(_SOURCE.format(name=name, base=base, number=n, every=every) for n, name in enumerate(names))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path
