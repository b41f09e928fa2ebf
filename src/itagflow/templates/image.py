"""Templates for images."""

from __future__ import annotations

from collections.abc import Iterable

from itagflow.model.template import (
    Option,
    Question,
    QuestionKind,
    Shape,
    Template,
    View,
    ViewKind,
)
from itagflow.templates._questions import (
    MULTIPLE,
    SINGLE,
    OptionLabels,
    build_choice,
    build_classification,
    build_options,
    require_texts,
)

DETECTION = "Object detection label configuration"
OCR, OCR_TEXT = "OCR label configuration", "OCR result"


def image_classification(
    labels: OptionLabels, *, multiple: bool = False, title: str | None = None, field: str = "source"
) -> Template:
    """Return a template that asks for the label of an image, or with *multiple* for its labels.

    Source: iTAG, *Templates for image labeling*.  The Chinese title is ``单选``, or ``多选`` with
    *multiple*.

    >>> image_classification(["cat", "dog"]).questions[0].title
    'Single-choice'
    """
    return build_classification(ViewKind.IMAGE, labels, multiple, title, field)


def object_detection(
    labels: OptionLabels,
    *,
    title: str = DETECTION,
    label_title: str = SINGLE,
    field: str = "source",
    min_count: int = 0,
    max_count: int | None = None,
) -> Template:
    """Return a template that asks for the objects on an image, and for the label of each.

    Source: iTAG, *Templates for image labeling*.  The Chinese titles are
    ``目标检测标签配置`` and, of the label, ``单选``.

    Args:
        labels: What an object can be.
        title: The title of the question about the image.
        label_title: The title of the question about each object; results keep its label under it.
        field: The field of ``data`` that names the image.
        min_count: The least regions to mark.
        max_count: The most regions to mark; None for any number.

    >>> object_detection(["car", "sign"]).questions[0].children[0].title
    'Single-choice'
    """
    objects = Question(
        "1",
        QuestionKind.PICTURE,
        title,
        children=(build_choice(labels, title=label_title),),
        min_count=min_count,
        max_count=max_count,
    )
    return _build_template(objects, field=field)


def segmentation(
    labels: OptionLabels,
    *,
    title: str = "Segmentation label configuration",
    label_title: str = SINGLE,
    field: str = "source",
    min_count: int = 0,
    max_count: int | None = None,
) -> Template:
    """Return a template that asks for outlines or masks on an image, and for the label of each.

    The arguments are those of `object_detection`; iTAG's own titles are not documented.

    >>> [shape.value for shape in segmentation(["road"]).questions[0].shapes]
    ['polygon', 'mask']
    """
    shapes = (Shape.POLYGON, Shape.MASK)
    areas = Question(
        "1",
        QuestionKind.PICTURE,
        title,
        children=(build_choice(labels, title=label_title),),
        shapes=shapes,
        min_count=min_count,
        max_count=max_count,
    )
    return _build_template(areas, field=field)


def keypoints(
    names: Iterable[str],
    labels: OptionLabels,
    *,
    title: str = "Keypoint label configuration",
    label_title: str = SINGLE,
    field: str = "source",
    min_count: int = 0,
    max_count: int | None = None,
) -> Template:
    """Return a template for named key points of each object on an image, and its label.

    Args:
        names: The names of the places, in the order of the skeleton.
        labels: What an object can be.
        title: The title of the question about the image.
        label_title: The title of the question about each object.
        field: The field of ``data`` that names the image.
        min_count: The least regions to mark.
        max_count: The most regions to mark; None for any number.

    >>> keypoints(["nose", "tail"], ["cat"]).questions[0].keypoints
    ('nose', 'tail')
    """
    question = Question(
        "1",
        QuestionKind.PICTURE,
        title,
        children=(build_choice(labels, title=label_title),),
        shapes=(Shape.KEYPOINTS,),
        keypoints=require_texts("names", names),
        min_count=min_count,
        max_count=max_count,
    )
    return _build_template(question, field=field)


def ocr(
    labels: OptionLabels = (),
    *,
    title: str = OCR,
    text_title: str = OCR_TEXT,
    label_title: str = SINGLE,
    field: str = "source",
) -> Template:
    """Return a template for the texts on an image: where, what, and with *labels* which sort.

    Source: iTAG, *Templates for image labeling*.  The Chinese titles are
    ``OCR标签配置``, ``OCR识别结果`` and ``单选``.

    >>> [child.title for child in ocr(["amount", "date"]).questions[0].children]
    ['OCR result', 'Single-choice']
    """
    return _build_template(_build_texts(labels, title, text_title, label_title), field=field)


def pdf_pages(
    labels: OptionLabels, *, fields: OptionLabels = (), title: str = SINGLE, field: str = "source"
) -> Template:
    """Return a template for a page of a PDF file: its texts, as in `ocr`, and a page label.

    A row is one page: its image, and in further fields the file and the page number if they matter.
    iTAG has such a template; its format is not documented.

    Args:
        labels: What a page can be.
        fields: What a text on it can be, if that is asked.
        title: The title of the question about the page.
        field: The field of ``data`` that names the page's image.

    >>> [question.kind.value for question in pdf_pages(["invoice", "letter"]).questions]
    ['PICTURE', 'RADIO']
    """
    return _build_template(
        _build_texts(fields, OCR, OCR_TEXT, SINGLE),
        build_choice(labels, id="2", title=title),
        field=field,
    )


def table_recognition(
    *, title: str = "Table label configuration", field: str = "source"
) -> Template:
    """Return a template for the cells of a table: where, which row and column, and which text.

    Rows and columns are counted from 1; a cell that spans several is written as ``2-4``.
    iTAG has such a template; its format is not documented.

    >>> [child.title for child in table_recognition().questions[0].children]
    ['Text', 'Row', 'Column']
    """
    text = Question("1", QuestionKind.INPUT, "Text", required=False)
    row, column = (
        Question(id, QuestionKind.INPUT, name, rule=_FROM_TO)
        for id, name in (("2", "Row"), ("3", "Column"))
    )
    return _build_template(
        Question("1", QuestionKind.PICTURE, title, children=(text, row, column)), field=field
    )


# five digits: without a limit any long number would pass for a row
_FROM_TO = r"[1-9]\d{0,4}(-[1-9]\d{0,4})?"


def moderation(reasons: OptionLabels, *, field: str = "source") -> Template:
    """Return a template for image moderation: may it be shown; if not, why, and where.

    iTAG has such a template; its format is not documented.

    >>> [question.id for question in moderation(["violence"]).asked]
    ['1', '2', '3']
    """
    why = Question("2", QuestionKind.CHECKBOX, "Reasons", build_options(reasons), when=("block",))
    verdict = Question(
        "1",
        QuestionKind.RADIO,
        "Verdict",
        build_options(["pass", "block", "unsure"]),
        children=(why,),
    )
    where = Question(
        "3",
        QuestionKind.PICTURE,
        "Areas",
        required=False,
        children=(build_choice(reasons, required=False),),
    )
    return _build_template(verdict, where, field=field)


def image_captioning(
    *, title: str = "Caption", tags: OptionLabels = (), field: str = "source"
) -> Template:
    """Return a template that asks for a description of an image, and with *tags* for tags.

    iTAG has such a template; its format is not documented.

    >>> image_captioning().questions[0].kind.value
    'OPEN_ENDED'
    """
    caption = Question("1", QuestionKind.OPEN_ENDED, title)
    tag_options: tuple[Option, ...] = build_options(tags)
    if not tag_options:
        return _build_template(caption, field=field)
    tag_question = Question("2", QuestionKind.CHECKBOX, MULTIPLE, tag_options, required=False)
    return _build_template(caption, tag_question, field=field)


def _build_texts(labels: OptionLabels, title: str, text_title: str, label_title: str) -> Question:
    text = Question("1", QuestionKind.INPUT, text_title)
    label_options = build_options(labels)
    children: tuple[Question, ...] = (text,)
    if label_options:
        children = (text, build_choice(label_options, id="2", title=label_title))
    return Question("1", QuestionKind.PICTURE, title, children=children)


def _build_template(*questions: Question, field: str) -> Template:
    return Template(questions=questions, views=(View(ViewKind.IMAGE, field),))
