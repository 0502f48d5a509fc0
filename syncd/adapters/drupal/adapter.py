"""The Drupal adapter: one node per key under a UUID of ours, made public in one request, changed after a look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import BaseModel

from syncd.adapters.api import Capabilities, CheckReport, SiteConfig, Tools
from syncd.adapters.article import (
    WRAPPERS,
    Article,
    ArticleAdapter,
    Attached,
    Change,
    Content,
    File,
    tags,
    told_of,
    words,
)
from syncd.adapters.drupal.check import Checker, account_of
from syncd.adapters.drupal.files import Shelf, included
from syncd.adapters.drupal.jsonapi import api_of, data_of
from syncd.adapters.drupal.node import Node, id_of, parse
from syncd.adapters.drupal.options import Options
from syncd.adapters.drupal.terms import Columns
from syncd.adapters.json_api import Told
from syncd.errors import AdapterError, AuthFailed, NotFound, Rejected, Unknown
from syncd.model import Media, Post, RemoteState


class DrupalAdapter(ArticleAdapter):
    """One Drupal site. Class C: a second node of a UUID is refused by Drupal itself, but an update has no condition."""

    kind: ClassVar[str] = "drupal"
    cms: ClassVar[str] = "Drupal"
    Options: ClassVar[type[BaseModel]] = Options

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        options = Options.model_validate(site.options)
        super().__init__(site, tools, refused_files=options.refused_files)
        self._options = options
        self._api = api_of(tools.client, options)
        self._columns = Columns(self._api, options)
        self._shelf = Shelf(self._api, options)
        self._path = f"/node/{options.bundle}"
        self._me = ""
        self.capabilities = declared(options)

    async def check(self) -> CheckReport:
        """Reach, log-in, the right to write, content type, fields, columns, version, clock."""
        report = await Checker(self._api, self._options, self._columns).run(self.capabilities)
        self.capabilities = report.capabilities
        return report

    # Reading

    async def _look_up(self, key: str) -> Article | None:
        """By the UUID of our key; a node that the account may not see is an error and not None."""
        try:
            return await self._get(id_of(key))
        except NotFound:
            return None

    async def _get(self, id: str) -> Article:
        await self._account()
        include = {"include": ",".join(self._shelf.fields)} if self._shelf.fields else {}
        told = await self._api.get(f"{self._path}/{id}", include)
        node = self._node(told, writes=False)
        if node.id != id:
            raise self._api.garbled(told.answer, writes=False)
        return self._article(node, included(told.value))

    async def _account(self) -> None:
        """Raises AuthFailed where Drupal takes us for nobody, which is no error for it."""
        if self._me:
            return
        self._me = account_of((await self._api.get("")).value)
        if not self._me:
            raise AuthFailed("not_logged_in", "Drupal takes us for an anonymous visitor",
                             hint="check user and password and the module that takes them; then syncd check")

    def _node(self, told: Told, *, writes: bool) -> Node:
        node = parse(data_of(told), self._options)
        if node is None:
            raise self._api.garbled(told.answer, writes=writes)
        return node

    def _article(self, node: Node, files: Iterable[File] = ()) -> Article:
        other = bool(node.reviser and self._me and node.reviser != self._me)
        return Article(
            node.id, node.title, node.value, node.state, node.url(self._public_url, self._options.path_prefix),
            summary=node.summary, tracked=node.tracked, editor=f"user {node.reviser[:8]}" if other else "",
            first=node.created, files=self._shelf.ours(node, files), native=node)

    # Writing

    async def _make(self, post: Post, content: Content, state: RemoteState, files: tuple[Attached, ...]) -> Article:
        """The node in one request. Files that came before it are forgotten by Drupal itself if nothing refers to them."""
        id = id_of(post.key)
        attributes = {**self._attributes(content), **self._status(state), **self._language()}
        related = {name: {"data": held} for name, held in self._shelf.fields_of(files).items() if held}
        data = self._resource(id, attributes, {**related, **await self._term(post.column)})
        told = await self._api.send("POST", self._path, {"data": data}, creating=True)
        return self._article(await self._accepted(self._node(told, writes=True), id))

    async def _change(self, before: Article, change: Change) -> Article:
        """Only what differs is sent: each field that is sent needs the right to change it."""
        node: Node = before.native
        attributes = self._changed(node, change.content) if change.content else {}
        hidden = self._status(change.state) if change.state else {}
        attributes |= {name: value for name, value in hidden.items() if node.attributes.get(name) != value}
        related = await self._term(change.column) if change.column is not None else {}
        if change.files is not None:
            related |= {name: {"data": held} for name, held in self._shelf.fields_of(change.files, before).items()}
        data = self._resource(node.id, attributes, related)
        told = await self._api.send("PATCH", f"{self._path}/{node.id}", {"data": data})
        return self._article(self._node(told, writes=True))

    async def _remove(self, before: Article, *, checked: bool) -> None:
        await self._api.delete(f"{self._path}/{before.id}")

    def _stays(self, media: Media) -> str:
        return "" if self._shelf.field_of(media) else "no field for it is named in files_field or images_field"

    async def _send_file(self, media: Media, data: bytes, before: Article | None) -> File:
        return await self._shelf.send(media, data)

    async def _remove_file(self, file: File) -> None:
        await self._api.delete(f"/file/file/{file.id}")

    def _attributes(self, content: Content) -> dict[str, Any]:
        body = {"value": content.html, "format": self._options.text_format, "summary": content.summary}
        return {"title": content.title, self._options.body_field: body, **content.fields}

    def _fields(self, post: Post) -> dict[str, Any]:
        """What the site's own fields hold of the document; an empty one is null, so that an older value goes."""
        made: dict[str, Any] = {}
        for name, field in self._options.fields.items():
            value = told_of(post, name, self._zone)
            outer, _, inner = field.partition(".")
            made[outer] = ({inner: value} if inner else value) if value else None
        return made

    def _status(self, state: RemoteState) -> dict[str, Any]:
        """How a node is made public or not, in the words of this site."""
        names: dict[RemoteState, Literal["public", "draft", "withdrawn"]] = {
            RemoteState.PUBLIC: "public", RemoteState.DRAFT: "draft", RemoteState.WITHDRAWN: "withdrawn",
        }
        if self._options.publish == "moderation":
            return {"moderation_state": self._options.state(names[state])}
        if self._options.publish == "status":
            return {"status": state is RemoteState.PUBLIC}
        if state is RemoteState.DRAFT:
            raise Rejected("state", "no_drafts", 'publish = "default" leaves no choice: this route wants drafts',
                           hint='set publish to "status" or "moderation", or post_as = "publish" in the route')
        return {}

    def _language(self) -> dict[str, str]:
        return {"langcode": self._options.langcode} if self._options.langcode else {}

    async def _term(self, column: str) -> dict[str, Any]:
        id = await self._columns.id(column)
        kind = f"taxonomy_term--{self._options.vocabulary}"
        return {self._options.column_field: {"data": [{"type": kind, "id": id}]}} if id else {}

    async def _is_elsewhere(self, before: Article, post: Post) -> bool:
        id = await self._columns.id(post.column)
        held = {each.get("id") for each in before.native.related(self._options.column_field)}
        return bool(id) and id not in held

    def _resource(self, id: str, attributes: Mapping[str, Any], related: Mapping[str, Any]) -> dict[str, Any]:
        made = {"type": f"node--{self._options.bundle}", "id": id, "attributes": dict(attributes)}
        return made | ({"relationships": dict(related)} if related else {})

    async def _accepted(self, made: Node, id: str) -> Node:
        """The node, if Drupal took our id; else nothing would find it again, and it is removed."""
        if made.id == id:
            return made
        try:
            await self._api.delete(f"{self._path}/{made.id}")
        except AdapterError as error:
            raise Unknown("node_left", f"node {made.id} could not be removed: {error.message}",
                          hint="delete that node in Drupal") from error
        raise Rejected("id", "id_ignored", f"Drupal made node {made.id} and was asked for {id}",
                       hint="a module ignores ids of clients: nothing can be found again; switch it off for this content type")

    def _changed(self, before: Node, content: Content) -> dict[str, Any]:
        """The attributes that differ; the text too where the title does, since its seal holds the title."""
        body = self._options.body_field
        wanted = self._attributes(content)
        others = {name: value for name, value in wanted.items() if name != body}
        changed = {name: value for name, value in others.items() if not _holds(before.attributes.get(name), value)}
        return changed | ({body: wanted[body]} if not _holds(before.attributes.get(body), wanted[body]) else {})

    def _holds_fields(self, before: Article, content: Content) -> bool:
        node: Node = before.native
        format_ = (node.attributes.get(self._options.body_field) or {}).get("format")
        told = all(_holds(node.attributes.get(name), value) for name, value in content.fields.items())
        return told and format_ == self._options.text_format

    async def _settled(self, after: Article) -> Article:
        """A module may make the address only after the node was saved: the answer to the write doesn't know it."""
        if after.state is not RemoteState.PUBLIC or after.native.alias:
            return after
        try:
            later = await self._get(after.id)
        except AdapterError:
            return after
        return replace(after, url=later.url)

    def _losses(self, after: Article, content: Content) -> tuple[str, ...]:
        """What the text format hides when the node is shown."""
        shown = after.native.shown
        if not shown:
            return ()
        names = sorted((Counter(tags(content.html)) - Counter(tags(shown))).keys() - WRAPPERS)
        hidden = (f"the text format shows no {', '.join(names)}",) if names else ()
        return hidden + (("the text format hides part of the text",) if words(content.html) != words(shown) else ())


def declared(options: Options) -> Capabilities:
    """What Drupal can do for an account with all rights; check() fits it."""
    free: Literal["free", "fixed"] = "free" if options.create_columns else "fixed"
    return Capabilities(
        drafts=options.publish != "default", unpublish=options.publish != "default" and options.withdraw != "delete",
        delete=True, notice=options.withdraw == "notice", taxonomy=free if options.column_field else "none",
        media="endpoint" if options.files_field or options.images_field else "none", lookup="pk", unique="server",
        conditional_update="check_then_act", html="filtered", max_title=255, max_concurrency=2, reads=True,
    )


def _holds(held: Any, wanted: Any) -> bool:
    """Whether a field has a value; Drupal tells more parts of it than were sent."""
    if isinstance(wanted, dict) and isinstance(held, dict):
        return all(held.get(name) == value for name, value in wanted.items())
    return (held or None) == (wanted or None)
