"""The Plone adapter: one item per key under an id of ours, made and then published, changed after a look."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel

from syncd.adapters.api import Capabilities, CheckReport, SiteConfig, Tools
from syncd.adapters.article import (
    SOMEBODY,
    Article,
    ArticleAdapter,
    Attached,
    Change,
    Content,
    File,
    fields_of,
    is_picture,
    name_of,
)
from syncd.adapters.json_api import Told
from syncd.adapters.plone.api import Moved, PloneApi
from syncd.adapters.plone.check import Checker
from syncd.adapters.plone.item import article_of, editor_of, id_of, spelt
from syncd.adapters.plone.options import Options
from syncd.errors import AdapterError, Conflict, NotFound, Rejected, Unknown
from syncd.model import Media, Post, RemoteState

T = TypeVar("T")
_MOST_MOVES = 3


class PloneAdapter(ArticleAdapter):
    """One Plone site. Class C: Plone refuses a second id in a folder, but an update has no condition."""

    kind: ClassVar[str] = "plone"
    cms: ClassVar[str] = "Plone"
    Options: ClassVar[type[BaseModel]] = Options

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        options = Options.model_validate(site.options)
        super().__init__(site, tools, refused_files=options.refused_files)
        self._options = options
        self._api = PloneApi(tools.client, options)
        self._folders = tuple(dict.fromkeys(options.columns.values()))
        self._logged_in = False
        self.capabilities = declared(options)

    async def check(self) -> CheckReport:
        """Reach, log-in, type, fields, columns, rights in each, the folder of files, clock."""
        return await Checker(self._api, self._options).run(self.capabilities)

    # Reading

    async def _look_up(self, key: str) -> Article | None:
        """By the id in each column's folder: a column may have been another when the post was made."""
        id = id_of(key)
        for folder in self._folders:
            try:
                found = await self._get(f"{folder}/{id}")
            except NotFound:
                continue
            if found.id.rpartition("/")[2] == id and found.opened.key in ("", key):
                return found
        return None

    async def _get(self, id: str) -> Article:
        """Where it is now: an editor may have moved it. For an item that is not there Plone gives one of the same id from a
        folder above (acquisition): it is the one that was moved there if it bears our seal, else a namesake."""
        await self._log_in()
        asked, told = await self._followed(id)
        path = self._api.below(told.value.get("@id"))
        article = article_of(told.value, path, self._options, self._public_url)
        if article is None:
            raise self._api.garbled(told.answer, writes=False)
        if path != asked and id_of(article.opened.key) != asked.rpartition("/")[2]:
            raise NotFound("not_found", f"{asked} is not there; Plone gave {path} in its place")
        return replace(article, editor=await self._editor(article))

    async def _followed(self, path: str) -> tuple[str, Told]:
        """An answer, with the path that it is the answer for."""
        for _ in range(_MOST_MOVES):
            try:
                return path, await self._api.get(path)
            except Moved as moved:
                path = moved.path
        raise NotFound("moved", "the item was moved again and again", hint="look at it in Plone")

    async def _editor(self, article: Article) -> str:
        """Asked only where something differs from what we wrote and published: it costs a request."""
        if article.opened.whole and article.shown_state is not RemoteState.DRAFT:
            return ""
        told = await self._api.get(f"{article.id}/@history", several=True)
        editor = editor_of(told.items, self._options.user, made_by_us=bool(article.opened.key))
        return SOMEBODY if editor is None and not article.opened.whole else editor or ""

    async def _log_in(self) -> None:
        """Plone gives to wrong credentials what anybody may see; this it gives to none but accounts."""
        if not self._logged_in:
            await self._api.get("/@types", several=True)
            self._logged_in = True

    # Writing

    async def _make(self, post: Post, content: Content, state: RemoteState, files: tuple[Attached, ...]) -> Article:
        """Private first: Plone publishes by a request of its own, and until then only we see it."""
        if state is RemoteState.DRAFT and not self._options.publish:
            raise Rejected("state", "no_drafts", 'publish = "" means no workflow: this route wants drafts',
                           hint='name the transition in publish, or set post_as = "publish" in the route')
        language = {"language": self._options.language} if self._options.language else {}
        document = {"@type": self._options.type, "id": id_of(post.key), **language, **self._document(content)}
        told = await self._api.send("POST", self._folder(post.column), document, creating=True)
        made = self._written(told.value, self._api.below(told.value.get("@id")))
        await self._accepted(made, state)
        return await self._shown_last(made) if state is RemoteState.PUBLIC else made

    async def _accepted(self, made: Article, state: RemoteState) -> None:
        """What is public already and was to be a draft is removed: nobody has approved it."""
        try:
            _refuse_hiding(made, state)
        except Rejected:
            await self._sure(self._remove(made, checked=False), f"{made.id} is public and could not be removed")
            raise

    async def _shown_last(self, article: Article) -> Article:
        """Published after a write that was done: whatever fails now does not undo that one."""
        return await self._sure(self._published(article), f"{article.id} is written and could not be published")

    async def _sure(self, second: Awaitable[T], what: str) -> T:
        """A second request, whose failure leaves what the first one did. Raises Unknown."""
        try:
            return await second
        except AdapterError as error:
            raise Unknown("half_done", f"{what}: {error.message}", where=error.where, hint=error.hint) from error

    async def _change(self, before: Article, change: Change) -> Article:
        """What is to be shown is shown last."""
        state, after = change.state or before.state, before
        _refuse_hiding(before, state)
        if change.content is not None:
            told = await self._api.send("PATCH", before.id, self._document(change.content))
            after = self._written(told.value, before.id)
        publish = self._published if after is before else self._shown_last
        return await publish(after) if state is RemoteState.PUBLIC else after

    async def _remove(self, before: Article, *, checked: bool) -> None:
        await self._api.delete(before.id)

    async def _published(self, article: Article) -> Article:
        """By the workflow's transition, if it is not public yet; again is no harm (Plone answers as the first time)."""
        if article.state is RemoteState.PUBLIC or not self._options.publish:
            return article
        told = await self._api.send("POST", f"{article.id}/@workflow/{self._options.publish}", {})
        if not isinstance(told.value.get("review_state"), str):
            raise self._api.garbled(told.answer, writes=True)
        if told.value["review_state"] not in self._options.public_states:  # submitted, and waits for an editor
            return article
        return replace(article, state=RemoteState.PUBLIC, url=f"{self._public_url}{article.id}")

    def _written(self, value: Mapping[str, Any], path: str) -> Article:
        """The item of an answer to a write; one that cannot be read leaves open what was done."""
        article = article_of(value, path, self._options, self._public_url) if path else None
        if article is None:
            raise Unknown("not_json", "Plone's answer to a write tells no item",
                          hint="open the address: a page of an add-on or a firewall may stand in the answer")
        return article

    def _document(self, content: Content) -> dict[str, Any]:
        text = {"data": spelt(content.html), "content-type": "text/html"}
        return {"title": content.title, "description": html.unescape(content.summary), self._options.text_field: text,
                **content.fields}

    def _folder(self, column: str) -> str:
        folder = self._options.columns.get(column)
        if folder is None:
            raise Rejected("column", "no_such_column", f"no folder is named for the column {column!r}",
                           hint=f"name it in columns: {column!r} = the path of its folder in Plone")
        return folder

    def _fields(self, post: Post) -> Mapping[str, Any]:
        return fields_of(post, self._options.fields, self._zone)

    def _losses(self, after: Article, content: Content) -> tuple[str, ...]:
        """Plone passes over fields that the type lacks or the account may not write."""
        return tuple(f"Plone does not keep the field {field}" for field, value in content.fields.items()
                     if (after.tracked.get(field) or None) != value)

    # Files

    async def _send_for(self, post: Post, media: Media, data: bytes, before: Article | None) -> File:
        """Beside each other in one folder, each the file of one item, so that it can go with it."""
        if not self._options.files_folder:
            raise Rejected("media", "no_files_folder", "no folder for files is named in files_folder")
        owner = before.id.rpartition("/")[2] if before else id_of(post.key)
        id = f"{owner}-{name_of(media)}"
        path, picture = f"{self._options.files_folder}/{id}", is_picture(media)
        try:
            await self._upload(id, media, data)
        except Conflict as conflict:  # an earlier try of ours has sent it
            if conflict.kind != "exists":
                raise
        link = f"{self._public_url}{path}/@@images/image" if picture else f"{self._public_url}{path}/@@download/file"
        return File(path, link, id)

    async def _upload(self, id: str, media: Media, data: bytes) -> None:
        kind, field = ("Image", "image") if is_picture(media) else ("File", "file")
        value = {"data": base64.b64encode(data).decode(), "encoding": "base64", "filename": media.name,
                 "content-type": media.type}
        document = {"@type": kind, "id": id, "title": media.title or media.name, field: value}
        body = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
        await self._api.upload(self._options.files_folder, body, {"content-type": "application/json"})

    async def _remove_file(self, file: File) -> None:
        await self._api.delete(file.id)


def _refuse_hiding(article: Article, state: RemoteState) -> None:
    """A workflow that makes everything public at once, or an item that is public, has no place for a draft."""
    if state is RemoteState.DRAFT and article.state is RemoteState.PUBLIC:
        raise Rejected("state", "no_drafts", f"{article.id} is public and was to be a draft",
                       hint="give the content type a workflow whose first state is private, or post_as = \"publish\"")


def declared(options: Options) -> Capabilities:
    """What Plone can do for an account with the rights that docs/adapters/plone.md asks for.

    An item whose publication lies in the future is public at its address all the same: Plone only lists it later.
    """
    workflow = bool(options.publish)
    return Capabilities(
        drafts=workflow, schedule="hides_only", delete=True, notice=options.withdraw == "notice", taxonomy="fixed",
        media="endpoint" if options.files_folder else "none", lookup="path", unique="server",
        conditional_update="check_then_act", atomic_publish=not workflow, html="filtered",
        max_title=1024, max_concurrency=1, reads=True,
    )
