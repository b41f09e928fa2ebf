"""Pre-labels: predictions for tasks by a model, a file or a field of the row."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Real

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.reply import Reply
from itagflow.model.task import Task
from itagflow.model.text import validate_text
from itagflow.printing import format_repr
from itagflow.reprs import show_fields


def require_score(what: str, field: str, value: object) -> float:
    """Return *value* as a score: a number from 0 to 1.

    Args:
        what: What it belongs to, such as ``the prelabel``.
        field: What it is called there, such as ``score``.
        value: What was given.

    Raises:
        InvalidData: when it is none.  True is no number, and 93 is no score: whether it stands for
            0.93, nobody here can know.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InvalidData(
            what, [Problem(field, f"must be a number from 0 to 1, not {format_repr(value)}")]
        )
    try:
        # a float also of a fraction or of NumPy's numbers, which JSON does not take
        score = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        score = math.inf
    if not 0 <= score <= 1:  # NaN is in no range
        raise InvalidData(what, [Problem(field, f"must be from 0 to 1, not {format_repr(value)}")])
    return score


def _to_score(value: float | None) -> float | None:
    if value is None:
        return None
    return require_score("the prelabel", "score", value)


@attrs.frozen
class PreLabel:
    """A pre-label with where it comes from.

    >>> from itagflow import Choice
    >>> PreLabel(Choice("cat"), score=0.93, model="vit-b16").score
    0.93
    """

    replies: Reply | Mapping[str, Reply] = attrs.field(hash=False)
    """The replies by question id, or the reply to the only question."""
    score: float | None = attrs.field(default=None, converter=_to_score)
    """How sure the model is, as it says itself, from 0 to 1; None when it does not say."""
    model: str = attrs.field(default="", validator=validate_text)
    """The model; kept with the answer permanently."""
    model_version: str = attrs.field(default="", validator=validate_text)
    """The version of the model; kept with the answer, too."""

    __repr__ = show_fields


Prediction = PreLabel | Reply | Mapping[str, Reply] | Problem | Exception | None
"""What a source returns for a task: a pre-label, bare replies, None, or what went wrong."""

Predictor = Callable[[Sequence[Task]], Iterable[Prediction]]
"""Says something about each task of a batch, in their order."""
