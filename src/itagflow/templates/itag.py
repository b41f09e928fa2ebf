"""Templates as iTAG's interface has them: the JSON of ``CreateTemplate`` and ``GetTemplate``.

What iTAG's format has no field for, such as the shapes of regions, stands in its free field
``Exif`` under ``itagflow``: iTAG keeps it, and `from_itag` reads it.  Fields that have no meaning
here, such as ``RobotConfigs`` and ``HotKeyMap``, are not read.

Source: OpenITAG 2022-06-16, ``TemplateDTO``, ``QuestionPlugin``, ``ViewPlugin`` and
``QuestionOption`` of its SDK.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast

from itagflow import jsontext
from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import require_kind
from itagflow.model.template import (
    COMPARING,
    MARKING,
    Option,
    Question,
    QuestionKind,
    Scale,
    Template,
    View,
    ViewKind,
)
from itagflow.model.validators import show_value

T = TypeVar("T")
Plain = dict[str, Any]

OWN = "itagflow"
"""The key in ``Exif`` under which our own fields are."""
FOREIGN = COMPARING | {QuestionKind.RATING}
"""Kinds of question that iTAG does not have."""
MAX_DEPTH = 200
"""How deep the JSON of a template may be nested: a question inside another takes four levels."""
_OWN_FIELDS = ("field", "when", "keypoints", "min_count", "max_count", "shuffle")
"""Fields of a question that only we have, and that are plain JSON."""

_THEIR_NAMES = {
    "id": "QuestionId",
    "kind": "Type",
    "title": "MarkTitle",
    "required": "MustFill",
    "options": "Options",
    "children": "Children",
    "rule": "Rule",
    "presets": "PreOptions",
    "default": "DefaultResult",
    "key": "Key",
    "label": "Label",
    "color": "Color",
    "shortcut": "Shortcut",
    "remark": "Remark",
    "field": "BindField",
}
"""iTAG's names of our fields, for messages."""


def to_itag(template: Template) -> dict[str, Any]:
    """Return *template* as iTAG's ``TemplateDTO``: plain JSON types, for ``CreateTemplate``.

    Raises:
        InvalidData: when it has questions of kinds that iTAG does not have: rankings, ratings and
            preferences; it lists all of them; or when it is no template.

    >>> from itagflow.templates import image_classification
    >>> to_itag(image_classification(["cat"]))["QuestionConfigs"][0]["Options"]
    [{'Key': 'cat', 'Label': 'cat', 'Children': []}]
    """
    require_kind("templates.to_itag", "template", template, Template, "a Template")
    foreign = [question for question in template.asked if question.kind in FOREIGN]
    if foreign:
        problems = [
            Problem(f"question {question.id!r}", f"iTAG has no {question.kind.value}")
            for question in foreign
        ]
        raise InvalidData("the template, for iTAG", problems)
    plain: Plain = {
        "TemplateName": template.name,
        "ViewConfigs": {"ViewPlugins": [_render_view(view) for view in template.views]},
        "QuestionConfigs": [_render_question(question) for question in template.questions],
    }
    if template.abandon_reasons:
        plain["Exif"] = {OWN: {"abandon_reasons": list(template.abandon_reasons)}}
    return plain


def _render_view(view: View) -> Plain:
    plain: Plain = {"Type": view.kind.value, "BindField": view.field}
    if view.views:
        plain["Plugins"] = {"ViewPlugins": [_render_view(inner) for inner in view.views]}
    if view.title:
        plain["Exif"] = {OWN: {"title": view.title}}
    return plain


def _render_question(question: Question) -> Plain:
    plain: Plain = {
        "QuestionId": question.id,
        "Type": question.kind.value,
        "MarkTitle": question.title,
        "Display": True,
        "MustFill": question.required,
        "Options": [_render_option(option) for option in question.options],
        "Children": [_render_question(child) for child in question.children],
    }
    if question.rule:
        plain["Rule"] = question.rule
    if question.presets:
        plain["PreOptions"] = list(question.presets)
    if isinstance(question.default, tuple):
        # the field is a text: iTAG's own example of several is `["tag 1", "tag 2"]`
        plain["DefaultResult"] = jsontext.dumps(list(question.default))
    elif question.default is not None:
        plain["DefaultResult"] = question.default
    if own := _render_own_fields(question):
        plain["Exif"] = {OWN: own}
    return plain


def _render_own_fields(question: Question) -> Plain:
    own: Plain = {}
    for name in _OWN_FIELDS:
        value = getattr(question, name)
        if value:
            own[name] = list(value) if name in ("when", "keypoints") else value
    if question.shapes:
        own["shapes"] = [shape.value for shape in question.shapes]
    if question.relations:
        own["relations"] = [_render_question(relation) for relation in question.relations]
    if question.scale is not None:
        own["scale"] = [question.scale.low, question.scale.high, question.scale.step]
    return own


def _render_option(option: Option) -> Plain:
    plain: Plain = {"Key": option.key, "Label": option.label}
    if option.color is not None:
        plain["Color"] = option.color
    if option.shortcut:
        plain["Shortcut"] = option.shortcut
    if option.remark:
        plain["Remark"] = option.remark
    plain["Children"] = [_render_option(child) for child in option.children]
    return plain


def from_itag(value: object) -> Template:
    """Return the template that iTAG's JSON says: a ``TemplateDTO``, or the answer that holds one.

    A question that marks parts and has options of its own asks for them of each part: of a span for
    any of them, of everything else for one.  It is a template of its own, without iTAG's key.

    Args:
        value: The JSON as text, or as plain types.

    Raises:
        InvalidData: when it is no template, or one that cannot be asked here; it lists every
            problem with its path.

    >>> from itagflow.templates import image_classification, to_itag
    >>> template = image_classification(["cat", "dog"])
    >>> from_itag(to_itag(template)) == template
    True
    """
    if isinstance(value, str | bytes):
        value = _parse_json(value)
    _require_shallow(value)
    plain = _require_object("", value)
    if "QuestionConfigs" not in plain and "Template" in plain:
        plain = _require_object("Template", plain["Template"])
    views = _require_object("ViewConfigs", plain.get("ViewConfigs"))
    own = _get_own(plain)
    fields: Plain = {"abandon_reasons": own.get("abandon_reasons", ())}
    return Template(
        questions=_parse_each("QuestionConfigs", plain.get("QuestionConfigs"), _parse_question),
        views=_parse_each("ViewConfigs.ViewPlugins", views.get("ViewPlugins"), _parse_view),
        name=plain.get("TemplateName") or "",
        **fields,
    )


def _parse_json(text: str | bytes) -> object:
    try:
        return jsontext.loads(text if isinstance(text, str) else text.decode())
    except (ValueError, RecursionError):
        raise InvalidData("the template of iTAG", [Problem("", "is not JSON")]) from None


def _require_object(path: str, value: object) -> Mapping[str, Any]:
    """Return an object of JSON; an empty one for null.

    Raises:
        InvalidData: when it is none.
    """
    if value is None and path:
        return {}
    if not isinstance(value, Mapping):
        reason = f"must be an object, not {show_value(value)}"
        raise InvalidData("the template of iTAG", [Problem(path, reason)])
    return cast("Mapping[str, Any]", value)


def _require_shallow(value: object) -> None:
    """Check that *value* can be gone through by functions that call themselves.

    Raises:
        InvalidData: when it is nested deeper than any template.
    """
    level = [value]
    for _ in range(MAX_DEPTH):
        # each once: plain types of Python may hold the same list many times, or even themselves
        inside = {id(part): part for each in level for part in _get_parts(each)}
        if not inside:
            return
        level = list(inside.values())
    reason = f"is nested more than {MAX_DEPTH} deep"
    raise InvalidData("the template of iTAG", [Problem("", reason)])


def _get_parts(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return cast("Mapping[str, object]", value).values()
    if isinstance(value, list | tuple):
        return cast("Iterable[object]", value)
    return ()


def _get_own(plain: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return our own fields; none where ``Exif`` has something else."""
    exif = plain.get("Exif")
    own: object = None
    if isinstance(exif, Mapping):
        own = cast("Mapping[str, Any]", exif).get(OWN)
    return cast("Mapping[str, Any]", own) if isinstance(own, Mapping) else {}


def _parse_each(
    path: str, values: object, parse: Callable[[Mapping[str, Any]], T]
) -> tuple[T, ...]:
    """Return what *parse* makes of each object in a list; null is an empty list.

    Raises:
        InvalidData: when there are wrong values; it lists all of them with their path.
    """
    if values is None:
        return ()
    if not isinstance(values, list | tuple):
        reason = f"must be a list, not {show_value(values)}"
        raise InvalidData("the template of iTAG", [Problem(path, reason)])
    parsed: list[T] = []
    problems: list[Problem] = []
    for index, value in enumerate(cast("Iterable[object]", values)):
        try:
            parsed.append(parse(_require_object(f"[{index}]", value)))
        except InvalidData as error:
            problems += [
                Problem(f"{path}[{index}].{_to_their_name(problem.where)}", problem.reason)
                for problem in error.problems
            ]
    if problems:
        raise InvalidData("the template of iTAG", problems)
    return tuple(parsed)


def _to_their_name(where: str) -> str:
    """Return the path of a problem with a field of ours as iTAG's JSON names that field."""
    name = re.match(r"\w*", where)
    ours = name[0] if name else ""
    return _THEIR_NAMES.get(ours, ours) + where[len(ours) :]


def _parse_view(plain: Mapping[str, Any]) -> View:
    inner = plain.get("Plugins")
    # how iTAG itself writes views inside of a view is not documented
    plugins: object = None
    if isinstance(inner, Mapping):
        plugins = cast("Mapping[str, Any]", inner).get("ViewPlugins")
    return View(
        _find_view_kind(plain.get("Type")),
        plain.get("BindField") or "source",
        _parse_each("Plugins.ViewPlugins", plugins, _parse_view),
        title=_get_own(plain).get("title", ""),
    )


def _find_view_kind(name: Any) -> Any:
    # "Image" in the documents; programs that drive iTAG also write "IMAGE"
    if isinstance(name, str):
        return next((kind for kind in ViewKind if kind.value.lower() == name.lower()), name)
    return name


def _parse_question(plain: Mapping[str, Any]) -> Question:
    own = _get_own(plain)
    id, kind = plain.get("QuestionId"), plain.get("Type")
    if type(id) is int:  # a number in the answer of GetTemplateQuestions
        id = str(id)
    options = _parse_each("Options", plain.get("Options"), _parse_option)
    children = _parse_each("Children", plain.get("Children"), _parse_question)
    title: Any = plain.get("MarkTitle")
    # compared, and not looked up: a wrong kind may be a list, which has no hash
    if options and kind in [each.value for each in MARKING]:
        of_each = QuestionKind.CHECKBOX if kind == QuestionKind.SLOT.value else QuestionKind.RADIO
        children = (Question(_choose_id(children), of_each, title, options), *children)
        options = ()
    fields: Plain = {name: own[name] for name in (*_OWN_FIELDS, "shapes") if name in own}
    match own.get("scale"):
        case [low, high, step]:
            fields["scale"] = Scale(cast(float, low), cast(float, high), cast(float, step))
        case _:
            pass
    return Question(
        cast(str, id),
        cast(QuestionKind, kind),
        title,
        options,
        required=plain.get("MustFill", True),
        children=children,
        relations=_parse_each("Exif.itagflow.relations", own.get("relations"), _parse_question),
        rule=plain.get("Rule") or "",
        presets=plain.get("PreOptions") or (),
        default=_parse_default(kind, plain.get("DefaultResult")),
        **fields,
    )


def _choose_id(questions: Iterable[Question]) -> str:
    """Return an id that none of *questions* has."""
    used, number = {question.id for question in questions}, 1
    while str(number) in used:
        number += 1
    return str(number)


def _parse_default(kind: object, default: Any) -> Any:
    """Return the default of a question; of several options, it is a list, or JSON that says one."""
    if default in ("", None):
        return None
    if kind != QuestionKind.CHECKBOX.value or not isinstance(default, str):
        return default
    try:
        several: Any = jsontext.loads(default)
    except (ValueError, RecursionError):
        several = default
    # a single key that is no JSON, or that looks like a number
    if type(several) is list:
        return cast("Any", several)
    return (default,)


def _parse_option(plain: Mapping[str, Any]) -> Option:
    key = plain.get("Key")
    return Option(
        cast(str, key),
        plain.get("Label") or cast(str, key),
        plain.get("Color") or None,
        plain.get("Shortcut") or "",
        plain.get("Remark") or "",
        _parse_each("Children", plain.get("Children"), _parse_option),
    )
