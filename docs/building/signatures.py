"""Shows types in signatures as they are written in the code, and links each of their names."""

from __future__ import annotations

import inspect
from typing import Any

import attrs
from sphinx.util.inspect import stringify_signature
from sphinx.util.nodes import make_refnode

import itagflow
import itagflow.typing
from itagflow.access import default_policy


def write_signature(
    app: Any, what: str, name: str, obj: Any, options: Any, arguments: Any, returned: Any
) -> tuple[str, str] | None:
    """Return the signature with types as in the code, such as `JobRef | None`."""
    if not callable(obj) or what in ("exception", "property", "attribute", "data"):
        return None
    try:
        signature = inspect.signature(obj)
    except (TypeError, ValueError):
        return None
    parameters = list(signature.parameters.values())
    # of a verb, what stands before the dot
    if what == "method" and parameters and parameters[0].name in ("self", "cls"):
        parameters = parameters[1:]
    parameters = [shown.replace(default=name_default(shown.default)) for shown in parameters]
    result = inspect.Signature.empty if what == "class" else signature.return_annotation
    signature = signature.replace(parameters=parameters, return_annotation=result)
    text = stringify_signature(signature, unqualified_typehints=True)
    arguments, arrow, returned = text.partition(") -> ")
    return (f"{arguments})", returned) if arrow else (text, "")


@attrs.frozen(repr=False)
class Written:
    """A default as it is written in the code, where its own representation is none."""

    text: str

    def __repr__(self) -> str:
        """Return the text."""
        return self.text


def name_default(value: object) -> object:
    """Return what is shown for a default: functions by their names, and "..." for what is made."""
    if value is attrs.NOTHING:
        return Written("...")
    if value is default_policy:
        return Written("default_policy")
    if inspect.isfunction(value):
        return Written(value.__name__)
    return value


def link_type(app: Any, env: Any, node: Any, content: Any) -> Any:
    """Return the link to a name that is documented elsewhere than where it is read from.

    Names of the standard library, type variables and what is no part of the public library have no
    page here and stay text.  What the library gives a name must be found.
    """
    if node.get("refdomain") != "py" or node.get("reftype") != "class":
        return None
    last = node["reftarget"].rpartition(".")[2]
    objects = env.domains["py"].objects
    homes = [
        name
        for name, found in objects.items()
        if name.rpartition(".")[2] == last and found.objtype in ("class", "exception", "type")
    ]
    if homes:
        found = objects[homes[0]]
        builder, where = app.builder, node["refdoc"]
        return make_refnode(builder, where, found.docname, found.node_id, content, homes[0])
    if last in (*itagflow.__all__, *itagflow.typing.__all__):
        return None
    return content
