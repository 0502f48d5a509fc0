"""`syncd adapter conform`: which site of the configuration, and where the certificate goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from syncd import config as configuration
from syncd.app.build import way_to
from syncd.cli.doors import Facts
from syncd.errors import SyncdError
from syncd.testing import conform as conforming


@dataclass(frozen=True, slots=True)
class Request:
    """site, editor: names in the configuration, "" for the only one and for none."""

    config: Path
    column: str
    site: str = ""
    editor: str = ""
    out: Path = Path()
    pages: bool = False


def conform(request: Request, now: Callable[[], datetime], told: Callable[[str], None]) -> Facts:
    """The certificate and the `files` it was written to. Raises SyncdError."""
    config = configuration.load(request.config)
    way = way_to(config, request.site or _only(config))
    editor = way_to(config, request.editor) if request.editor else None
    if editor is not None and editor.site.options == way.site.options:
        raise SyncdError("usage", f"{request.editor} is the same account", hint="--editor wants a second account")
    wanted = conforming.Request(way, request.column, editor, request.pages)
    certificate = conforming.run(wanted, now, told)
    files = conforming.write(certificate, request.out)
    return {**certificate.facts(), "files": [str(path) for path in files]}


def _only(config: configuration.Config) -> str:
    names = [site.name for site in config.sites]
    if len(names) != 1:
        raise SyncdError("usage", f"there are {len(names)} sites", hint=f"name one with --site: {', '.join(names)}")
    return names[0]
