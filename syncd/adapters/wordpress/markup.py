"""Text that WordPress shows as it was sent: what its filters would execute, embed, fold or prettify is written as entities.

WordPress runs every text through do_blocks, do_shortcode, autoembed, wptexturize, convert_smilies and capital_P_dangit when
it shows it. All of them look for literal characters, and none decodes numeric entities, so a browser shows the same text
and the filters see nothing.
"""

from __future__ import annotations

import html
import re

_TAG = re.compile(r'(<(?:/?[a-zA-Z][^\s<>"/]*(?:\s+[^\s=<>"]+="[^"]*")*\s*/?|!--.*?--)>)', re.DOTALL)
"""A tag as a parser writes it: values in double quotes, in which < and > may stand unescaped."""
_VALUE = re.compile(r'"([^"]*)"')
_IN_VALUE = re.compile(r"[\[\]{}<>`]|(?<=&amp;)#(?=[0-9xX])")
_IN_TEXT = re.compile(
    r"""
      [\[\]{}`'"]                            # shortcodes, templates of plug-ins, quotes that would be curled or primed
    | -(?=-)|(?<=-)-                         # -- becomes a dash
    | (?<=[0-9])x(?=[0-9])                   # 1024x768 becomes a multiplication
    | \((?=tm\))                             # (tm) becomes a sign
    | :(?=//)                                # an address alone in a paragraph becomes a frame of that site
    | (?<!\S)[:;](?=\S) | (?<!\S)8(?=-[)O]|O(?!\S))  # smilies become pictures
    | (?<=Word)p(?=ress)                     # "Wordpress" is corrected
    | (?<=&amp;)\#(?=[0-9xX])               # kses decodes twice: a text that shows an entity would become one
    | \$(?=latex\b)                         # formulas of Jetpack
    """,
    re.VERBOSE,
)
_IN_TITLE = re.compile(
    r"""[<>&]|(?<=&)\#|-(?=-)|(?<=-)-|(?<=[0-9])x(?=[0-9])|\((?=tm\))|(?<=Word)p(?=ress)|(?<=[0-9])['"]|'(?=')|(?<=')'|`""",
)
_BREAK = re.compile(r"[ \t]*[\r\n\f][ \t\r\n\f]*")
_KEEPS = re.compile(r"<(/?)(?:pre|textarea)\b")


def harmless(markup: str) -> str:
    """Sanitised HTML, as a parser writes it, with nothing in it that WordPress acts on. It shows the same text.

    Comments are dropped: blocks, <!--more--> and <!--nextpage--> are comments. Line breaks outside of <pre> become
    blanks, since WordPress would show them.
    """
    made, kept = [], 0
    for n, piece in enumerate(_TAG.split(markup)):
        if n % 2 == 0:
            made.append(_text(piece, keeps=kept > 0))
        elif not piece.startswith("<!"):
            if (found := _KEEPS.match(piece)) is not None:
                kept = max(0, kept + (-1 if found[1] else 1))
            made.append(_VALUE.sub(lambda value: f'"{_IN_VALUE.sub(_entity, value[1])}"', piece))
    return "".join(made)


def harmless_title(title: str) -> str:
    """A plain title as WordPress wants it, which is HTML; only what it would take for something else is an entity, since
    editors see entities in the title's box."""
    return _IN_TITLE.sub(_entity, title)


def plain_title(stored: str) -> str:
    """The plain title that WordPress stores as HTML."""
    return html.unescape(stored)


def _text(text: str, *, keeps: bool) -> str:
    # The smilies' filter takes &nbsp; for a blank, as the character is; lone angle brackets can only stand in a broken tag.
    text = text.replace("&nbsp;", "\u00a0").replace("<", "&lt;").replace(">", "&gt;")
    text = _IN_TEXT.sub(_entity, text)
    return text if keeps else _BREAK.sub(" ", text)


def _entity(found: re.Match[str]) -> str:
    named = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(found[0])
    return named or f"&#{ord(found[0])};"
