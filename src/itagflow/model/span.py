"""Parts of a text, and what holds between them.

Offsets are characters (Unicode code points) from 0, and half-open: ``text[start:end]`` is the span.
iTAG's files count the last character as *in* (``end`` is one less there); readers and writers see
to that.
"""

from collections.abc import Iterable

import attrs

from itagflow.model.annotation import Annotation
from itagflow.reprs import show_fields


@attrs.frozen
class TextSpan(Annotation):
    """A marked span of a text.

    >>> TextSpan(0, 9, "Acme Corp", label="company").end
    9
    """

    start: int
    """The first character, counted from 0."""
    end: int
    """The character after the last one; more than `start`."""
    text: str = ""
    """What stands there; filled in from the data when an answer that leaves it out is saved."""

    __repr__ = show_fields


@attrs.frozen
class Relation(Annotation):
    """What holds from one span to another.

    >>> Relation(0, 1, label="bought").target
    1
    """

    source: int
    """The index in `Spans.spans` of the span that it starts from."""
    target: int
    """The index in `Spans.spans` of the span that it leads to."""

    __repr__ = show_fields


def _as_spans(spans: Iterable[TextSpan]) -> tuple[TextSpan, ...]:
    return tuple(spans)


def _as_relations(relations: Iterable[Relation]) -> tuple[Relation, ...]:
    return tuple(relations)


@attrs.frozen
class Spans:
    """The spans marked in one text, as the answer to a SLOT question.

    >>> len(Spans([TextSpan(0, 4, label="company")]).spans)
    1
    """

    spans: tuple[TextSpan, ...] = attrs.field(converter=_as_spans)
    """The spans, in the order marked; empty when there is nothing to mark."""
    relations: tuple[Relation, ...] = attrs.field(default=(), converter=_as_relations)
    """What holds between them."""

    __repr__ = show_fields
