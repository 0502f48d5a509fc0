"""A pick: where in a row or page a field stands, and the texts that it gives; the same for JSON and HTML."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar
from urllib.parse import quote

from pydantic import BeforeValidator, ConfigDict

from syncd.model import AttachmentLink
from syncd.sources.html import join, plain, squeeze

_LONGEST = 2_000
_PLACE = re.compile(r"\{([^{}]+)\}")
_TEMPLATE = ("http://", "https://", "/")
_NO = frozenset(("", "0", "false", "no", "null", "none"))


@dataclass(frozen=True, slots=True)
class Pick:
    """at: an expression of the row's own kind (JMESPath; a CSS selector with an optional @attribute), or, beginning with
    http://, https:// or /, an address in which {expression} is filled in. take: a regular expression, "" for the whole
    text; of what `at` finds, the first text that it matches counts, and of that its group, or all of the match."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    at: str = ""
    take: str = ""

    def __bool__(self) -> bool:
        return bool(self.at)

    @property
    def is_template(self) -> bool:
        return self.at.startswith(_TEMPLATE)

    @property
    def expressions(self) -> tuple[str, ...]:
        """What must compile."""
        return tuple(_PLACE.findall(self.at)) if self.is_template else (self.at,) if self.at else ()

    def taken(self, text: str) -> str:
        """What `take` leaves of a text."""
        if not self.take:
            return text
        found = re.search(self.take, text)
        return (found.group(1) or "" if found.re.groups else found.group()) if found else ""

    def fault(self, compiles: Callable[[str], str]) -> str:
        """What is wrong with it, in words, or "". compiles: what is wrong with an expression, or ""."""
        try:
            re.compile(self.take)
        except re.error as error:
            return f"take {self.take!r} is no regular expression: {error}"
        return next((fault for one in self.expressions if (fault := compiles(one))), "")


def _picked(value: Any) -> Any:
    return Pick(value) if isinstance(value, str) else value


Where = Annotated[Pick, BeforeValidator(_picked)]
"""A pick as config writes it: its `at` as text, or a table { at = "…", take = "…" }."""


def filled(template: str, value: Callable[[str], str]) -> str:
    """An address with its {places} filled in, escaped for a URL; "" when one of them has no value."""
    given = {name: value(name) for name in _PLACE.findall(template)}
    if not all(given.values()):
        return ""
    return _PLACE.sub(lambda place: quote(given[place[1]], safe="%/:;,@+!$'()*~-._?&="), template)


class Row(ABC):
    """A row of a list, or a whole page, that picks are asked of. base: what relative links start from."""

    base: str

    @abstractmethod
    def raw(self, pick: Pick) -> list[str]:
        """All texts that a pick finds, as they stand, before `take`; an address where the pick is of a link."""

    @abstractmethod
    def there(self, pick: Pick) -> str:
        """What stands where a pick found nothing, in words, for hints."""

    @abstractmethod
    def markup(self, pick: Pick) -> str:
        """The HTML that a pick finds, with absolute links."""

    @abstractmethod
    def link(self, pick: Pick) -> str:
        """A link as it stands."""

    @abstractmethod
    def date(self, pick: Pick) -> str:
        """A date as it stands, without the words around it."""

    @abstractmethod
    def files(self, pick: Pick) -> tuple[AttachmentLink, ...]:
        """The files that a pick finds, each address once."""

    def texts(self, pick: Pick) -> tuple[str, ...]:
        """All plain texts of a pick, each once."""
        if not pick:
            return ()
        shown = (pick.taken(plain(text)) for text in self.raw(pick))
        return tuple(dict.fromkeys(text for each in shown if (text := squeeze(each))))

    def text(self, pick: Pick) -> str:
        """The first plain text of a pick, "" when there is none."""
        return next(iter(self.texts(pick)), "")

    def told(self, pick: Pick) -> str:
        """A notice: a text that says more than no."""
        return next((text for text in self.texts(pick) if text.lower() not in _NO), "")[:_LONGEST]

    def address(self, pick: Pick) -> str:
        """An absolute address, "" when there is none."""
        if not pick:
            return ""
        if pick.is_template:
            return join(self.base, filled(pick.at, lambda name: self.text(Pick(name, pick.take))))
        link = pick.taken(self.link(pick).strip())
        return join(self.base, link) if link else ""


def once(files: Iterable[AttachmentLink]) -> tuple[AttachmentLink, ...]:
    """Files with an address, each address once."""
    found: dict[str, AttachmentLink] = {}
    for file in files:
        if file.url:
            found.setdefault(file.url, file)
    return tuple(found.values())
