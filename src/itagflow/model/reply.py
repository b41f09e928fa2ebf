"""The answers to single questions: frozen values, compared by what they say."""

from collections.abc import Iterable, Mapping

import attrs

from itagflow.model.region import Regions
from itagflow.model.segment import Segments
from itagflow.model.span import Spans
from itagflow.reprs import show_fields


@attrs.frozen
class Choice:
    """The one option chosen in a RADIO question.

    >>> Choice("cat").key
    'cat'
    """

    key: str
    """The key of the option."""

    __repr__ = show_fields


def _as_tuple(values: Iterable[str]) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else tuple(values)


@attrs.frozen
class Choices:
    """The options chosen in a CHECKBOX question, in the order given.

    >>> Choices(["sport", "outdoor"]).keys
    ('sport', 'outdoor')
    """

    keys: tuple[str, ...] = attrs.field(converter=_as_tuple)
    """The keys of the options."""

    __repr__ = show_fields


@attrs.frozen
class Text:
    """The text given to an INPUT, OPEN_ENDED or TEXT_EDIT question.

    >>> Text("a red car").text
    'a red car'
    """

    text: str
    """What was written."""

    __repr__ = show_fields


@attrs.frozen
class Ranking:
    """The options of a RANKING question, the best first.

    >>> Ranking(["b", "a", "c"]).keys[0]
    'b'
    """

    keys: tuple[str, ...] = attrs.field(converter=_as_tuple)
    """The keys of all options, each once."""

    __repr__ = show_fields


@attrs.frozen
class Rating:
    """A number on the scale of a RATING question.

    >>> Rating(4).value
    4
    """

    value: float
    """The number, on the question's `Scale`."""

    __repr__ = show_fields


@attrs.frozen
class Preference:
    """Which of the two options of a PREFERENCE question is better, and by how much.

    >>> Preference("a", degree=2).degree
    2
    """

    better: str | None
    """The key of the better option; None when neither is."""
    degree: int = 1
    """By how much, from 1 to the end of the question's scale; 1 without a scale or for a draw."""

    __repr__ = show_fields


Reply = Choice | Choices | Text | Regions | Spans | Segments | Ranking | Rating | Preference
"""The answer to one question."""

Replies = Mapping[str, Reply]
"""The answers about one task, by question id."""
