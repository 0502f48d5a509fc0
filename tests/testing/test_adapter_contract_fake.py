"""The fake CMS's adapter keeps the contract of adapters, whatever the CMS is set to."""

from __future__ import annotations

from typing import ClassVar

from tests.testing.on_fake_cms import OnFakeCMS


class TestClassA(OnFakeCMS):
    switches: ClassVar = {"media": "endpoint", "max_title": 120, "max_body": 400_000}


class TestClassC(OnFakeCMS):
    """As WordPress is."""

    switches: ClassVar = {"unique": "app", "conditional_update": "check_then_act", "html": "filtered", "media": "endpoint"}


class TestTakesAnything(OnFakeCMS):
    switches: ClassVar = {"unique": "none", "conditional_update": "none", "drafts": False, "notice": False}


class TestParked(OnFakeCMS):
    switches: ClassVar = {"unique": "none", "lookup": "none", "unpublish": False}
