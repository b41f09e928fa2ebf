"""Lists what the code has: the verbs of a Flow, and the names for types."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module

import itagflow
import itagflow.typing
from itagflow import Flow

VERB = re.compile(r"(?<!`)`flow\.(?:(\w+)\.)?(\w+)`(?!`)")
"""A verb as users write it in docstrings, such as `flow.claim` or `flow.jobs.create`."""


def link_verbs(text: str) -> str:
    """Return a line of a docstring in which verbs are links."""
    return VERB.sub(link_verb, text)


def link_verb(verb: re.Match[str]) -> str:
    """Return the link to a verb: a method of Flow or of the class of a namespace."""
    noun, name = verb.groups()
    owner = f"itagflow.api.{noun}.{noun.capitalize()}" if noun else "itagflow.Flow"
    return f":py:meth:`{verb.group().strip('`')} <{owner}.{name}>`"


def render_verbs() -> str:
    """Return tables in Markdown: every verb by noun, with a link and what it does."""
    parts: list[str] = []
    for noun, kind in list_nouns():
        title = f"flow.{noun}" if noun else "The work itself"
        path = f"{kind.__module__}.{kind.__name__}" if noun else "itagflow.Flow"
        parts += [f"### {title}", "", "| verb | what it does |", "|---|---|"]
        for name, verb in vars(kind).items():
            if inspect.isfunction(verb) and not name.startswith("_"):
                shown = ".".join(filter(None, ("flow", noun, name)))
                parts.append(f"| {{py:meth}}`{shown} <{path}.{name}>` | {summarize(verb)} |")
        parts.append("")
    return "\n".join(parts)


def list_nouns() -> Iterator[tuple[str, type]]:
    """Yield the nouns of a Flow, and under no name the Flow itself."""
    yield "", Flow
    with itagflow.open("memory:") as flow:
        nouns = {name: noun for name, noun in vars(flow).items() if not name.startswith("_")}
    for name in sorted(nouns):
        yield name, type(nouns[name])


def summarize(verb: object) -> str:
    """Return the first line of a docstring, in Markdown."""
    first = (inspect.getdoc(verb) or "").partition("\n")[0]
    return re.sub(r"\*(\w+)\*", r"`\1`", first.replace("``", "`")).replace("|", r"\|")


def render_aliases() -> str:
    """Return in reStructuredText what each name of `itagflow.typing` stands for."""
    lines = [".. py:currentmodule:: itagflow.typing", ""]
    for name in itagflow.typing.__all__:
        value, text = read_name("itagflow.typing", name)
        canonical = [f"   :canonical: {value}"] if value else []
        lines += [f".. py:type:: {name}", *canonical, ""]
        lines += [f"   {link_verbs(line)}" for line in inspect.cleandoc(text).splitlines()]
        lines.append("")
    return "\n".join(lines)


def read_name(module: str, name: str) -> tuple[str, str]:
    """Return the value that a module gives to a name, as written, and what is said of it.

    A class has no value.  A name that is imported is followed to where it is made.

    Raises:
        LookupError: when the module has no such name.
    """
    tree = ast.parse(inspect.getsource(import_module(module)))
    for node, after in zip(tree.body, [*tree.body[1:], ast.Pass()], strict=True):
        match node:
            case ast.ClassDef(name=found) if found == name:
                return "", ast.get_docstring(node) or ""
            case (
                ast.Assign(targets=[ast.Name(id=found)], value=value)
                | ast.AnnAssign(target=ast.Name(id=found), value=ast.expr() as value)
            ) if found == name:
                return ast.unparse(value), read_text(after)
            case _:
                pass
    # also those that only type checkers read, where names are loaded later
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for imported in node.names:
                if name == (imported.asname or imported.name):
                    return read_name(node.module, imported.name)
    raise LookupError(f"{module}.{name}")


def read_text(node: ast.stmt) -> str:
    """Return the text that a statement is; empty for any other statement."""
    match node:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return text
        case _:
            return ""
