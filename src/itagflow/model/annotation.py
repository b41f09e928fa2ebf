"""The base of regions, spans, segments and relations: marked parts that questions ask about."""

from collections.abc import Mapping
from typing import Any, cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.text import (
    find_text_error,
    to_optional_text,
    to_text,
)
from itagflow.model.validators import (
    Field,
    show_value,
    to_texts,
    validate_optional_string,
)
from itagflow.reprs import show_fields

Labels = Mapping[str, str | tuple[str, ...]]
"""What was answered about a part: by the title of the question, a key, a text, or several keys."""


_ONLY_TEXTS = frozenset({str})
"""The classes of labels that are as they are stored."""


def _make_labels() -> Labels:
    # not `dict[str, …]`, a call of which takes as long as the checks of a whole box
    return {}


def _as_labels(labels: Mapping[str, Any]) -> Labels:
    kind: object = type(labels)
    # asked first: to ask whether a class is a Mapping takes longer than all the rest
    if kind is dict and not labels:
        return {}
    if kind is not dict and not isinstance(cast(object, labels), Mapping):
        return labels
    # a copy: the caller's own mapping may change later, and an annotation must not
    copy = dict(labels)
    if _ONLY_TEXTS.issuperset(map(type, copy.values())):
        return copy
    return {
        title: to_text(value) if isinstance(value, str) else to_texts(value)
        for title, value in labels.items()
    }


def _validate_labels(owner: object, field: Field, labels: object) -> None:
    kind: object = type(labels)
    # nearly always: most people write `label`; not `labels == {}`, which runs code of what is given
    if kind is dict and not labels:
        return
    if kind is not dict and not isinstance(labels, Mapping):
        reason = f"must be a mapping by the titles of questions, not {show_value(labels)}"
        raise InvalidData(f"the {type(owner).__name__}", [Problem(field.name, reason)])
    problems: list[Problem] = []
    for title, value in cast("Mapping[object, object]", labels).items():
        error = _find_label_error(value)
        if title_error := find_text_error(title):
            error = f"the title of the question {title_error}"
        if error:  # only then is the place written out, which takes long
            problems.append(Problem(f"{field.name}[{show_value(title)}]", error))
    if problems:
        raise InvalidData(f"the {type(owner).__name__}", problems)


def _find_label_error(value: object) -> str | None:
    if type(value) is str:  # nearly always
        return find_text_error(value)
    if value is None:
        return "needs a value: leave it out if there is none"
    texts: tuple[object, ...] = (value,)
    if isinstance(value, tuple):
        texts = cast("tuple[object, ...]", value)
    for text in texts:
        if not isinstance(text, str):
            return f"must be a text, or several texts, not {show_value(text)}"
        if error := find_text_error(text):
            return error
    return None


def find_only_label(labels: object) -> str | None:
    """Return the only answer in *labels* if there is one, and it is a single key or text.

    >>> find_only_label({"Kind": ("car",)}), find_only_label({"Kind": ("car", "van")})
    ('car', None)
    """
    # a dict, nearly always: to ask whether another class is a Mapping takes longer
    if type(labels) is not dict and not isinstance(labels, Mapping):
        return None
    by_title = cast("Mapping[object, object]", labels)
    if len(by_title) != 1:
        return None
    (value,) = by_title.values()
    # several may be chosen of a span's labels: the one that was chosen stands for itself
    if isinstance(value, tuple) and len(chosen := cast("tuple[object, ...]", value)) == 1:
        (value,) = chosen
    return value if isinstance(value, str) else None


def _only_label(annotation: Any) -> str | None:
    return find_only_label(annotation.labels)


@attrs.frozen(kw_only=True)
class Annotation:
    """A part of a task's data, with what was answered about it.

    `label` and `labels` say the same where there is one question about the part: `labels` is how it
    is kept, `label` how most people write and read it.

    >>> Annotation(labels={"Kind": "car"}).label
    'car'
    """

    labels: Labels = attrs.field(
        factory=_make_labels,
        converter=_as_labels,
        validator=_validate_labels,
        hash=False,
    )
    """What was answered about this part, by the title of the question."""
    label: str | None = attrs.field(
        default=attrs.Factory(_only_label, takes_self=True),
        converter=to_optional_text,
        validator=validate_optional_string,
    )
    """The only answer about this part; None when there are several.

    Given without `labels`, it is the answer to the one question about it, in whose title saving
    puts it.
    """
    id: str | None = attrs.field(
        default=None, eq=False, converter=to_optional_text, validator=validate_optional_string
    )
    """The part's own name; not part of equality.  A region without one gets one at export."""
    color: str | None = attrs.field(
        default=None, eq=False, converter=to_optional_text, validator=validate_optional_string
    )
    """How it was drawn, as a file that it came from says; not part of equality."""

    def __attrs_post_init__(self) -> None:
        """Complete `label`, and check that it says what `labels` say."""
        if not self.labels:
            return
        only = find_only_label(self.labels)
        if self.label is None and only is not None:
            # None was given: by JSON, or by `attrs.evolve` with other labels
            object.__setattr__(self, "label", only)
        elif self.label != only:
            reason = (
                f"is {self.label!r}, and labels say something else: give one of them "
                "(with attrs.evolve, label=None besides labels)"
            )
            raise InvalidData(f"the {type(self).__name__}", [Problem("label", reason)])

    __repr__ = show_fields
