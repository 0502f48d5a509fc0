"""The lab: what the tests with real servers need beside Python. `python -m tests.lab` brings what can be had and says so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
READY = ROOT / "var" / "lab" / "ready"
"""The components that were brought, a line each: a test that skips for want of one of these has no excuse."""
INSTALLERS = {
    "PostgreSQL": "tests.store.install",
    "WordPress": "tests.wordpress.install",
    "systemd": "tests.systemd.install",
    "WebSub": "tests.push.install",
    "SFTP": "tests.sftp.install",
    "Hugo": "tests.cms.hugo.install",
    "Eleventy": "tests.cms.eleventy.install",
    "Pelican": "tests.cms.pelican.install",
    "Wagtail": "tests.cms.wagtail.install",
    "MediaWiki": "tests.cms.mediawiki.install",
}
"""Component, as the reasons of skips begin, and the module that brings it: idempotent, exit code 0 when it is there."""
LONG: dict[str, str] = {
    "Plone": "tests.cms.plone.install",
    "Directus": "tests.cms.directus.install",
    "Strapi": "tests.cms.strapi.install",
    "Ghost": "tests.cms.ghost.install",
    "Micropub": "tests.cms.micropub.install",
    "Mastodon": "tests.cms.mastodon.install",
}
"""Those that take minutes, and social channels: brought by `python -m tests.lab --all` (make test-cms) only."""


def ready() -> frozenset[str]:
    """The components that this checkout's lab has."""
    return frozenset(READY.read_text(encoding="utf-8").split()) if READY.exists() else frozenset()


def unexcused(reasons: list[str], brought: frozenset[str]) -> list[str]:
    """The reasons of skips that name a component which is there."""
    return [reason for reason in reasons if reason.partition(":")[0] in brought]


def main() -> int:
    """0 also where something can't be had: its tests skip by name."""
    wanted = INSTALLERS | (LONG if "--all" in sys.argv[1:] else {})
    brought = []
    for component, installer in wanted.items():
        print(f"== {component}", flush=True)
        if subprocess.run([sys.executable, "-m", installer], cwd=ROOT, check=False).returncode == 0:
            brought.append(component)
    READY.parent.mkdir(parents=True, exist_ok=True)
    READY.write_text("".join(f"{component}\n" for component in brought), encoding="utf-8")
    print(f"lab: {', '.join(brought) or 'nothing'} ready")
    if lacking := [component for component in wanted if component not in brought]:
        print(f"lab: {', '.join(lacking)} can't be had here: their tests are skipped by name")
    return 0


if __name__ == "__main__":
    sys.exit(main())
