"""Seals: bytes with an Ed25519 signature (RFC 8032) as their last line, and the keys that make and check them.

The seal is a processing instruction, which XML allows after the root element, so that a sealed feed is still one:

    <?syncd-seal ed25519:PUBLIC-KEY SIGNATURE?>

Both are 64 and 128 small hexadecimal digits: each seal is written in one way only, so that no byte of it can be changed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from syncd.errors import ReadFailed, SyncdError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_PUBLIC = re.compile(r"ed25519:[0-9a-f]{64}")
_PRIVATE = re.compile(r"ed25519-private:[0-9a-f]{64}")
_SEAL = re.compile(rb"\n<\?syncd-seal (ed25519:[0-9a-f]{64}) ([0-9a-f]{128})\?>\n\Z")
_LENGTH = len("\n<?syncd-seal  ?>\n") + len("ed25519:") + 64 + 128
_OTHER_KEY = "ask who runs the relay for its public key, by another way than this one, and correct options.public_key"
_CHANGED = "it was changed or cut on its way: nothing was taken from it; fetch or copy it again, and find out what lies between"


class Signer:
    """A private key. public: the key that others check by."""

    def __init__(self, private: str) -> None:
        """private: as `keygen` gives it. Raises SyncdError("bad_key"), which does not show it."""
        if not _PRIVATE.fullmatch(private.strip()):
            raise SyncdError("bad_key", "it is no private key", hint="make one with: syncd relay keygen FILE")
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # 6 MB, of use to relays only

        self._key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(private.strip().partition(":")[2]))
        self.public = _told(self._key.public_key())

    def seal(self, data: bytes, purpose: str) -> bytes:
        """The data with its seal. purpose: what it is; a seal for another purpose does not fit."""
        signature = self._key.sign(_meant(data, purpose)).hex()
        return data + f"\n<?syncd-seal {self.public} {signature}?>\n".encode()


def keygen() -> tuple[str, str]:
    """A new (private, public) key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    return f"ed25519-private:{key.private_bytes_raw().hex()}", _told(key.public_key())


def is_public(key: str) -> bool:
    return _PUBLIC.fullmatch(key) is not None


def opened(sealed: bytes, public: str, purpose: str, *, where: str = "") -> bytes:
    """The data without its seal, which is sound and of this key.

    Raises ReadFailed: relay_bad_signature when it is sealed by another key, relay_tampered when it has no whole seal or one
    that does not fit.
    """
    found = _SEAL.search(sealed, max(0, len(sealed) - _LENGTH))
    if found is None:
        raise ReadFailed("relay_tampered", "it has no whole seal at its end", where=where, hint=_CHANGED)
    if found[1].decode() != public:
        told = f"it is sealed by {found[1].decode()}, not by {public or 'a key that is configured'}"
        raise ReadFailed("relay_bad_signature", told, where=where, hint=_OTHER_KEY)
    data = sealed[: found.start()]
    if not _fits(public, bytes.fromhex(found[2].decode()), _meant(data, purpose)):
        raise ReadFailed("relay_tampered", "its seal does not fit it", where=where, hint=_CHANGED)
    return data


def sealer(sealed: bytes) -> str:
    """The public key that a seal names, unchecked; "" where there is no whole seal."""
    found = _SEAL.search(sealed, max(0, len(sealed) - _LENGTH))
    return found[1].decode() if found else ""


def _fits(public: str, signature: bytes, meant: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public.partition(":")[2])).verify(signature, meant)
    except (InvalidSignature, ValueError):
        return False
    return True


def _meant(data: bytes, purpose: str) -> bytes:
    return b"syncd relay " + purpose.encode() + b"\0" + data


def _told(key: Ed25519PublicKey) -> str:
    return f"ed25519:{key.public_bytes_raw().hex()}"
