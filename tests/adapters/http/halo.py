"""Halo 2's user API for posts, as its published interface has it (@halo-dev/api-client, UcPostEndpoint): the rules that
syncd depends on, with state. A name is unique (400), a PUT with another metadata.version is refused, the text lies in
snapshots, and a reconciler moves the version after each write though nobody changed anything."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

Reply = tuple[int, dict[str, str], bytes]
_POSTS = "/apis/uc.api.content.halo.run/v1alpha1/posts"
_FILES = "/apis/uc.api.storage.halo.run/v1alpha1/attachments"
_OURS_NOT = ("owner", "publish", "headSnapshot", "baseSnapshot", "releaseSnapshot", "deleted")
"""What a PUT of the post can't change."""
_JSON = "content.halo.run/content-json"


class Halo:
    """conflict: the status of a lost race, 409, or 500 as older ones answer."""

    def __init__(self, token: str, *, conflict: int = 409) -> None:
        self.posts: dict[str, dict[str, Any]] = {}
        self.texts: dict[str, dict[str, str]] = {}
        self.files: dict[str, bytes] = {}
        self.token, self.conflict = token, conflict
        self.writes: list[str] = []

    # People at the site

    def edit(self, name: str, text: str) -> None:
        """Saved as a new snapshot and, if it was public, published."""
        self._new_head(name, text)
        self.texts[name]["released"] = text
        self._touch(name)

    def remove(self, name: str) -> None:
        del self.posts[name]

    # The server

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        parts = urlsplit(path)
        if parts.path.startswith("/archives/"):
            return self._page(parts.path.removeprefix("/archives/"))
        if (file := parts.path.removeprefix("/upload/")) in self.files:
            return 200, {"content-type": "application/octet-stream"}, self.files[file]
        if headers.get("authorization") != f"Bearer {self.token}":
            return _told(401, {"title": "Unauthorized", "status": 401, "detail": "Access denied."})
        if method != "GET":
            self.writes.append(f"{method} {parts.path}")
        if parts.path == _FILES and method == "POST":
            return self._upload(headers, body)
        told = json.loads(body) if body else {}
        words = parts.path.removeprefix(_POSTS).strip("/").split("/")
        if not parts.path.startswith(_POSTS):
            return _told(404, {"title": "Not Found", "detail": "No static resource."})
        if words == [""]:
            return self._create(told) if method == "POST" else _told(200, {"items": list(self.posts.values())})
        return self._one(method, words, told)

    def _one(self, method: str, words: list[str], told: dict[str, Any]) -> Reply:
        post = self.posts.get(words[0])
        if post is None:
            return _told(404, {"title": "Not Found", "detail": "The post was not found or deleted"})
        match (method, *words[1:]):
            case ("GET",):
                return _told(200, post)
            case ("PUT",):
                return self._update(words[0], told)
            case ("GET", "draft"):
                return _told(200, self._draft(words[0]))
            case ("PUT", "draft"):
                return self._write_draft(words[0], told)
            case ("PUT", "publish"):
                self.texts[words[0]]["released"] = self.texts[words[0]]["head"]
                return self._turn(words[0], True)
            case ("PUT", "unpublish"):
                return self._turn(words[0], False)
        return _told(404, {"title": "Not Found"})

    def _create(self, told: dict[str, Any]) -> Reply:
        name = told["metadata"]["name"]
        if name in self.posts:
            return _told(400, {"title": "Bad Request", "detail": "Duplicate name detected, please rename it and retry."})
        content = json.loads(told["metadata"]["annotations"].pop(_JSON))
        told["spec"] |= {"owner": "syncd", "headSnapshot": "s1", "baseSnapshot": "s1", "releaseSnapshot": ""}
        told["metadata"]["version"] = 0
        self.posts[name] = {**told, "status": {"phase": "DRAFT"}}
        self.texts[name] = {"head": content["content"], "released": ""}
        shown = copy.deepcopy(self.posts[name])
        self._touch(name)
        return _told(200, shown)

    def _update(self, name: str, told: dict[str, Any]) -> Reply:
        post = self.posts[name]
        if told["metadata"].get("version") != post["metadata"]["version"]:
            return _told(self.conflict, {"title": "Conflict", "detail": "Failed to update: version does not match"})
        kept = {key: post["spec"][key] for key in _OURS_NOT}
        told["metadata"]["annotations"].pop(_JSON, None)
        self.posts[name] = {**told, "spec": told["spec"] | kept, "status": post["status"]}
        return self._after(name)

    def _draft(self, name: str) -> dict[str, Any]:
        text = self.texts[name]["head"]
        notes = {"content.halo.run/patched-content": text, "content.halo.run/patched-raw": text}
        told = {"rawType": "HTML", "subjectRef": {"name": name}}
        head = self.posts[name]["spec"]["headSnapshot"]
        return {"metadata": {"name": head, "version": 1, "annotations": notes}, "spec": told}

    def _write_draft(self, name: str, told: dict[str, Any]) -> Reply:
        if told["spec"]["subjectRef"]["name"] != name:
            return _told(400, {"title": "Bad Request", "detail": "The snapshot does not belong to the given post."})
        if told["metadata"]["name"] != self.posts[name]["spec"]["headSnapshot"]:
            return _told(400, {"title": "Bad Request", "detail": "The snapshot was not the head snapshot of the post."})
        self._new_head(name, json.loads(told["metadata"]["annotations"].pop(_JSON))["content"])
        self._touch(name)
        return _told(200, self._draft(name))

    def _new_head(self, name: str, text: str) -> None:
        self.texts[name]["head"] = text
        head = self.posts[name]["spec"]["headSnapshot"]
        self.posts[name]["spec"]["headSnapshot"] = f"s{int(head[1:]) + 1}"

    def _turn(self, name: str, public: bool) -> Reply:
        self.posts[name]["spec"]["publish"] = public
        slug = self.posts[name]["spec"]["slug"]
        self.posts[name]["status"] = {"phase": "PUBLISHED" if public else "DRAFT", "permalink": f"/archives/{slug}"}
        return self._after(name)

    def _after(self, name: str) -> Reply:
        self._touch(name)
        shown = copy.deepcopy(self.posts[name])
        self._touch(name)
        return _told(200, shown)

    def _touch(self, name: str) -> None:
        self.posts[name]["metadata"]["version"] += 1

    def _upload(self, headers: Mapping[str, str], body: bytes) -> Reply:
        mark = headers["content-type"].partition("boundary=")[2].encode()
        part = next(each for each in body.split(b"--" + mark) if b'name="file"' in each)
        head, _, data = part.partition(b"\r\n\r\n")
        found = re.search(rb'filename="([^"]*)"', head)
        name = found[1].decode() if found else "x"
        self.files[name] = data.removesuffix(b"\r\n")
        return _told(200, {"metadata": {"name": name}, "status": {"permalink": f"/upload/{name}"}})

    def _page(self, slug: str) -> Reply:
        post = next((each for each in self.posts.values() if each["spec"]["slug"] == slug and each["spec"]["publish"]), None)
        if post is None:
            return 404, {"content-type": "text/html"}, b"<title>404</title>Not Found"
        text = f"<title>{post['spec']['title']}</title><article>{self.texts[slug]['released']}</article>"
        return 200, {"content-type": "text/html; charset=utf-8"}, text.encode()


def _told(status: int, told: Mapping[str, Any]) -> Reply:
    kind = "application/json" if status < 400 else "application/problem+json"
    return status, {"content-type": kind}, json.dumps(told, ensure_ascii=False).encode()
