"""XML that is read without trust, and written so that every reader gets the same texts back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import attrs

from itagflow.errors import InvalidData, Problem

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element, TreeBuilder

MAX_DEPTH = 40
"""How deep elements may stand in each other."""
_REFUSED = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters that XML has no way to write."""
_MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
# left as they are, a reader would make LF of them, or a space where they stand in an attribute
_BLANKS = {sign: f"&#{ord(sign)};" for sign in "\t\n\r\x85\u2028\u2029"}
_ESCAPES = _MARKUP | _BLANKS
_SPECIAL = re.compile("[{}]".format("".join(_ESCAPES)))


def has_xml(text: str) -> bool:
    r"""Return whether XML can hold *text*: it has no place for most control characters.

    >>> has_xml("<a & b>"), has_xml("\0")
    (True, False)
    """
    return _REFUSED.search(text) is None


def escape(text: str) -> str:
    r"""Return *text* as it stands in an element or an attribute.

    >>> escape('a < "b"\r')
    'a &lt; &quot;b&quot;&#13;'
    """
    return _SPECIAL.sub(lambda match: _ESCAPES[match[0]], text)


def parse_xml(content: bytes) -> Element:
    """Return the outermost element of a file.

    Raises:
        InvalidData: when it is no XML, has a document type, or is nested too deep.
    """
    (element,) = read_elements([content], depth=0)
    return element


def read_elements(parts: Iterable[bytes], *, depth: int) -> Iterator[Element]:
    """Yield the elements of a file that stand so deep, each when it is complete.

    A document type is refused, and with it every entity of a file's own: they can make a small file
    a large one, and fetch others.

    Args:
        parts: The file, in parts.
        depth: 0 for the outermost element, 1 for those in it.

    Raises:
        InvalidData: when it is no XML, has a document type, or is nested too deep.
    """
    # loaded when a file is read: it takes long
    from xml.etree.ElementTree import TreeBuilder
    from xml.parsers.expat import ExpatError, ParserCreate

    parser = ParserCreate()
    tree = _Tree(depth, TreeBuilder)
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = tree.start
    parser.EndElementHandler = tree.end
    parser.CharacterDataHandler = tree.add_text
    try:
        for part in parts:
            parser.Parse(part, False)
            yield from tree.take()
        parser.Parse(b"", True)
    except ExpatError as error:
        raise _make_error(f"is not XML: {error}") from error
    except InvalidData:
        raise
    except (ValueError, LookupError) as error:  # an encoding that Python does not know
        raise _make_error(f"cannot be decoded: {error}") from error
    yield from tree.take()


@attrs.define
class _Tree:
    """Builds the elements at one depth; what stands around them is forgotten."""

    wanted: int
    create_builder: Callable[[], TreeBuilder]
    depth: int = attrs.field(default=0, init=False)
    builder: TreeBuilder = attrs.field(init=False)
    complete: list[Element] = attrs.field(factory=list["Element"], init=False)

    def __attrs_post_init__(self) -> None:
        self.builder = self.create_builder()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self.depth == MAX_DEPTH:
            raise _make_error(f"has elements that are nested more than {MAX_DEPTH} deep")
        if self.depth >= self.wanted:
            self.builder.start(name, attributes)
        self.depth += 1

    def end(self, name: str) -> None:
        self.depth -= 1
        if self.depth >= self.wanted:
            self.builder.end(name)
        if self.depth == self.wanted:
            self.complete.append(self.builder.close())
            self.builder = self.create_builder()

    def add_text(self, text: str) -> None:
        if self.depth > self.wanted:
            self.builder.data(text)

    def take(self) -> list[Element]:
        """Return the elements that are complete, once."""
        complete, self.complete = self.complete, []
        return complete


def _refuse_doctype(*_: object) -> None:
    raise _make_error("has a document type (DOCTYPE), which is not read: remove it")


def _make_error(reason: str) -> InvalidData:
    return InvalidData("the XML", [Problem("the file", reason)])
