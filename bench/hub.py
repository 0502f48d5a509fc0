"""The place for the lab's WebSub hub: it verifies what subscribes and pushes what appears, signed, at once."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from urllib.parse import parse_qs, urlencode, urlsplit

PATH = "/hub"


class Hub:
    """The subscriptions by the number of their feed."""

    def __init__(self) -> None:
        self.verified: dict[int, tuple[str, str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def asked(self, body: bytes) -> None:
        """A request to subscribe; it is verified after it was answered."""
        told = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self._later(self._verify(told["hub.callback"], told["hub.topic"], told["hub.secret"]))

    def push(self, number: int, body: bytes) -> None:
        """Tell the subscriber of a feed what it shows now."""
        if number in self.verified:
            callback, secret = self.verified[number]
            signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            self._later(self._post(callback, signature, body))

    def _later(self, work: object) -> None:
        task = asyncio.get_running_loop().create_task(work)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _verify(self, callback: str, topic: str, secret: str) -> None:
        told = {"hub.mode": "subscribe", "hub.topic": topic, "hub.challenge": "lab", "hub.lease_seconds": "864000"}
        answer = await _exchange("GET", f"{callback}?{urlencode(told)}")
        if answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"\r\n\r\nlab"):
            self.verified[int(topic.rpartition("/")[2])] = (callback, secret)

    async def _post(self, callback: str, signature: str, body: bytes) -> None:
        await _exchange("POST", callback, f"x-hub-signature: sha256={signature}\r\n", body)


async def _exchange(method: str, url: str, headers: str = "", body: bytes = b"") -> bytes:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    head = f"{method} {target} HTTP/1.1\r\nhost: {parts.netloc}\r\nconnection: close\r\n{headers}"
    writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    answer = await reader.read()
    writer.close()
    return answer
