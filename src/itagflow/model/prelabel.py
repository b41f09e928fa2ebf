"""Pre-labels: predictions for tasks by a model, a file or a field of the row."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from itagflow.errors import Problem
from itagflow.model.reply import Reply
from itagflow.model.task import Task
from itagflow.reprs import show_fields


@attrs.frozen
class PreLabel:
    """A pre-label with where it comes from.

    >>> from itagflow import Choice
    >>> PreLabel(Choice("cat"), score=0.93, model="vit-b16").score
    0.93
    """

    replies: Reply | Mapping[str, Reply]
    """The replies by question id, or the reply to the only question."""
    score: float | None = None
    """How sure the model is, as it says itself; None when it does not say."""
    model: str = ""
    """The model, with its version; kept with the answer permanently."""

    __repr__ = show_fields


Prediction = PreLabel | Reply | Mapping[str, Reply] | Problem | Exception | None
"""What a source returns for a task: a pre-label, bare replies, None, or what went wrong."""

Predictor = Callable[[Sequence[Task]], Iterable[Prediction]]
"""Says something about each task of a batch, in their order."""
