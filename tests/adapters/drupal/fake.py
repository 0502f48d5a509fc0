"""Drupal as the documents and sources of its JSON:API say that it answers, as pure state. Never held against a real one.

https://www.drupal.org/docs/core-modules-and-themes/core-modules/jsonapi-module, core/modules/jsonapi/src/Controller
(EntityResource, EntryPoint, FileUpload), core/modules/node/src/NodeAccessControlHandler.
"""

from __future__ import annotations

import base64
import html
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Reply = tuple[int, dict[str, str], bytes]
API = "application/vnd.api+json"
PASSWORD = "a pass:word"
KEY = "0123456789abcdef0123456789abcdef"
_AUTHOR = frozenset({"access content", "create article content", "edit own article content", "delete own article content"})
_EDITOR = _AUTHOR | {"edit any article content", "delete any article content", "administer nodes", "create terms in columns",
                     "use text format full_html"}
USERS = {
    "syncd": _EDITOR, "editor": _EDITOR, "plain": _AUTHOR | {"use text format full_html"},
    "reader": frozenset({"access content"}),
}
"""Account: permissions. `plain` may not say whether its nodes are published."""
FORMATS = {
    "full_html": None,
    "basic_html": frozenset(re.split(" ", "a em strong cite blockquote code ul ol li dl dt dd h2 h3 h4 h5 h6 p br span img")),
}
"""Text format: the tags that it shows; None shows all."""
FIELDS = {"body", "field_number", "field_source", "field_column", "field_files", "field_images"}
EXTENSIONS = {"field_files": {"pdf", "doc", "txt"}, "field_images": {"png", "jpg"}}
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)\b[^>]*>")


class Refused(Exception):
    """An error as JSON:API tells it."""

    def __init__(self, status: int, title: str, detail: str, pointer: str = "") -> None:
        super().__init__(detail)
        self.status = status
        error: dict[str, Any] = {"title": title, "status": str(status), "detail": detail}
        if pointer:
            error["source"] = {"pointer": pointer}
        self.told = {"jsonapi": {"version": "1.0"}, "errors": [error]}


def forbidden(detail: str, pointer: str = "") -> Refused:
    return Refused(403, "Forbidden", detail, pointer)


def unprocessable(detail: str, pointer: str) -> Refused:
    return Refused(422, "Unprocessable Content", detail, pointer)


@dataclass
class Node:
    number: int
    id: str
    owner: str
    title: str
    created: datetime
    status: bool = True
    moderation: str = "draft"
    body: dict[str, str] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    related: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    revision: int = 1
    reviser: str = ""
    alias: str | None = None


@dataclass
class File:
    id: str
    owner: str
    name: str
    path: str
    data: bytes


@dataclass
class FakeDrupal:
    """`handle` takes a request and gives the answer. Switches: read_only (as JSON:API is installed), basic (the module HTTP
    Basic Authentication), revisions, moderated (Content Moderation), aliases (Pathauto), maintenance, own_ids (a module that
    ignores the client's)."""

    url: str = "http://127.0.0.1:8081"
    read_only: bool = False
    basic: bool = True
    revisions: bool = True
    moderated: bool = False
    aliases: bool = False
    maintenance: bool = False
    own_ids: bool = False
    nodes: dict[str, Node] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    terms: dict[str, str] = field(default_factory=lambda: {
        str(uuid.uuid5(uuid.NAMESPACE_URL, name)): name for name in ("要闻", "国务院文件", "Yaowen")
    })
    now: datetime = datetime(2026, 11, 30, tzinfo=UTC)
    last: int = 0

    # --- the way in ------------------------------------------------------------------------------------------------------

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        self.now = now.replace(microsecond=0)
        parts = urlsplit(path)
        words = [unquote(word) for word in parts.path.strip("/").split("/")]
        if words[:1] != ["jsonapi"]:
            return self._page(unquote(parts.path))
        if self.maintenance:
            return 503, {"content-type": "text/plain"}, b"The site is currently under maintenance."
        try:
            status, told = self._route(method, words[1:], dict(parse_qsl(parts.query)), headers, body)
        except Refused as refused:
            return refused.status, {"content-type": API}, json.dumps(refused.told).encode()
        text = b"" if status == 204 else json.dumps({"jsonapi": {"version": "1.0"}, **told}).encode()
        return status, {"content-type": API, "x-generator": "Drupal 10 (https://www.drupal.org)"}, text

    def _route(
        self, method: str, words: list[str], query: dict[str, str], headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, Any]]:
        if self.read_only and method not in ("GET", "HEAD", "OPTIONS"):
            raise Refused(405, "Method Not Allowed", "JSON:API is configured to accept only read operations. Site "
                          "administrators can configure this at http://127.0.0.1:8081/admin/config/services/jsonapi.")
        me = self._user(headers)
        type_ = API if words[-1:] not in (["field_files"], ["field_images"]) else "application/octet-stream"
        if method in ("POST", "PATCH") and headers.get("content-type") != type_:
            raise Refused(415, "Unsupported Media Type", f'No route found that matches "Content-Type: {type_}"')
        match words:
            case ["node", "article", *rest]:
                return self._nodes(method, rest, me, query, headers, body)
            case ["taxonomy_term", "columns", *rest]:
                return self._vocabulary(method, rest, me, query, body)
            case ["file", "file", id] if method == "DELETE":
                return self._drop(me, id)
            case [] if method == "GET":
                return 200, self._entry(me)
        raise self._nowhere(method, words)

    def _nodes(
        self, method: str, rest: list[str], me: str, query: dict[str, str], headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, Any]]:
        match (method, *rest):
            case ("GET",):
                return 200, self._collection(query)
            case ("POST",):
                return 201, {"data": self._told(self._create(me, body))}
            case ("POST", name) if name in EXTENSIONS:
                return 201, {"data": self._file(self._upload(me, name, headers, body))}
            case ("GET", id):
                return 200, self._one(me, id, query)
            case ("PATCH", id):
                return 200, {"data": self._told(self._patch(me, id, body))}
            case ("DELETE", id):
                return self._delete(me, id)
        raise self._nowhere(method, rest)

    def _vocabulary(
        self, method: str, rest: list[str], me: str, query: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, Any]]:
        if method == "POST" and not rest:
            return 201, {"data": self._new_term(me, json.loads(body)["data"])}
        return 200, self._terms(rest, query)

    def _nowhere(self, method: str, words: list[str]) -> Refused:
        return Refused(404, "Not Found", f'No route found for "{method} {self.url}/{"/".join(words)}"')

    # --- accounts ---------------------------------------------------------------------------------------------------------

    def _user(self, headers: Mapping[str, str]) -> str:
        """The account's name, "" for anybody: wrong credentials are no error in themselves."""
        if headers.get("api-key") == KEY:
            return "syncd"
        told = headers.get("authorization", "")
        if not self.basic or not told.startswith("Basic "):
            return ""
        name, _, password = base64.b64decode(told[6:]).decode().partition(":")
        return name if name in USERS and password == PASSWORD else ""

    def may(self, me: str, right: str) -> bool:
        return right in (USERS[me] if me else {"access content"})

    def id_of(self, user: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, user))

    def _deny(self, me: str, detail: str, pointer: str = "") -> Refused:
        if not me and self.basic:
            return Refused(401, "Unauthorized", "No authentication credentials provided.")
        return forbidden(detail, pointer)

    def _entry(self, me: str) -> dict[str, Any]:
        links: dict[str, Any] = {name: {"href": f"{self.url}/jsonapi"} for name in ("self", "node--article", "file--file")}
        made: dict[str, Any] = {"data": [], "links": links}
        if me:
            made["meta"] = {"links": {"me": {"meta": {"id": self.id_of(me)}, "href": f"{self.url}/jsonapi/user/user/x"}}}
        return made

    # --- terms ------------------------------------------------------------------------------------------------------------

    def _terms(self, rest: list[str], query: dict[str, str]) -> dict[str, Any]:
        if rest:
            if rest[0] not in self.terms:
                raise self._missing(f"/jsonapi/taxonomy_term/columns/{rest[0]}")
            return {"data": self._term(rest[0])}
        wanted = query.get("filter[name]", "").lower()  # as the database compares
        return {"data": [self._term(id) for id, name in self.terms.items() if name.lower() == wanted]}

    def _term(self, id: str) -> dict[str, Any]:
        number = list(self.terms).index(id) + 1
        told = {"name": self.terms[id], "drupal_internal__tid": number}
        return {"type": "taxonomy_term--columns", "id": id, "attributes": told}

    def _new_term(self, me: str, told: dict[str, Any]) -> dict[str, Any]:
        if not self.may(me, "create terms in columns"):
            raise self._deny(me, "The following permissions are required: 'create terms in columns' OR 'administer taxonomy'.")
        if told["id"] in self.terms:
            raise Refused(409, "Conflict", "Conflict: Entity already exists.")
        self.terms[told["id"]] = told["attributes"]["name"]
        return self._term(told["id"])

    # --- nodes ------------------------------------------------------------------------------------------------------------

    def _collection(self, query: dict[str, str]) -> dict[str, Any]:
        for name in query:
            found = re.fullmatch(r"filter\[(\w+)\]", name)
            if found and found[1] not in FIELDS:
                raise Refused(400, "Bad Request", f"Invalid nested filtering. The field `{found[1]}`, given in the path "
                                                  f"`{found[1]}`, does not exist.")
            if found and found[1] in ("body", "field_source"):
                raise Refused(400, "Bad Request", f"Invalid nested filtering. The field `{found[1]}`, given in the path "
                                                  f"`{found[1]}` is incomplete, it must end with one of the following "
                                                  "specifiers: `value`.")
        return {"data": []}

    def _missing(self, path: str) -> Refused:
        return Refused(404, "Not Found", f'The "entity" parameter was not converted for the path "{path}"')

    def _there(self, id: str) -> Node:
        if id not in self.nodes:
            raise self._missing(f"/jsonapi/node/article/{id}")
        return self.nodes[id]

    def _one(self, me: str, id: str, query: dict[str, str]) -> dict[str, Any]:
        node = self._there(id)
        if not node.status and not (me and (node.owner == me or self.may(me, "administer nodes"))):
            raise self._deny(me, "The current user is not allowed to GET the selected resource.")
        held = [self.files[each["id"]] for name in query.get("include", "").split(",") for each in node.related.get(name, [])]
        return {"data": self._told(node)} | ({"included": [self._file(each) for each in held]} if "include" in query else {})

    def _told(self, node: Node) -> dict[str, Any]:
        shown = {"value": "", "format": "full_html", "summary": "", **node.body}
        attributes = {
            "drupal_internal__nid": node.number, "drupal_internal__vid": node.revision, "title": node.title,
            "status": node.status, "created": node.created.isoformat(), "path": {"alias": node.alias, "pid": None},
            "body": {**shown, "processed": processed(shown["value"], shown["format"])} if node.body else None,
            **{name: node.fields.get(name) for name in ("field_number", "field_source")},
        }
        if self.moderated:
            attributes["moderation_state"] = node.moderation
        related = {
            "uid": {"data": {"type": "user--user", "id": self.id_of(node.owner)}},
            "revision_uid": {"data": {"type": "user--user", "id": self.id_of(node.reviser)}},
            **{name: {"data": node.related.get(name, [])} for name in ("field_column", "field_files", "field_images")},
        }
        return {"type": "node--article", "id": node.id, "attributes": attributes, "relationships": related}

    def _create(self, me: str, body: bytes) -> Node:
        if not self.may(me, "create article content"):
            raise self._deny(me, "The following permissions are required: 'administer nodes' OR 'create article content'.")
        told = self._document(body)
        id = told.get("id") or str(uuid.uuid4())
        if "title" not in told.get("attributes", {}):
            raise unprocessable("title: This value should not be null.", "/data/attributes/title")
        node = Node(self.last + 1, str(uuid.uuid4()) if self.own_ids else id, me, "", self.now, reviser=me)
        self._apply(me, node, told, "POST")
        if node.id in self.nodes:
            raise Refused(409, "Conflict", "Conflict: Entity already exists.")
        self.last += 1
        self.nodes[node.id] = node
        if self.aliases:
            node.alias = f"/zhengce/{node.number}"
        return node

    def _document(self, body: bytes) -> dict[str, Any]:
        try:
            told = json.loads(body)["data"]
        except (ValueError, KeyError) as error:
            raise Refused(400, "Bad Request", "Syntax error") from error
        if "type" not in told:
            raise Refused(400, "Bad Request", 'Resource object must include a "type".')
        return dict(told)

    def _patch(self, me: str, id: str, body: bytes) -> Node:
        node = self._there(id)
        own = me and node.owner == me and self.may(me, "edit own article content")
        if not own and not self.may(me, "edit any article content"):
            raise self._deny(me, "The current user is not allowed to PATCH the selected resource.")
        told = self._document(body)
        if told.get("id") != id:
            raise Refused(400, "Bad Request", f"The selected entity ({id}) does not match the ID in the payload.")
        self._apply(me, node, told, "PATCH")
        node.revision += self.revisions
        node.reviser = me if self.revisions else node.reviser
        return node

    def _apply(self, me: str, node: Node, told: dict[str, Any], method: str) -> None:
        """All or nothing: what is wrong is found before anything is changed."""
        attributes, related = told.get("attributes", {}), told.get("relationships", {})
        self._check_access(me, attributes, method)
        self._check_values(me, attributes)
        node.title = attributes.get("title", node.title)
        if "body" in attributes:
            node.body = dict(attributes["body"])
        for name in ("field_number", "field_source"):
            if name in attributes:
                node.fields[name] = attributes[name]
        for name, held in related.items():
            data = held["data"]
            node.related[name] = [data] if isinstance(data, dict) else list(data)
        node.status = attributes.get("status", node.status)
        if self.moderated:
            node.moderation = attributes.get("moderation_state", node.moderation)
            node.status = node.moderation == "published"

    def _check_access(self, me: str, attributes: Mapping[str, Any], method: str) -> None:
        if "status" in attributes and not self.may(me, "administer nodes"):
            detail = f"The current user is not allowed to {method} the selected field (status)."
            raise forbidden(detail, "/data/attributes/status")

    def _check_values(self, me: str, attributes: Mapping[str, Any]) -> None:
        if len(attributes.get("title", "")) > 255:
            detail = "title: This value is too long. It should have 255 characters or less."
            raise unprocessable(detail, "/data/attributes/title")
        format_ = (attributes.get("body") or {}).get("format", "basic_html")
        if format_ not in FORMATS or (format_ == "full_html" and not self.may(me, "use text format full_html")):
            detail = "body.0.format: The value you selected is not a valid choice."
            raise unprocessable(detail, "/data/attributes/body/format")
        if self.moderated and attributes.get("moderation_state", "draft") not in ("draft", "published", "archived"):
            detail = "moderation_state: State x does not exist on Editorial workflow"
            raise unprocessable(detail, "/data/attributes/moderation_state")
        for name in attributes:
            if name.startswith("field_") and name not in FIELDS:
                raise unprocessable(f"The attribute {name} does not exist on the node--article resource type.", "")

    def _delete(self, me: str, id: str) -> tuple[int, dict[str, Any]]:
        node = self._there(id)
        own = me and node.owner == me and self.may(me, "delete own article content")
        if not own and not self.may(me, "delete any article content"):
            raise self._deny(me, "The current user is not allowed to DELETE the selected resource.")
        del self.nodes[id]
        return 204, {}

    # --- files ------------------------------------------------------------------------------------------------------------

    def _upload(self, me: str, name: str, headers: Mapping[str, str], body: bytes) -> File:
        if not self.may(me, "create article content"):
            raise self._deny(me, "The current user is not allowed to POST the selected resource.")
        found = re.fullmatch(r'file; filename="([^"]+)"', headers.get("content-disposition", ""))
        if found is None:
            raise Refused(400, "Bad Request", '"Content-Disposition" header is required.')
        stem, _, ending = found[1].rpartition(".")
        if ending not in EXTENSIONS[name]:
            allowed = f'<em class="placeholder">{" ".join(sorted(EXTENSIONS[name]))}</em>'
            raise Refused(422, "Unprocessable Content", "Unprocessable Entity: file validation failed.\nOnly files with the "
                                                        f"following extensions are allowed: {allowed}.")
        names = [found[1], *(f"{stem}_{n}.{ending}" for n in range(99))]
        taken = {each.path for each in self.files.values()}
        path = next(p for each in names if (p := f"sites/default/files/{self.now:%Y-%m}/{each}") not in taken)
        file = File(str(uuid.uuid4()), me, path.rpartition("/")[2], path, body)
        self.files[file.id] = file
        return file

    def _file(self, file: File) -> dict[str, Any]:
        return {"type": "file--file", "id": file.id,
                "attributes": {"filename": file.name, "uri": {"value": f"public://{file.name}", "url": f"/{file.path}"}}}

    def _drop(self, me: str, id: str) -> tuple[int, dict[str, Any]]:
        if id not in self.files:
            raise self._missing(f"/jsonapi/file/file/{id}")
        if self.files[id].owner != me:
            raise forbidden("The current user is not allowed to DELETE the selected resource.")
        del self.files[id]
        return 204, {}

    def cron(self) -> None:
        """Files that nothing refers to go after six hours."""
        used = {each["id"] for node in self.nodes.values() for name in EXTENSIONS for each in node.related.get(name, [])}
        self.files = {id: file for id, file in self.files.items() if id in used}

    # --- what the public sees ---------------------------------------------------------------------------------------------

    def _page(self, path: str) -> Reply:
        for file in self.files.values():
            if path == f"/{file.path}":
                return 200, {"content-type": "application/octet-stream"}, file.data
        for node in self.nodes.values():
            if node.status and path in (f"/node/{node.number}", node.alias):
                title, text = html.escape(node.title), processed(node.body.get("value", ""), node.body.get("format", ""))
                page = f"<html><title>{title} | 某县人民政府</title><body><h1>{title}</h1>{text}</body></html>"
                return 200, {"content-type": "text/html; charset=UTF-8"}, page.encode()
        return 404, {"content-type": "text/html; charset=UTF-8"}, "<html><title>找不到页面</title></html>".encode()


def processed(value: str, format_: str) -> str:
    """filter_html: tags that the format doesn't allow go, their text stays; style and on* go from the rest."""
    allowed = FORMATS.get(format_)
    if allowed is None:
        return value
    text = _TAG.sub(lambda found: found[0] if found[1].lower() in allowed else "", value)
    return re.sub(r"\s(?:style|on[a-z]+)=\"[^\"]*\"", "", text)
