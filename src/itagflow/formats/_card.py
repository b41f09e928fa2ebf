"""The card of a data set: what ``README.md`` says to ``datasets``, and to people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from itagflow import jsontext
from itagflow.formats._arrow import parse_description
from itagflow.model.template import Template
from itagflow.printing import format_count

_NAMES = {"double": "float64"}
"""What ``datasets`` calls a type, where PyArrow calls it otherwise."""


def render_card(pa: Any, schema: Any, template: Template, rows: int) -> str:
    """Return the card of a data set.

    Args:
        pa: The module ``pyarrow``.
        schema: The columns of its files.
        template: What was asked.
        rows: How many rows it has.
    """
    told = parse_description(schema)
    features = [
        {"name": field.name, **_describe(pa, field.type, told.classes.get(field.name))}
        for field in schema
    ]
    columns = {id: name for name, id in told.questions.items()}
    lines = [
        "---",
        *_render_yaml({"dataset_info": {"features": features}}),
        "---",
        "",
        f"# {_show(template.name or 'Labeled data')}",
        "",
        f"{format_count(rows, 'row')}, labeled with itagflow. The columns of the answers:",
        "",
    ]
    lines += [
        f"- `{columns[question.id].replace('`', ' ')}`: {question.kind.value}"
        for question in template.asked
    ]
    return "".join(f"{line}\n" for line in lines)


def _show(text: str) -> str:
    """Return a text as Markdown shows it, without what Markdown takes for its own."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>()#+-.!|&" else sign for sign in text)


def _describe(pa: Any, kind: Any, classes: list[str] | None = None) -> dict[str, Any]:
    """Return a type as cards write it.  Source: ``Features._to_yaml_list`` of ``datasets``."""
    if classes is not None:
        names = {str(number): name for number, name in enumerate(classes)}
        return {"dtype": {"class_label": {"names": names}}}
    if pa.types.is_list(kind):
        inner = _describe(pa, kind.value_type)
        # the one thing that is said of what is in a list stands for it
        (only,) = inner
        return {"list": inner if only == "list" else inner[only]}
    if pa.types.is_struct(kind):
        return {"struct": [{"name": each.name, **_describe(pa, each.type)} for each in kind]}
    name = str(kind)
    return {"dtype": _NAMES.get(name, name)}


def _render_yaml(value: Mapping[str, Any] | list[Any]) -> Iterator[str]:
    """Yield the lines of a value; texts are written as in JSON, which YAML reads."""
    if isinstance(value, list):
        for item in value:
            first, *rest = _render_yaml(item)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
        return
    for name, item in value.items():
        key = name if name.isidentifier() and name.isascii() else jsontext.dumps(name)
        if isinstance(item, str) or not item:
            yield f"{key}: {jsontext.dumps(item)}"
        else:
            yield f"{key}:"
            indent = "" if isinstance(item, list) else "  "
            yield from (f"{indent}{line}" for line in _render_yaml(cast("list[Any]", item)))
