"""What texts can be stored, and how values that came from outside stand in a message."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any, cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import is_several, require_several
from itagflow.printing import BIDI, BREAKING, format_repr

MAX_KEY = 2_500
"""How many bytes a text that is looked up may have; PostgreSQL's indexes take little more."""

_FLAW = re.compile("[\0\ud800-\udfff]")
_STEERING = re.compile(f"[{BREAKING}{BIDI}]")
_NONCHARACTERS = "".join(
    chr(plane + last) for plane in range(0, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF)
)
_NOT_SEEN = re.compile(
    # the Unicode property Default_Ignorable_Code_Point, which Python does not know
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    # symbols that are drawn as nothing: a Braille pattern without dots, a musical note without a
    # head
    "\u2800\U0001d159"
    f"\ufdd0-\ufdef{_NONCHARACTERS}]"
)
_UNSEEN = frozenset({"Zs", "Zl", "Zp", "Mn", "Me", "Mc", "Cc", "Cf", "Cs"})
"""Categories of characters without a shape of their own: spaces, marks, formats, controls."""


def find_text_error(text: object) -> str | None:
    r"""Return what keeps *text* from being stored, or None: NUL, or half of a surrogate pair.

    Not every database keeps the one, and the other cannot be written as UTF-8; JSON can say both.
    What is no text at all cannot be stored as one either.

    >>> find_text_error("a\0b")
    'contains a NUL character'
    """
    # nearly always, and known without a search: labels of regions are checked by the million
    if type(text) is str and text.isascii() and "\0" not in text:
        return None
    if not isinstance(text, str):
        return f"must be a text, not {format_repr(text)}"
    match = _FLAW.search(text)
    if match is None:
        return None
    if match[0] == "\0":
        return "contains a NUL character"
    return "contains half of a surrogate pair"


def find_key_error(text: str) -> str | None:
    """Return what keeps *text* from being stored as something to look up by, or None.

    >>> find_key_error("x" * 3_000)
    'is 3000 bytes long; at most 2500 fit an index'
    """
    if (error := find_text_error(text)) or len(text) * 4 <= MAX_KEY:
        return error
    # only long texts get here: a character has at most four bytes
    size = len(text.encode())
    if size <= MAX_KEY:
        return None
    return f"is {size} bytes long; at most {MAX_KEY} fit an index"


def normalize_name(name: str) -> str:
    """Return *name* as names are compared: in Unicode's normal form C, however it was typed.

    >>> normalize_name("Zoe\u0308") == "Zo\u00eb"
    True
    """
    return unicodedata.normalize("NFC", name)


def find_name_error(name: object) -> str | None:
    r"""Return what keeps *name* from being a name, or None.

    A name is one line that can be seen, and is read as it is written: it has no control characters,
    none that separate lines or change the direction of writing, and at least one character that is
    drawn by itself.

    >>> find_name_error("ben\ncy"), find_name_error("\u200b")
    ('contains the control character U+000A', 'has no character that can be seen')
    """
    error = find_text_error(name)
    if error or not isinstance(name, str):
        return error
    if match := _STEERING.search(name):
        return f"contains the control character U+{ord(match[0]):04X}"
    # marks and spaces are drawn with something else, or not at all
    seen = any(
        unicodedata.category(character) not in _UNSEEN for character in _NOT_SEEN.sub("", name)
    )
    if not seen:
        return "has no character that can be seen"
    return None


def validate_name(owner: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check a field that holds a name: an attrs validator.

    Raises:
        InvalidData: when it is none.
    """
    if error := find_name_error(value):
        # a text that cannot be stored cannot be printed everywhere either
        if not find_text_error(value):
            error = f"{format_repr(value)} {error}"
        raise _make_error(owner, attribute, error)


def validate_text(owner: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check a field that holds a text: an attrs validator.

    Raises:
        InvalidData: when it cannot be stored.
    """
    if error := find_text_error(value):
        raise _make_error(owner, attribute, error)


def to_text(value: str) -> str:
    """Return a text of a class of its own, such as NumPy's, as a plain one: a converter of attrs.

    Anything else is returned as it is, for a validator to refuse.
    """
    given = cast(object, value)
    if type(given) is not str and isinstance(given, str):
        return str.__str__(given)  # not `str(given)`: an enum of texts has a text of its own
    return value


def to_optional_text(value: str | None) -> str | None:
    """Return the same, or None for None."""
    if value is None:
        return None
    return to_text(value)


def to_texts(value: Iterable[str]) -> tuple[str, ...]:
    """Return several texts as a tuple of plain ones; one text, and what are none, stay as they are.

    A converter of attrs, before `validate_texts`.
    """
    if not is_several(value):
        return cast("tuple[str, ...]", value)
    return tuple(map(to_text, value))


def require_text(what: str, field: str, value: object) -> str:
    """Return *value* as a plain text that can be stored.

    Args:
        what: What it is for, such as ``the claim``.
        field: What it is called there, such as ``token``.
        value: What was given.

    Raises:
        InvalidData: when it is none.
    """
    if error := find_text_error(value):
        raise InvalidData(what, [Problem(field, error)])
    return to_text(cast(str, value))


def require_optional_text(what: str, field: str, value: object) -> str | None:
    """Return the same, or None for None."""
    if value is None:
        return None
    return require_text(what, field, value)


def validate_texts(owner: object, attribute: attrs.Attribute[Any], value: Iterable[str]) -> None:
    """Check a field that holds several texts: an attrs validator.

    Raises:
        InvalidData: when one of them cannot be stored.
    """
    for text in parse_texts(f"the {type(owner).__name__.lower()}", attribute.name, value):
        validate_text(owner, attribute, text)


def _make_error(owner: object, attribute: attrs.Attribute[Any], reason: str) -> InvalidData:
    return InvalidData(f"the {type(owner).__name__.lower()}", [Problem(attribute.name, reason)])


def parse_texts(what: str, field: str, texts: Iterable[str]) -> tuple[str, ...]:
    """Return *texts*, which are several and not one.

    Raises:
        InvalidData: when they are one text, or cannot be gone through.
    """
    return to_texts(require_several(what, field, texts, "texts"))


def parse_optional_texts(
    what: str, field: str, texts: Iterable[str] | None
) -> tuple[str, ...] | None:
    """Return several texts that can be stored, or None for None.

    Raises:
        InvalidData: when they are one text, or one of them cannot be stored.
    """
    if texts is None:
        return None
    return tuple(require_text(what, field, text) for text in parse_texts(what, field, texts))


def format_value(value: object) -> str:
    """Return *value* as messages have it: written out when that is short work, else only its type.

    >>> format_value("cat"), format_value([[[]]])
    ("'cat'", 'a value of type list')
    """
    # very deep lists and very long numbers cannot be written out
    plain = (
        value is None
        or isinstance(value, str | float)
        or (isinstance(value, int) and abs(value) < 2**64)
    )
    if plain:
        return format_repr(value)
    return f"a value of type {type(value).__name__}"
