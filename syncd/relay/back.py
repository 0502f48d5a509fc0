"""The way back: what became of the documents at the sites, sealed like the feed, for whoever relayed them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from syncd.errors import ReadFailed
from syncd.relay import seal, wire


def status_bytes(signer: seal.Signer, by: str, issued: datetime, reposts: Sequence[dict[str, Any]]) -> bytes:
    """Rows of JSON as a sealed status file. by: who tells it."""
    told = {"by": by, "issued": issued.isoformat(), "reposts": list(reposts)}
    return signer.seal(json.dumps(told, ensure_ascii=False).encode(), wire.STATUS)


def read_status(sealed: bytes, trusted: Sequence[str], *, where: str) -> dict[str, Any]:
    """{"by", "key", "issued", "reposts"} of a status file that one of the trusted keys has sealed.

    Raises ReadFailed: relay_bad_signature, relay_tampered, not_understood.
    """
    by = seal.sealer(sealed)
    data = seal.opened(sealed, by if by in trusted else next(iter(trusted), ""), wire.STATUS, where=where)
    try:
        told = json.loads(data)
        return {"by": str(told["by"]), "key": by, "issued": str(told["issued"]), "reposts": list(told["reposts"])}
    except (ValueError, KeyError, TypeError) as error:
        hint = "is the other side a syncd of another version?"
        raise ReadFailed("not_understood", f"it is no status: {error}", where=where, hint=hint) from None
