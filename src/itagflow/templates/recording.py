"""Templates for sound and video."""

from __future__ import annotations

from itagflow.model.template import (
    Question,
    QuestionKind,
    Template,
    View,
    ViewKind,
)
from itagflow.templates._questions import (
    SINGLE,
    OptionLabels,
    build_choice,
    build_classification,
    require_flag,
)

TRANSCRIPT = "Audio recognition result"


def audio_classification(
    labels: OptionLabels, *, multiple: bool = False, title: str | None = None, field: str = "source"
) -> Template:
    """Return a template that asks for the label of a recording, or with *multiple* for its labels.

    Source: iTAG, *Templates for audio labeling*.  The Chinese title is ``单选``, or ``多选`` with
    *multiple*.

    >>> audio_classification(["rain", "wind"]).views[0].kind.value
    'Audio'
    """
    return build_classification(ViewKind.AUDIO, labels, multiple, title, field)


def audio_segmentation(
    labels: OptionLabels,
    *,
    transcript: bool = True,
    text_title: str = TRANSCRIPT,
    label_title: str = SINGLE,
    field: str = "source",
) -> Template:
    """Return a template for segments of a recording: the words, and a label for each.

    Source: iTAG, *Templates for audio labeling*, as far as its output can be seen.  The Chinese
    titles are ``音频识别结果`` and ``单选``.

    >>> [segments] = audio_segmentation(["agent", "customer"]).questions
    >>> [child.kind.value for child in segments.children]
    ['INPUT', 'RADIO']
    """
    require_flag("transcript", transcript)
    text: tuple[Question, ...] = ()
    if transcript:
        text = (Question("1", QuestionKind.INPUT, text_title),)
    label = build_choice(labels, id=str(len(text) + 1), title=label_title)
    return Template(
        questions=(_build_segments((*text, label)),), views=(View(ViewKind.AUDIO, field),)
    )


def speech_recognition(*, title: str = TRANSCRIPT, field: str = "source") -> Template:
    """Return a template that asks for the words of a recording.

    iTAG has such a template; its output format is not documented.

    >>> speech_recognition().questions[0].kind.value
    'OPEN_ENDED'
    """
    return Template(
        questions=(Question("1", QuestionKind.OPEN_ENDED, title),),
        views=(View(ViewKind.AUDIO, field),),
    )


def video_classification(
    labels: OptionLabels, *, multiple: bool = False, title: str | None = None, field: str = "source"
) -> Template:
    """Return a template that asks for the label of a video, or with *multiple* for its labels.

    Source: iTAG, *Templates for video labeling*.  The Chinese title is ``单选``, or ``多选`` with
    *multiple*.

    >>> video_classification(["sport", "news"], multiple=True).questions[0].title
    'Multiple-choice'
    """
    return build_classification(ViewKind.VIDEO, labels, multiple, title, field)


def video_segmentation(
    labels: OptionLabels, *, label_title: str = SINGLE, field: str = "source"
) -> Template:
    """Return a template that asks for segments of a video, and for the label of each.

    iTAG's documents do not show such a template; the format is that of `audio_segmentation`.

    >>> video_segmentation(["goal", "foul"]).questions[0].kind.value
    'VIDEO'
    """
    return Template(
        questions=(_build_segments((build_choice(labels, title=label_title),)),),
        views=(View(ViewKind.VIDEO, field),),
    )


def _build_segments(children: tuple[Question, ...]) -> Question:
    return Question("1", QuestionKind.VIDEO, "Segments", children=children)
