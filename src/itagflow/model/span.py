"""Parts of a text, and what holds between them.

Offsets are characters (Unicode code points) from 0, and half-open: ``text[start:end]`` is the span.
iTAG's files count the last character as *in* (``end`` is one less there); readers and writers see
to that.
"""

from collections.abc import Iterable

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.annotation import Annotation
from itagflow.model.text import to_text
from itagflow.model.validators import (
    Field,
    show_value,
    to_tuple,
    to_whole,
    tuple_of,
    validate_string,
    whole_number,
)
from itagflow.reprs import show_fields


def _validate_end(span: "TextSpan", field: Field, end: int) -> None:
    whole_number(1)(span, field, end)
    # an empty span would have no place in iTAG's files, where the end is the last character
    if end <= span.start:
        reason = f"must be more than start, {span.start}, not {show_value(end)}"
        raise InvalidData("the TextSpan", [Problem(field.name, reason)])


def _validate_target(relation: "Relation", field: Field, target: int) -> None:
    whole_number(0)(relation, field, target)
    if target == relation.source:
        raise InvalidData("the Relation", [Problem(field.name, "joins a span with itself")])


@attrs.frozen
class TextSpan(Annotation):
    """A marked span of a text.

    >>> TextSpan(0, 9, "Acme Corp", label="company").end
    9
    """

    start: int = attrs.field(converter=to_whole, validator=whole_number(0))
    """The first character, counted from 0."""
    end: int = attrs.field(converter=to_whole, validator=_validate_end)
    """The character after the last one; more than `start`."""
    text: str = attrs.field(default="", converter=to_text, validator=validate_string)
    """What stands there; filled in from the data when an answer that leaves it out is saved."""

    __repr__ = show_fields


@attrs.frozen
class Relation(Annotation):
    """What holds from one span to another.

    >>> Relation(0, 1, label="bought").target
    1
    """

    source: int = attrs.field(converter=to_whole, validator=whole_number(0))
    """The index in `Spans.spans` of the span that it starts from."""
    target: int = attrs.field(converter=to_whole, validator=_validate_target)
    """The index in `Spans.spans` of the span that it leads to; another one than `source`."""

    __repr__ = show_fields


def _as_spans(spans: Iterable[TextSpan]) -> tuple[TextSpan, ...]:
    return to_tuple(spans)


def _as_relations(relations: Iterable[Relation]) -> tuple[Relation, ...]:
    return to_tuple(relations)


@attrs.frozen
class Spans:
    """The spans marked in one text, as the answer to a SLOT question.

    >>> len(Spans([TextSpan(0, 4, label="company")]).spans)
    1
    """

    spans: tuple[TextSpan, ...] = attrs.field(
        converter=_as_spans, validator=tuple_of("spans", TextSpan)
    )
    """The spans, in the order marked; empty when there is nothing to mark."""
    relations: tuple[Relation, ...] = attrs.field(
        default=(), converter=_as_relations, validator=tuple_of("relations", Relation)
    )
    """What holds between them."""

    __repr__ = show_fields
