"""Parts of a recording: audio or video, in seconds from its beginning."""

from collections.abc import Iterable

import attrs

from itagflow.model.annotation import Annotation
from itagflow.reprs import show_fields


@attrs.frozen
class Segment(Annotation):
    """A marked segment of a recording.

    >>> Segment(0.5, 2.0, label="agent").end
    2.0
    """

    start: float
    """When it begins, in seconds."""
    end: float
    """When it ends, in seconds; more than `start`."""

    __repr__ = show_fields


def _as_segments(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    return tuple(segments)


@attrs.frozen
class Segments:
    """The segments marked in one recording, as the answer to a VIDEO or AUDIO question.

    >>> len(Segments([Segment(0, 2, label="agent")], duration=12.5).segments)
    1
    """

    segments: tuple[Segment, ...] = attrs.field(converter=_as_segments)
    """The segments, in the order marked; empty when there is nothing to mark."""
    duration: float = attrs.field(default=0, kw_only=True)
    """How long the recording is, in seconds; 0 when that is not known."""

    __repr__ = show_fields
