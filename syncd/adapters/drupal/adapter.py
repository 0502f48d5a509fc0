"""The Drupal adapter: one node per key under a UUID of ours, made public in one request, changed after a look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from selectolax.lexbor import LexborHTMLParser

from syncd.adapters import sealed
from syncd.adapters.api import Capabilities, CheckReport, How, SiteConfig, Tools
from syncd.adapters.credit import Times
from syncd.adapters.drupal.check import Checker, account_of
from syncd.adapters.drupal.files import File, Placed, Shelf, included
from syncd.adapters.drupal.jsonapi import api_of, data_of
from syncd.adapters.drupal.node import Node, id_of, parse
from syncd.adapters.drupal.options import Options
from syncd.adapters.drupal.terms import Columns
from syncd.adapters.json_api import Told
from syncd.core import visible
from syncd.errors import AdapterError, AuthFailed, Conflict, NotApplied, NotFound, Rejected, StoreError, Unknown
from syncd.model import Media, Post, RemoteDoc, RemoteRef, RemoteState, WriteResult, Wrote

_WRAPPERS = frozenset({"div", "span", "html", "head", "body"})
"""Tags whose loss shows nowhere."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A node with the files that its fields hold."""

    node: Node
    files: Sequence[File]


class DrupalAdapter:
    """One Drupal site. Class C: a second node of a UUID is refused by Drupal itself, but an update has no condition."""

    api_version: ClassVar[int] = 1
    kind: ClassVar[str] = "drupal"
    Options: ClassVar[type[BaseModel]] = Options

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        options = Options.model_validate(site.options)
        self._options = options
        self._public_url = site.public_url
        self._zone = ZoneInfo(site.timezone)
        self._tools = tools
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

    async def find(self, key: str) -> RemoteRef | None:
        """The node with the UUID of our key, in every state; one that the account may not see is an error and not None."""
        await self._account()
        try:
            found = await self._get(id_of(key))
        except NotFound:
            return None
        return self._ref(found.node)

    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        """Files first, which Drupal forgets by itself if nothing comes to refer to them; then the node in one request.

        Raises Conflict("exists") for a key that is taken.
        """
        bytes_of = self._bytes(post)
        id = id_of(post.key)
        if post.media and await self.find(post.key) is not None:  # before files are sent for nothing
            raise Conflict("exists", f"Drupal has node {id} already", hint="it is found by its id")
        placed = await self._shelf.place(post, bytes_of, None, ())
        times = Times(self._zone, post.sent or self._tools.now(), posted=state is RemoteState.PUBLIC)
        attributes = {**self._text(post, placed, times), **self._status(state), **self._language()}
        data = self._resource(id, attributes, {**_related(placed.fields), **await self._term(post)})
        told = await self._api.send("POST", self._path, {"data": data}, creating=True)
        made = await self._accepted(self._node(told, writes=True), id)
        return await self._result(made, Wrote.CREATED, attributes, (*placed.losses, *_held_back(made, state)))

    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        """A look just before is all the condition that Drupal allows. Only what differs is sent: each field that is sent
        needs the right to change it."""
        bytes_of = self._bytes(post)
        await self._account()
        before = await self._get(ref.id)
        self._compare(before.node, if_version)
        placed = await self._shelf.place(post, bytes_of, before.node, before.files)
        public = before.node.state is RemoteState.PUBLIC
        times = Times(self._zone, post.sent or self._tools.now(), before.node.created if public else None,
                      posted=public or state is RemoteState.PUBLIC)
        attributes = self._text(post, placed, times)
        changes = {**self._changed(before.node, attributes), **self._moved(before.node, state)}
        related = self._refiled(before.node, placed) | ({} if public else await self._term_if_other(before.node, post))
        if not changes and not related:
            return WriteResult(self._ref(before.node), Wrote.UNCHANGED, placed.losses, self._doc(before.node))
        after = await self._patch(before.node, changes, related)
        left = await self._shelf.tidy(placed.left)
        return await self._result(after, Wrote.UPDATED, attributes, (*placed.losses, *left, *_held_back(after, state)))

    async def withdraw(self, ref: RemoteRef, how: How, if_version: str | None = None) -> WriteResult:
        """notice: the text gives way to a notice; unpublish: that, and nobody sees it; delete: the node is removed."""
        await self._account()
        try:
            before = await self._get(ref.id)
            if how != "delete" and before.node.state is RemoteState.WITHDRAWN:
                return WriteResult(self._ref(before.node), Wrote.ALREADY)
            self._compare(before.node, if_version)
            placed = await self._shelf.place(_without_files(), {}, before.node, before.files)
            after = await self._take_down(before.node, how, placed)
        except NotFound:
            return WriteResult(replace(ref, state=RemoteState.WITHDRAWN, version=""), Wrote.ALREADY)
        left = await self._shelf.tidy(placed.left)
        gone = RemoteRef(ref.id, ref.url, "", RemoteState.WITHDRAWN)
        return WriteResult(self._ours(after) if after else gone, Wrote.WITHDRAWN, left)

    async def read(self, ref: RemoteRef) -> RemoteDoc:
        """Title and text as Drupal stores them; our own credit is left out as long as nobody has changed it."""
        await self._account()
        return self._doc((await self._get(ref.id)).node)

    async def aclose(self) -> None:
        """Nothing is kept open."""

    # Reading

    async def _account(self) -> str:
        """Our account's UUID. Raises AuthFailed where Drupal takes us for nobody, which is no error for it."""
        if not self._me:
            told = await self._api.get("")
            self._me = account_of(told.value)
            if not self._me:
                raise AuthFailed("not_logged_in", "Drupal takes us for an anonymous visitor",
                                 hint="check user and password and the module that takes them; then syncd check")
        return self._me

    async def _get(self, id: str) -> _Found:
        include = {"include": ",".join(self._shelf.fields)} if self._shelf.fields else {}
        told = await self._api.get(f"{self._path}/{id}", include)
        node = self._node(told, writes=False)
        if node.id != id:
            raise self._api.garbled(told.answer, writes=False)
        return _Found(node, included(told.value))

    def _node(self, told: Told, *, writes: bool) -> Node:
        node = parse(data_of(told), self._options)
        if node is None:
            raise self._api.garbled(told.answer, writes=writes)
        return node

    def _ref(self, node: Node) -> RemoteRef:
        other = bool(node.reviser and self._me and node.reviser != self._me)
        return replace(self._ours(node), modified_by=f"user {node.reviser[:8]}" if other else None)

    def _ours(self, node: Node) -> RemoteRef:
        """What we have just written."""
        return RemoteRef(node.id, node.url(self._public_url, self._options.path_prefix), node.version, node.state)

    def _doc(self, node: Node) -> RemoteDoc:
        return RemoteDoc(self._ref(node), node.opened.key, node.title, node.opened.html)

    # Writing

    def _bytes(self, post: Post) -> dict[str, bytes]:
        """The files, read before anything is written."""
        try:
            return {media.sha256: self._tools.blobs.read(media.sha256) for media in post.media}
        except StoreError as cause:
            raise NotApplied(cause.reason, cause.message, where=cause.where, hint=cause.hint) from cause

    def _text(self, post: Post, placed: Placed, times: Times) -> dict[str, Any]:
        offered = [media for media in post.media if not _is_picture(media)]
        body = {"value": sealed.compose(post, placed.addresses, offered, times), "format": self._options.text_format,
                "summary": sealed.excerpt(post)}
        return {"title": post.title, self._options.body_field: body, **self._fields(post)}

    def _fields(self, post: Post) -> dict[str, Any]:
        """What the site's own fields hold of the document; an empty one is null, so that an older value goes."""
        made: dict[str, Any] = {}
        for name, field in self._options.fields.items():
            value = f"{post.published.at.astimezone(self._zone):%Y-%m-%d}" if name == "published" and post.published else (
                "" if name == "published" else getattr(post, name))
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

    async def _term(self, post: Post) -> dict[str, Any]:
        id = await self._columns.id(post.column)
        kind = f"taxonomy_term--{self._options.vocabulary}"
        return {self._options.column_field: {"data": [{"type": kind, "id": id}]}} if id else {}

    async def _term_if_other(self, before: Node, post: Post) -> dict[str, Any]:
        """A post that comes back gets its column again; one that stayed public keeps what editors gave it."""
        wanted = await self._term(post)
        held = {each.get("id") for each in before.related(self._options.column_field)}
        return {} if all(value["data"][0]["id"] in held for value in wanted.values()) else wanted

    def _resource(self, id: str, attributes: Mapping[str, Any], related: Mapping[str, Any]) -> dict[str, Any]:
        made = {"type": f"node--{self._options.bundle}", "id": id, "attributes": dict(attributes)}
        return made | ({"relationships": dict(related)} if related else {})

    async def _patch(self, before: Node, attributes: Mapping[str, Any], related: Mapping[str, Any]) -> Node:
        data = self._resource(before.id, attributes, related)
        return self._node(await self._api.send("PATCH", f"{self._path}/{before.id}", {"data": data}), writes=True)

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

    def _changed(self, before: Node, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """The attributes that differ from what is there, but for the minutes of the last change."""
        body = self._options.body_field
        others = {name: value for name, value in attributes.items() if name != body}
        changed = {name: value for name, value in others.items() if not _holds(before.attributes.get(name), value)}
        wanted = attributes[body]
        held = before.attributes.get(body) or {}
        same = sealed.same(sealed.settled(before.value), sealed.settled(wanted["value"]))
        told = (held.get("summary") or "", held.get("format")) == (wanted["summary"], wanted["format"])
        if not same or not told or "title" in changed:  # the seal holds the title
            changed[body] = wanted
        return changed

    def _moved(self, before: Node, state: RemoteState) -> dict[str, Any]:
        """An update never unpublishes; it publishes what is to be public and is not."""
        if before.published and not before.opened.notice:
            return {}
        if before.state is state:
            return {}
        wanted = self._status(state)
        return {name: value for name, value in wanted.items() if before.attributes.get(name) != value}

    def _refiled(self, before: Node, placed: Placed) -> dict[str, Any]:
        """The file fields that are to hold something else than they do."""
        return {name: {"data": held} for name, held in placed.fields.items()
                if [each["id"] for each in held] != [each.get("id") for each in before.related(name)]}

    async def _take_down(self, before: Node, how: How, placed: Placed) -> Node | None:
        if how == "delete":
            await self._api.delete(f"{self._path}/{before.id}")
            return None
        opened = before.opened
        notice = sealed.compose_notice(
            opened.key or before.id, before.title, opened.lang, opened.source, Times(self._zone, self._tools.now()))
        body = {"value": notice, "format": self._options.text_format, "summary": ""}
        hidden = self._status(RemoteState.WITHDRAWN) if how == "unpublish" or not before.published else {}
        change = {name: value for name, value in hidden.items() if before.attributes.get(name) != value}
        return await self._patch(before, {self._options.body_field: body, **change}, self._refiled(before, placed))

    def _compare(self, before: Node, if_version: str | None) -> None:
        if if_version is not None and before.version != if_version:
            raise Conflict("version", f"node {before.number} was changed at the site",
                           hint="compare it with its revisions in Drupal")

    async def _result(self, after: Node, outcome: Wrote, sent: Mapping[str, Any], losses: tuple[str, ...]) -> WriteResult:
        """The write has been answered: whatever fails from here is no reason to doubt it."""
        losses = (*losses, *_lost(after, sent["title"], sent[self._options.body_field]["value"]))
        if after.state is RemoteState.PUBLIC and not after.alias:
            after = await self._with_alias(after)
        return WriteResult(self._ours(after), outcome, losses, replace(self._doc(after), ref=self._ours(after)))

    async def _with_alias(self, after: Node) -> Node:
        """A module may make the address only after the node was saved: the answer to the write doesn't know it."""
        try:
            later = (await self._get(after.id)).node
        except AdapterError:
            return after
        return replace(after, alias=later.alias)


def declared(options: Options) -> Capabilities:
    """What Drupal can do for an account with all rights; check() fits it."""
    free: Literal["free", "fixed"] = "free" if options.create_columns else "fixed"
    return Capabilities(
        drafts=options.publish != "default", unpublish=options.publish != "default" and options.withdraw != "delete",
        delete=True, notice=options.withdraw == "notice", taxonomy=free if options.column_field else "none",
        media="endpoint" if options.files_field or options.images_field else "none", lookup="pk", unique="server",
        conditional_update="check_then_act", html="filtered", max_title=255, max_concurrency=2, reads=True,
    )


def _related(fields: Mapping[str, list[Mapping[str, Any]]]) -> dict[str, Any]:
    return {name: {"data": held} for name, held in fields.items() if held}


def _without_files() -> Post:
    """What a withdrawn document holds of files: none."""
    return Post(key="", title="", html="", column="", revision=0)


def _holds(held: Any, wanted: Any) -> bool:
    """Whether a field has a value; Drupal tells more parts of it than were sent."""
    if isinstance(wanted, dict) and isinstance(held, dict):
        return all(held.get(name) == value for name, value in wanted.items())
    return (held or None) == (wanted or None)


def _held_back(after: Node, state: RemoteState) -> tuple[str, ...]:
    """What was to be public and is kept unpublished: it is written, and waits for an editor as a draft does."""
    if state is not RemoteState.PUBLIC or after.published:
        return ()
    return (f"Drupal keeps node {after.number} unpublished: the account may not publish, or a workflow holds it; see publish"
            " and states in the options",)


def _lost(after: Node, title: str, value: str) -> tuple[str, ...]:
    """What is stored otherwise than sent, and what the text format hides when it is shown."""
    losses = []
    if after.title != title:
        losses.append("Drupal rewrote the title")
    if not sealed.same(after.value, value):
        losses.append("Drupal rewrote the HTML")
    if after.shown:
        hidden = Counter(_tags(value)) - Counter(_tags(after.shown))
        if names := sorted(hidden.keys() - _WRAPPERS):
            losses.append(f"the text format shows no {', '.join(names)}")
        if _words(value) != _words(after.shown):
            losses.append("the text format hides part of the text")
    return tuple(losses)


def _tags(markup: str) -> list[str]:
    root = LexborHTMLParser(markup).body
    return [node.tag or "" for node in root.traverse()] if root is not None else []


def _words(markup: str) -> str:
    root = LexborHTMLParser(markup).body
    return visible.normalise(root.text()) if root is not None else ""


def _is_picture(media: Media) -> bool:
    return media.type.startswith("image/")
