"""The bodies of answers, which are parsed when something in them is first asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple, cast

from itagflow import jsontext
from itagflow.storage.codec import StoredReplies

_BEGIN = re.compile(r'(\{"at":"[^"\\]*","replies":)\{"')
"""How nearly all bodies begin: with the time, and then the replies."""
_SIMPLE = r'"[^"\\{}]*"|[-+.0-9eE]+|true|false'
"""A value that is no list and no object, and no text that may look like something else."""
_END = re.compile(rf'\}}\}}(?:,"[a-z_]+":(?:{_SIMPLE}))*\}}')
"""What is behind the last reply of nearly all bodies: two braces, and fields with simple values."""
_KEY = re.compile('"([a-z_]+)":')


class BodyParts(NamedTuple):
    """Where the replies stand in a body, and what else it has; its values are not read.

    A plain tuple, since there is one for each answer that is read.
    """

    start: int
    """Where the text of the replies begins."""
    end: int
    """Where it ends."""
    others: tuple[str, ...]
    """The fields besides the time and the replies."""


def find_parts(text: str) -> BodyParts | None:
    """Return the parts of a body; None when it has to be parsed.

    Replies are long, and what else there is stands behind them.  It is found without reading them:
    who asks whether a task was given up, say, does not wait for all its boxes.

    >>> text = '{"at":"2026-11-28","replies":{"1":{"key":"cat"}},"seconds":2.5}'
    >>> parts = find_parts(text)
    >>> text[parts.start : parts.end], parts.others
    ('{"1":{"key":"cat"}}', ('seconds',))
    """
    begin = _BEGIN.match(text)
    # how votes were merged is the one other object that may end with two braces
    if begin is None or '"merge"' in text:
        return None
    end = text.rfind("}}", 0, len(text) - 1)
    others = _find_others(text[end:])
    if others is None:
        return None
    return BodyParts(begin.end(1), end + 2, others)


# the ends of many bodies are alike: to look one up takes a tenth of the time
@lru_cache(maxsize=1_000)
def _find_others(end: str) -> tuple[str, ...] | None:
    """Return the fields behind the last reply of a body; None when it has to be parsed."""
    # inside of a text no quotation mark can stand without a backslash: so what follows as it should
    # is no part of one
    if _END.fullmatch(end) is None:
        return None
    return tuple(_KEY.findall(end))


class Body(StoredReplies):
    """The body of one answer, which is parsed once, and the replies that are in it.

    It is both since there is one for each answer that is read.
    """

    __slots__ = ("_content", "_text", "parts")

    def __init__(self, text: str) -> None:
        """Have it from its JSON *text*."""
        super().__init__()
        self._text = text
        self._content: Mapping[str, Any] | None = None
        self.parts = find_parts(text)

    def parse(self) -> Mapping[str, Any]:
        """Return what is in the body; not to be changed."""
        content = self._content
        if content is None:
            content = self._content = cast("Mapping[str, Any]", jsontext.loads_own(self._text))
        return content

    @property
    def plain(self) -> Mapping[str, Any]:
        """The replies as plain JSON."""
        replies: Mapping[str, Any] = self.parse()["replies"]
        return replies

    @property
    def text(self) -> str:
        """The replies as compact text: as they are stored, where it is known where they stand."""
        if self.parts is None:
            return super().text
        return self._text[self.parts.start : self.parts.end]
