"""The place for the configurations that the bench runs syncd with."""

from __future__ import annotations

from pathlib import Path

from bench import feeds

_HEAD = """
[syncd]
state_dir = "{state}"
listen = "{listen}"

[[sites]]
name = "county"
site_name = "某县人民政府"
adapter = "fake"
public_url = "{base}"
settle = "{settle}"
options = {{ api_url = "{base}", max_concurrency = {at_once} }}

[[routes]]
sources = [{names}]
site = "county"
column = "要闻"
authority = "county head's order no. 3"
deadline = "12h"
basis = "国办发〔2017〕47号"
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


def write(
    folder: Path, base: str, count: int, *, every: str = "12h", listen: str = "", settle: str = "2s", at_once: int = 64
) -> Path:
    """A config file in `folder` with `count` feeds of the lab at `base`, one site and one route for all of them."""
    names = [feeds.name_of(n) for n in range(count)]
    quoted = ", ".join(f'"{name}"' for name in names)
    text = _HEAD.format(
        state=folder / "state", listen=listen, base=base, settle=settle, at_once=at_once, names=quoted
    )
    text += "".join(_SOURCE.format(name=name, base=base, number=n, every=every) for n, name in enumerate(names))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path
