"""The answers to single questions: frozen values, compared by what they say."""

from collections.abc import Mapping
from enum import Enum

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.region import Regions
from itagflow.model.segment import Segments
from itagflow.model.span import Spans
from itagflow.model.text import to_optional_text, to_text
from itagflow.model.validators import (
    member_of,
    to_member,
    to_number,
    to_texts,
    to_whole,
    validate_number,
    validate_optional_string,
    validate_string,
    validate_strings,
    whole_number,
)
from itagflow.reprs import show_fields


@attrs.frozen
class Choice:
    """The one option chosen in a RADIO question.

    >>> Choice("cat").key
    'cat'
    """

    key: str = attrs.field(converter=to_text, validator=validate_string)
    """The key of the option."""

    __repr__ = show_fields


@attrs.frozen
class Choices:
    """The options chosen in a CHECKBOX question, in the order given.

    >>> Choices(["sport", "outdoor"]).keys
    ('sport', 'outdoor')
    """

    keys: tuple[str, ...] = attrs.field(converter=to_texts, validator=validate_strings)
    """The keys of the options."""

    __repr__ = show_fields


@attrs.frozen
class Text:
    """The text given to an INPUT, OPEN_ENDED or TEXT_EDIT question.

    >>> Text("a red car").text
    'a red car'
    """

    text: str = attrs.field(converter=to_text, validator=validate_string)
    """What was written."""

    __repr__ = show_fields


@attrs.frozen
class Ranking:
    """The options of a RANKING question, the best first.

    >>> Ranking(["b", "a", "c"]).keys[0]
    'b'
    """

    keys: tuple[str, ...] = attrs.field(converter=to_texts, validator=validate_strings)
    """The keys of all options, each once."""

    __repr__ = show_fields


@attrs.frozen
class Rating:
    """A number on the scale of a RATING question.

    >>> Rating(4).value
    4
    """

    value: float = attrs.field(converter=to_number, validator=validate_number)
    """The number, on the question's `Scale`."""

    __repr__ = show_fields


class Tie(Enum):
    """How good both options are when neither is better."""

    BOTH_GOOD = "both good"
    """Either would do."""
    BOTH_BAD = "both bad"
    """Neither would do."""


def _as_tie(tie: Tie | str | None) -> Tie | None:
    if tie is None:
        return None
    return to_member(Tie, tie)


@attrs.frozen
class Preference:
    """Which of the two options of a PREFERENCE question is better, and by how much.

    ``Preference(None)`` is a tie; ``tie=`` tells whether both are good or both are bad, for those
    who want to know, and the three are different replies.

    >>> Preference("a", degree=2).degree
    2
    >>> Preference(None, tie="both bad").tie.name
    'BOTH_BAD'
    """

    better: str | None = attrs.field(converter=to_optional_text, validator=validate_optional_string)
    """The key of the better option; None when neither is."""
    degree: int = attrs.field(default=1, converter=to_whole, validator=whole_number(1))
    """By how much, from 1 to the end of the question's scale; 1 without a scale or for a tie."""
    tie: Tie | None = attrs.field(
        default=None, converter=_as_tie, validator=member_of(Tie, or_none=True)
    )
    """How good both are when neither is better; None when that was not said, or one is better."""

    def __attrs_post_init__(self) -> None:
        """Check that only a tie is said to be one, and that it has no degree."""
        if self.better is not None and self.tie is not None:
            reason = f"is only for better=None, and {self.better!r} is better here"
            raise InvalidData("the Preference", [Problem("tie", reason)])
        # who prefers neither cannot prefer it by more than one degree
        if self.better is None and self.degree != 1:
            reason = f"must be 1 when neither is better, not {self.degree}"
            raise InvalidData("the Preference", [Problem("degree", reason)])

    __repr__ = show_fields


Reply = Choice | Choices | Text | Regions | Spans | Segments | Ranking | Rating | Preference
"""The answer to one question."""

Replies = Mapping[str, Reply]
"""The answers about one task, by question id."""
