"""Parts of a recording: audio or video, in seconds from its beginning."""

from collections.abc import Iterable

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.annotation import Annotation
from itagflow.model.validators import (
    Field,
    number_above,
    show_value,
    to_number,
    to_tuple,
    tuple_of,
)
from itagflow.reprs import show_fields


def _validate_end(segment: "Segment", field: Field, end: float) -> None:
    number_above(0)(segment, field, end)
    if end <= segment.start:
        reason = f"must be more than start, {segment.start}, not {show_value(end)}"
        raise InvalidData("the Segment", [Problem(field.name, reason)])


@attrs.frozen
class Segment(Annotation):
    """A marked segment of a recording.

    >>> Segment(0.5, 2.0, label="agent").end
    2.0
    """

    start: float = attrs.field(converter=to_number, validator=number_above(0, or_equal=True))
    """When it begins, in seconds."""
    end: float = attrs.field(converter=to_number, validator=_validate_end)
    """When it ends, in seconds; more than `start`."""

    __repr__ = show_fields


def _as_segments(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    return to_tuple(segments)


@attrs.frozen
class Segments:
    """The segments marked in one recording, as the answer to a VIDEO or AUDIO question.

    >>> len(Segments([Segment(0, 2, label="agent")], duration=12.5).segments)
    1
    """

    segments: tuple[Segment, ...] = attrs.field(
        converter=_as_segments, validator=tuple_of("segments", Segment)
    )
    """The segments, in the order marked; empty when there is nothing to mark."""
    duration: float = attrs.field(
        default=0,
        kw_only=True,
        converter=to_number,
        validator=number_above(0, or_equal=True),
    )
    """How long the recording is, in seconds; 0 when that is not known."""

    __repr__ = show_fields
