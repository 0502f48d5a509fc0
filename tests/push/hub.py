"""A hub with state on the network in memory: it subscribes, verifies, denies, signs as told, repeats itself, keeps still."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

from syncd.status.callback import Callback
from syncd.testing.network import Reply
from tests.engine.rig import Rig

PUBLIC = "https://county.example/syncd/push"
PUSH = f'[push]\npublic_url = "{PUBLIC}"\n'
HUB = "https://hub.example/websub"
TOPIC = "http://central.example/feed.json"


async def ask(
    app: Callback, method: str, url: str, *, headers: Mapping[str, str] | None = None, chunks: Sequence[bytes] = (b"",),
    cut: bool = False,
) -> tuple[int, str]:
    """One request to the door, as a server hands it on. cut: the connection ends before the body does."""
    parts = urlsplit(url)
    scope = {
        "type": "http", "method": method, "path": parts.path, "query_string": parts.query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
    }
    waiting = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    waiting[-1]["more_body"] = cut
    said: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Mapping[str, object]) -> None:
        said.append(dict(message))

    await app(scope, receive, send)  # type: ignore[arg-type]
    start, body = said
    assert dict(start["headers"])[b"content-type"] == b"text/plain; charset=utf-8"  # type: ignore[call-overload]
    return int(str(start["status"])), bytes(body["body"]).decode()  # type: ignore[call-overload]


@dataclass
class Hub:
    """asked: every request, in order. subscribed: what was verified, by callback. says: how it answers requests."""

    rig: Rig
    asked: list[dict[str, str]] = field(default_factory=list)
    subscribed: dict[str, dict[str, str]] = field(default_factory=dict)
    says: Reply = (202, {}, b"")
    hosts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.app = Callback(lambda: self.rig.engine.pusher)
        for host in ("hub.example", "other-hub.example"):
            self.rig.wires.servers[host] = self._handler(host)
        self.offer(HUB)

    def offer(self, *hubs: str, topic: str = TOPIC) -> None:
        """The list names these hubs from now on."""
        server, shown = self.rig.servers["central"], self.rig.lists["central"]
        links = [f'<{hub}>; rel="hub"' for hub in hubs] + [f'<{topic}>; rel="self"']

        def handle(*request: object) -> Reply:
            status, headers, body = shown.handle(*request)  # type: ignore[arg-type]
            return status, {**headers, "link": ", ".join(links)}, body

        server.handler = handle

    def _handler(self, host: str):  # type: ignore[no-untyped-def]
        def handle(method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
            self.hosts.append(host)
            self.asked.append(dict(parse_qsl(body.decode())))
            return self.says

        return handle

    @property
    def last(self) -> dict[str, str]:
        return self.asked[-1]

    async def verify(self, *, lease: str = "1000", **wrong: str) -> int:
        """Verify the last request; the status that we gave. Only an echoed challenge counts."""
        request, challenge = self.last, "challenge <script>"
        told = {
            "hub.mode": request["hub.mode"], "hub.topic": request["hub.topic"], "hub.challenge": challenge,
            "hub.lease_seconds": lease, **{f"hub.{name}": value for name, value in wrong.items()},
        }
        status, text = await ask(self.app, "GET", f"{request['hub.callback']}?{urlencode(told)}")
        if status == 200 and text == challenge:
            if request["hub.mode"] == "subscribe":
                self.subscribed[request["hub.callback"]] = request
            else:
                self.subscribed.pop(request["hub.callback"], None)
        return status

    async def deny(self, reason: str = "not for you") -> int:
        told = {"hub.mode": "denied", "hub.topic": self.last["hub.topic"], "hub.reason": reason}
        return (await ask(self.app, "GET", f"{self.last['hub.callback']}?{urlencode(told)}"))[0]

    async def push(
        self, body: bytes = b"news", *, algorithm: str = "sha256", secret: str = "", chunks: Sequence[bytes] = (),
        headers: Mapping[str, str] | None = None, cut: bool = False,
    ) -> int:
        """Push to the only subscriber; the status that it gave. headers: instead of the signature."""
        (callback, request), = self.subscribed.items()
        sent = b"".join(chunks) or body
        signed = hmac.new((secret or request["hub.secret"]).encode(), sent, getattr(hashlib, algorithm)).hexdigest()
        told = headers if headers is not None else {"X-Hub-Signature": f"{algorithm}={signed}"}
        return (await ask(self.app, "POST", callback, headers=told, chunks=chunks or [body], cut=cut))[0]
