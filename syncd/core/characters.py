"""Which characters count when texts are compared: dropping those of some Unicode categories, quickly."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping


class Dropping(dict[int, int | str | None]):
    """For str.translate: drops every character whose category begins with one of `categories`. It learns as it goes.

    spellings: characters that are written otherwise instead.
    """

    def __init__(self, categories: str, spellings: Mapping[str, str] | None = None) -> None:
        super().__init__((ord(character), written) for character, written in (spellings or {}).items())
        self._categories = categories

    def __missing__(self, code: int) -> int | None:
        kept = None if unicodedata.category(chr(code))[0] in self._categories else code
        self[code] = kept
        return kept


BLANK_AND_INVISIBLE = Dropping("ZC")
PUNCTUATION = Dropping("P")
