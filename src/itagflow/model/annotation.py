"""The base of regions, spans, segments and relations: marked parts that questions ask about."""

from collections.abc import Mapping

import attrs

from itagflow.reprs import show_fields

Labels = Mapping[str, str | tuple[str, ...]]
"""What was answered about a part: by the title of the question, a key, a text, or several keys."""


@attrs.frozen(kw_only=True)
class Annotation:
    """A part of a task's data, with what was answered about it.

    >>> Annotation(labels={"Kind": "car"}).labels["Kind"]
    'car'
    """

    label: str | None = None
    """Short for the one question about parts; `labels` holds it once saved."""
    labels: Labels = attrs.field(factory=dict[str, "str | tuple[str, ...]"])
    """What was answered about this part, by the title of the question."""
    id: str | None = attrs.field(default=None, eq=False)
    """The part's own name; not part of equality.  A region without one gets one at export."""
    color: str | None = attrs.field(default=None, eq=False)
    """How it was drawn, as a file that it came from says; not part of equality."""

    __repr__ = show_fields
