"""Ready-made templates, one function each.

Titles are data of a template, not fixed keys: the defaults are the English titles of iTAG's documents, and
each function names the Chinese ones, for jobs whose results must look like those of a Chinese console.
"""

from __future__ import annotations

from collections.abc import Iterable

from itagflow.model.template import Option, Question, QuestionKind, Template, View, ViewKind

SINGLE, MULTIPLE = "Single-choice", "Multiple-choice"
DETECTION = "Object detection label configuration"


def image_classification(
    labels: Iterable[str | Option], *, multiple: bool = False, title: str | None = None
) -> Template:
    """Return a template that asks for the label of an image, or with *multiple* for its labels.

    Source: iTAG, *Templates for image labeling*.  The Chinese title is ``单选``, or ``多选`` with *multiple*.

    >>> image_classification(["cat", "dog"]).questions[0].title
    'Single-choice'
    """
    return _classification(ViewKind.IMAGE, labels, multiple, title)


def text_classification(
    labels: Iterable[str | Option], *, multiple: bool = False, title: str | None = None
) -> Template:
    """Return a template that asks for the label of a text, or with *multiple* for its labels.

    Source: iTAG, *Templates for text labeling*.  The Chinese title is ``单选``, or ``多选`` with *multiple*.

    >>> text_classification(["tech", "sport"]).views[0].kind.value
    'Text'
    """
    return _classification(ViewKind.TEXT, labels, multiple, title)


def audio_classification(
    labels: Iterable[str | Option], *, multiple: bool = False, title: str | None = None
) -> Template:
    """Return a template that asks for the label of a recording, or with *multiple* for its labels.

    Source: iTAG, *Templates for audio labeling*.  The Chinese title is ``单选``, or ``多选`` with *multiple*.

    >>> audio_classification(["rain", "wind"]).views[0].kind.value
    'Audio'
    """
    return _classification(ViewKind.AUDIO, labels, multiple, title)


def video_classification(
    labels: Iterable[str | Option], *, multiple: bool = False, title: str | None = None
) -> Template:
    """Return a template that asks for the label of a video, or with *multiple* for its labels.

    Source: iTAG, *Templates for video labeling*.  The Chinese title is ``单选``, or ``多选`` with *multiple*.

    >>> video_classification(["sport", "news"], multiple=True).questions[0].title
    'Multiple-choice'
    """
    return _classification(ViewKind.VIDEO, labels, multiple, title)


def object_detection(labels: Iterable[str | Option], *, title: str = DETECTION, label_title: str = SINGLE) -> Template:
    """Return a template that asks for the objects on an image, and for the label of each.

    Source: iTAG, *Templates for image labeling*.  The Chinese titles are ``目标检测标签配置`` and, of the label,
    ``单选``.

    Args:
        labels: What an object can be.
        title: The title of the question about the image.
        label_title: The title of the question about each object; results keep its label under it.

    >>> object_detection(["car", "sign"]).questions[0].children[0].title
    'Single-choice'
    """
    label = Question("1", QuestionKind.RADIO, label_title, _options(labels))
    objects = Question("1", QuestionKind.PICTURE, title, children=(label,))
    return Template(questions=(objects,), views=(View(ViewKind.IMAGE),))


def _classification(view: ViewKind, labels: Iterable[str | Option], multiple: bool, title: str | None) -> Template:
    kind, usual = (QuestionKind.CHECKBOX, MULTIPLE) if multiple else (QuestionKind.RADIO, SINGLE)
    question = Question("1", kind, usual if title is None else title, _options(labels))
    return Template(questions=(question,), views=(View(view),))


def _options(labels: Iterable[str | Option]) -> tuple[Option, ...]:
    if isinstance(labels, str):  # one label, not one per letter
        labels = (labels,)
    return tuple(Option(label) if isinstance(label, str) else label for label in labels)
