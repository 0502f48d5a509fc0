"""The Drupal adapter keeps the contract of adapters over the fake Drupal, which was made after its documents and sources."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any, ClassVar

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.drupal import DrupalAdapter
from syncd.testing.adapter_contract import AdapterContract
from syncd.web.api import Client
from tests.adapters.drupal.fake import KEY, PASSWORD, FakeDrupal
from tests.adapters.drupal.kit import NOW, Handled, Wang, options_of


class OnDrupal(AdapterContract):
    secrets = (PASSWORD, KEY, base64.b64encode(f"syncd:{PASSWORD}".encode()).decode())
    has_pages = True
    switches: ClassVar[dict[str, bool]] = {}
    options: ClassVar[dict[str, Any]] = {}

    def setup_method(self) -> None:
        self.ground, self.clock = FakeDrupal(**self.switches), NOW  # type: ignore[arg-type]

    def now(self) -> datetime:
        return self.clock

    async def pause(self, seconds: float) -> None:
        self.clock += timedelta(seconds=seconds)

    def make_client(self) -> Client:
        return Handled(self.ground, self.now)

    def make_adapter(self, tools: Tools, **more: Any) -> DrupalAdapter:
        told = options_of(self.ground) | self.options | more
        return DrupalAdapter(SiteConfig("county", self.ground.url, options=told), tools)

    def make_stranger(self, tools: Tools) -> DrupalAdapter:
        return self.make_adapter(tools, password="wrong")

    def make_editor(self, tools: Tools) -> Wang:
        return Wang(tools.client, self.ground.url)


class TestDrupal(OnDrupal):
    pass


class TestModeratedWithAliasesByKey(OnDrupal):
    switches: ClassVar = {"moderated": True, "aliases": True, "basic": True}
    options: ClassVar = {"publish": "moderation", "key_header": "api-key", "user": "", "password": KEY, "withdraw": "unpublish"}


class TestFilteredWithoutFilesOrColumns(OnDrupal):
    switches: ClassVar = {"revisions": False}
    options: ClassVar = {
        "text_format": "basic_html", "column_field": "", "files_field": "", "images_field": "", "fields": {},
        "withdraw": "delete",
    }
