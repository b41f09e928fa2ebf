"""Templates as labeling configurations of Label Studio: XML that says what is shown and asked.

Source: labelstud.io, *Tags*.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import require_kind
from itagflow.model.template import (
    Option,
    Question,
    QuestionKind,
    Scale,
    Shape,
    Template,
    View,
    ViewKind,
)
from itagflow.templates._controls import (
    Control,
    find_relation,
    iterate_views,
    list_controls,
    name_tag,
)
from itagflow.xmltext import escape, has_xml, parse_xml

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_STARS = 100
"""The most stars of a rating that are read."""
_SHAPES = {
    "Rectangle": (Shape.BOX, Shape.ROTATED_BOX),
    "Polygon": (Shape.POLYGON,),
    "KeyPoint": (Shape.POINT,),
}
_VIEWS = {kind.value: kind for kind in ViewKind} | {
    "HyperText": ViewKind.TEXT,
    "Paragraphs": ViewKind.TEXT,
}
_SILENT = {
    "View",
    "Header",
    "Style",
    "Label",
    "Choice",
    "Relation",
    "Relations",
    "Collapse",
    "Panel",
}
"""Tags that show or group, and those that stand in controls."""


def to_label_studio(template: Template) -> str:
    """Return *template* as a labeling configuration of Label Studio.

    What it has no attribute for is left out: rules and presets of texts, defaults, the least number
    of choices, and the order that differs by person.

    Raises:
        InvalidData: when it has questions that Label Studio has no tag for, such as rankings; it
            lists all of them; or when it is no template.

    >>> from itagflow.templates import image_classification
    >>> print(to_label_studio(image_classification(["cat", "dog"])))
    <View>
      <Image name="source" value="$source"/>
      <Header value="Single-choice"/>
      <Choices name="q1" toName="source" choice="single" required="true">
        <Choice value="cat"/>
        <Choice value="dog"/>
      </Choices>
    </View>
    """
    require_kind("templates.to_label_studio", "template", template, Template, "a Template")
    controls = list_controls(template)
    asked = {control.question.id for control in controls if control.owner is None}
    problems = [
        Problem(f"question {question.id!r}", f"Label Studio has no {question.kind.value} like it")
        for question in template.asked
        if question.id not in asked
    ]
    if problems:
        raise InvalidData("the template, for Label Studio", problems)
    lines = ["<View>"]
    for view in iterate_views(template):
        if view.title:
            lines.append(f"  {_render('Header', value=view.title)}")
        lines.append(
            f"  {_render(view.kind.value, name=name_tag(view.field), value=f'${view.field}')}"
        )
    parents = {child.id: top for top in template.asked for child in top.dependents}
    for control in controls:
        lines += [f"  {line}" for line in _render_control(control, parents)]
    for question in template.asked:
        if relation := find_relation(question):
            names = [f"    {_render('Relation', value=each.key)}" for each in relation.options]
            lines += ["  <Relations>", *names, "  </Relations>"]
    return "\n".join([*lines, "</View>"])


def _render(tag: str, *, is_open: bool = False, **attributes: str) -> str:
    for value in attributes.values():
        if not has_xml(value):
            reason = "has a character that XML does not have"
            raise InvalidData("the template, for Label Studio", [Problem(repr(value), reason)])
    texts = [f'{name}="{escape(value)}"' for name, value in attributes.items()]
    return f"<{' '.join([tag, *texts])}{'' if is_open else '/'}>"


def _render_control(control: Control, parents: dict[str, Question]) -> Iterator[str]:
    question = control.question
    attributes = {"name": control.name, "toName": control.object, **_list_settings(control)}
    if control.owner is not None:
        attributes["perRegion"] = "true"
    elif question.id in parents:
        attributes |= {
            "visibleWhen": "choice-selected",
            "whenTagName": name_tag(parents[question.id].id),
        }
        if question.when:
            attributes["whenChoiceValue"] = ",".join(question.when)
    yield _render("Header", value=question.title)
    inner = list(_render_inner(control))
    yield _render(control.tag, is_open=bool(inner), **attributes)
    if inner:
        yield from (f"  {line}" for line in inner)
        yield f"</{control.tag}>"


def _list_settings(control: Control) -> dict[str, str]:
    """Return what limits the answers to a control."""
    question = control.question
    settings: dict[str, str] = {}
    match control.tag:
        case "Choices":
            is_single = question.kind is QuestionKind.RADIO
            settings["choice"] = "single" if is_single else "multiple"
        case "Taxonomy" if question.kind is QuestionKind.RADIO:
            settings["maxUsages"] = "1"
        case "TextArea":
            settings |= {"maxSubmissions": "1", "rows": _ROWS[question.kind]}
            if question.kind is QuestionKind.TEXT_EDIT:
                settings["value"] = f"${control.field}"
        case "Rating" | "Number":
            settings |= _list_bounds(control.tag, question.scale or Scale())
        case _:
            if control.label is not None and control.label.kind is QuestionKind.CHECKBOX:
                settings["choice"] = "multiple"
            return settings
    if question.required and control.owner is None:
        settings["required"] = "true"
    return settings


def _list_bounds(tag: str, scale: Scale) -> dict[str, str]:
    if tag == "Rating":
        return {"maxRating": f"{scale.high:g}"}
    step = {"step": f"{scale.step:.17g}"} if scale.step else {}
    return {"min": f"{scale.low:.17g}", "max": f"{scale.high:.17g}", **step}


_ROWS = {QuestionKind.INPUT: "1", QuestionKind.OPEN_ENDED: "4", QuestionKind.TEXT_EDIT: "4"}


def _render_inner(control: Control) -> Iterator[str]:
    if control.tag in ("Choices", "Taxonomy"):
        for option in control.question.options:
            yield from _render_option("Choice", option)
    elif control.label is not None:
        for option in control.label.options:
            yield from _render_option("Label", option)
    elif control.tag == "Labels":
        yield _render("Label", value=control.question.title)


def _render_option(tag: str, option: Option) -> Iterator[str]:
    attributes = {"value": option.label}
    if option.label != option.key:
        attributes["alias"] = option.key
    if option.color is not None:
        attributes["background"] = option.color
    if option.shortcut:
        attributes["hotkey"] = option.shortcut
    if option.remark:
        attributes["hint"] = option.remark
    yield _render(tag, is_open=bool(option.children), **attributes)
    if option.children:
        for child in option.children:
            yield from (f"  {line}" for line in _render_option(tag, child))
        yield f"</{tag}>"


def from_label_studio(config: str) -> Template:
    """Return the template that a labeling configuration of Label Studio says.

    Controls become questions with their names as ids: ``Choices``, ``Taxonomy``, ``TextArea``,
    ``Rating``, ``Number``, ``Labels`` of texts and sounds, and ``Rectangle``, ``Polygon`` and
    ``KeyPoint`` with labels or without.  The ``Header`` in front of a control is its title.

    Args:
        config: The configuration, as `to_label_studio` or Label Studio writes it.

    Raises:
        InvalidData: when it is none, or has a control that no question can be; it lists all.

    >>> config = '''<View><Text name="t" value="$text"/><Choices name="mood" toName="t">
    ...   <Choice value="glad"/><Choice value="sad"/></Choices></View>'''
    >>> from_label_studio(config).questions[0].id
    'mood'
    """
    require_kind("templates.from_label_studio", "config", config, str, "a text")
    root = parse_xml(config.encode(errors="replace"))
    reader = _Reader()
    reader.read(root)
    if reader.problems:
        raise InvalidData("the labeling configuration", reader.problems)
    return Template(questions=reader.build_questions(), views=tuple(reader.views.values()))


@attrs.define
class _Part:
    """A question with what belongs to it, before it is made."""

    question: Question
    parent: str = ""
    """The name of the control that it depends on."""


@attrs.define
class _Reader:
    """Goes through a configuration."""

    views: dict[str, View] = attrs.field(factory=dict[str, View])
    """By the name of the object."""
    parts: dict[str, _Part] = attrs.field(factory=dict[str, _Part])
    """By the name of the control."""
    about_regions: list[tuple[str, Question]] = attrs.field(factory=list[tuple[str, Question]])
    """With the name of the object that the regions are on."""
    relations: tuple[Option, ...] = ()
    problems: list[Problem] = attrs.field(factory=list[Problem])

    def read(self, root: Element) -> None:
        """Read all elements: what is shown first, since controls may stand before it."""
        elements = list(root.iter())
        for element in elements:
            name, value = element.get("name"), element.get("value", "")
            if element.tag in _VIEWS and name and value.startswith("$"):
                self.views[name] = View(_VIEWS[element.tag], value[1:])
        title = ""
        for element in elements:
            if element.tag == "Header":
                title = element.get("value", "")
            elif element.tag == "Relations":
                self.relations = _parse_options(element, "Relation")
            elif element.tag not in _SILENT and element.tag not in _VIEWS:
                self._read_control(element, title)
                title = ""

    def _read_control(self, element: Element, title: str) -> None:
        name, shown = element.get("name", ""), element.get("toName", "")
        view = self.views.get(shown)
        where = f"{element.tag} {name!r}"
        if not name or view is None:
            self.problems.append(Problem(where, "needs a name, and toName of what is shown"))
            return
        question = _parse_control(element, name, title or name, view)
        if question is None:
            self.problems.append(Problem(where, "is no control that a question can be made of"))
        elif element.get("perRegion") == "true":
            self.about_regions.append((shown, question))
        elif element.get("whenTagName") and element.get("visibleWhen") == "choice-selected":
            when = [text for text in element.get("whenChoiceValue", "").split(",") if text]
            made = attrs.evolve(question, when=when)
            self.parts[name] = _Part(made, element.get("whenTagName", ""))
        elif not self._join(name, question):
            self.parts[name] = _Part(question)

    def _join(self, name: str, question: Question) -> bool:
        """Add a shape to the question of the same labels, as `to_label_studio` writes several."""
        stem, dash, _ = name.rpartition("-")
        if not dash or question.kind is not QuestionKind.PICTURE:
            return False
        before = self.parts.get(stem)
        if before is None or before.question.children != question.children:
            return False
        shapes = (*before.question.shapes, *question.shapes)
        before.question = attrs.evolve(before.question, shapes=shapes)
        return True

    def build_questions(self) -> tuple[Question, ...]:
        """Return the questions, each with those that depend on it."""
        names = list(self.parts)
        for shown, question in self.about_regions:
            self._add_to_regions(self.views[shown].field, question)
        for name in reversed(names):
            part = self.parts[name]
            if self.relations and part.question.kind is QuestionKind.SLOT:
                asked = Question("r", QuestionKind.RADIO, "Relation", self.relations)
                part.question = attrs.evolve(part.question, relations=(asked,))
            if part.parent in self.parts and part.parent != name:
                above = self.parts[part.parent]
                children = (part.question, *above.question.children)
                above.question = attrs.evolve(above.question, children=children)
        tops = [part for part in self.parts.values() if part.parent not in self.parts]
        return tuple(part.question for part in tops)

    def _add_to_regions(self, field: str, question: Question) -> None:
        for part in self.parts.values():
            marks = part.question
            if marks.kind in _MARKING_KINDS and marks.field == field:
                id = question.id.removeprefix(f"{marks.id}.")
                children = (*marks.children, attrs.evolve(question, id=id))
                part.question = attrs.evolve(marks, children=children)
                return


_MARKING_KINDS = (QuestionKind.PICTURE, QuestionKind.SLOT, QuestionKind.VIDEO)


def _parse_control(element: Element, name: str, title: str, view: View) -> Question | None:
    """Return the question that a control asks; None when there is none like it."""
    tag = element.tag
    required = element.get("required") == "true"
    if tag in ("Choices", "Taxonomy"):
        is_single = (
            element.get("choice", "single") != "multiple"
            if tag == "Choices"
            else element.get("maxUsages") == "1"
        )
        kind = QuestionKind.RADIO if is_single else QuestionKind.CHECKBOX
        return Question(name, kind, title, _parse_options(element, "Choice"), required)
    if tag == "TextArea":
        kind = QuestionKind.INPUT if element.get("rows", "1") == "1" else QuestionKind.OPEN_ENDED
        if element.get("value", "").startswith("$"):
            return Question(
                name,
                QuestionKind.TEXT_EDIT,
                title,
                required=required,
                field=element.get("value", "")[1:],
            )
        return Question(name, kind, title, required=required)
    if tag in ("Rating", "Number"):
        scale = _parse_scale(element)
        return Question(name, QuestionKind.RATING, title, required=required, scale=scale)
    return _parse_marking(element, name, title, view)


def _parse_scale(element: Element) -> Scale:
    try:
        if element.tag == "Rating":
            return Scale(1, min(int(element.get("maxRating", "5")), MAX_STARS))
        low, high = float(element.get("min", "0")), float(element.get("max", "100"))
        return Scale(low, high, float(element.get("step", "0")))
    except ValueError as error:  # a text that is no number, or numbers that are no scale
        problem = Problem(f"{element.tag} {element.get('name')!r}", f"has no scale: {error}")
        raise InvalidData("the labeling configuration", [problem]) from error


def _parse_marking(element: Element, name: str, title: str, view: View) -> Question | None:
    shape = element.tag.removesuffix("Labels")
    labels = _parse_options(element, "Label")
    several = element.get("choice") == "multiple"
    kind = QuestionKind.CHECKBOX if several else QuestionKind.RADIO
    children = (Question("1", kind, "Label", labels),) if labels else ()
    if element.tag == "Labels" and labels and view.kind is not ViewKind.IMAGE:
        marking = QuestionKind.SLOT if view.kind is ViewKind.TEXT else QuestionKind.VIDEO
        return Question(name, marking, title, children=children, field=view.field)
    if shape in _SHAPES and view.kind is ViewKind.IMAGE:
        shapes = _SHAPES[shape]
        return Question(
            name, QuestionKind.PICTURE, title, children=children, shapes=shapes, field=view.field
        )
    return None


def _parse_options(element: Element, tag: str) -> tuple[Option, ...]:
    return tuple(
        Option(
            each.get("alias") or each.get("value") or "",
            each.get("value") or each.get("alias") or "",
            each.get("background"),
            each.get("hotkey", ""),
            each.get("hint", ""),
            _parse_options(each, tag),
        )
        for each in element.iterfind(tag)
    )
