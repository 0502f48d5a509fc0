"""The contract on a configured site: conform.run puts the site here and lets pytest collect this module."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar

from pydantic import BaseModel, SecretStr

from syncd.adapters.api import Adapter, CheckReport, Tools
from syncd.app.build import Way
from syncd.model import Post, RemoteDoc, RemoteRef, RemoteState
from syncd.testing.adapter_contract import AdapterContract, Editor
from syncd.web.api import Answer, Client, Limits, Validators
from syncd.web.client import Web


@dataclass(slots=True)
class Setup:
    """What the contract is run on. editor: the same CMS with another account, None for none. report: of the last check().

    speaks_http: whether the adapter has asked tools.client for anything so far; else no fault can meet it there.
    """

    way: Way
    column: str
    prefix: str
    now: Callable[[], datetime]
    editor: Way | None = None
    pages: bool = False
    report: CheckReport | None = None
    speaks_http: bool = False


class Heard:
    """web.api.Client over another one; `told` is called at every request."""

    def __init__(self, client: Client, told: Callable[[], None]) -> None:
        self._client, self._told = client, told

    async def get(
        self, url: str, *, validators: Validators = Validators(), headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        """As web.api.Client.get."""
        self._told()
        return await self._client.get(url, validators=validators, headers=headers, limits=limits)

    async def call(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"",
        limits: Limits | None = None,
    ) -> Answer:
        """As web.api.Client.call."""
        self._told()
        return await self._client.call(method, url, headers=headers, body=body, limits=limits)


class TestSite(AdapterContract):
    setup: ClassVar[Setup]

    def setup_method(self) -> None:
        told = type(self).setup
        type(self).column, type(self).prefix, type(self).has_pages = told.column, told.prefix, told.pages
        type(self).secrets = secrets_of(told.way.site.options)
        type(self).speaks_http = told.speaks_http

    def _hears(self) -> None:
        type(self).speaks_http = self.setup.speaks_http = True

    def now(self) -> datetime:
        return self.setup.now()

    def make_client(self) -> Client:
        way = self.setup.way
        self._web = Web(now=self.now, monotonic=time.monotonic, user_agent="syncd-conform", gap=0.0)  # noqa: TID251
        self._look = self._web.client("look", way.look, way.guard)
        return Heard(self._web.client(way.site.name, way.network, way.guard), self._hears)

    async def fetch(self, url: str) -> Answer:
        return await self._look.get(url)

    def make_adapter(self, tools: Tools) -> Adapter:
        return _made(self.setup.way, tools)

    def make_stranger(self, tools: Tools) -> Adapter | None:
        way = self.setup.way
        options = with_wrong_secrets(way.site.options)
        return None if options is None else _made(replace(way, site=replace(way.site, options=options)), tools)

    def make_editor(self, tools: Tools) -> Editor | None:
        way = self.setup.editor
        return None if way is None or not self.can.reads else Colleague(_made(way, tools), self.column, self.now)

    async def _open(self) -> None:
        await super()._open()
        self.setup.report = self.report


class Colleague:
    """An editor of the site who works through the same adapter, with an account of their own."""

    def __init__(self, adapter: Adapter, column: str, now: Callable[[], datetime]) -> None:
        self._adapter, self._column, self._now = adapter, column, now

    async def edit(self, ref: RemoteRef, html: str) -> None:
        doc: RemoteDoc = await self._adapter.read(ref)  # type: ignore[attr-defined]  # make_editor asks for it
        post = Post(doc.key, doc.title, html, self._column, 1, sent=self._now())
        await self._adapter.update(doc.ref, post, RemoteState.PUBLIC, None)

    async def remove(self, ref: RemoteRef) -> None:
        await self._adapter.withdraw(ref, "delete" if self._adapter.capabilities.delete else "unpublish")


def secrets_of(options: Any) -> tuple[str, ...]:
    """Every secret among a plug-in's options, however deep."""
    if isinstance(options, SecretStr):
        return (options.get_secret_value(),) if options.get_secret_value() else ()
    if isinstance(options, BaseModel):
        return secrets_of([getattr(options, name) for name in type(options).model_fields])
    inner = options.values() if isinstance(options, dict) else options if isinstance(options, list | tuple) else ()
    return tuple(secret for each in inner for secret in secrets_of(each))


def with_wrong_secrets(options: BaseModel) -> BaseModel | None:
    """The options with every secret wrong, however deep, None if there is none."""
    wrong = {name: made for name in type(options).model_fields if (made := _wrong(getattr(options, name))) is not None}
    return options.model_copy(update=wrong) if wrong else None


def _wrong(value: Any) -> Any:
    """The value with every secret in it wrong, None if there is none."""
    if isinstance(value, SecretStr):
        return SecretStr("wrong")
    if isinstance(value, BaseModel):
        return with_wrong_secrets(value)
    if isinstance(value, dict):
        return {name: _wrong_or_same(each) for name, each in value.items()} if secrets_of(value) else None
    if isinstance(value, list | tuple):
        return type(value)(_wrong_or_same(each) for each in value) if secrets_of(value) else None
    return None


def _wrong_or_same(value: Any) -> Any:
    made = _wrong(value)
    return value if made is None else made


def _made(way: Way, tools: Tools) -> Adapter:
    return way.kind(way.site, replace(tools, folder=way.folder, network=way.network))
