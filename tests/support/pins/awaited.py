"""Writes the async twins of the verbs, `itagflow.aio.verbs`, from the sources of the sync ones.

Only the text of the sources is read, so they can be written when what is there does not fit any more.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

SOURCES = Path(__file__).parents[3] / "src" / "itagflow"
FOLDER = SOURCES / "aio" / "verbs"
MAX_WIDTH = 100
NOT_AWAITED = {"flow": {"close"}}
"""Verbs that are written by hand, by module."""
WAITS = "timeout"
"""The parameter of verbs that may wait for long: they get a thread of their own."""


@attrs.frozen
class Verb:
    """A verb of a sync class, as its source has it."""

    name: str
    parameters: tuple[str, ...]
    """Each with its type and default, and the lone star."""
    arguments: tuple[str, ...]
    """How they are passed on."""
    returned: str
    """What it returns."""
    doc: str
    """Its docstring without the examples, with quotes, as it is indented."""
    names: frozenset[str]
    """What its signature names: types, and constants that are defaults."""

    @property
    def waits(self) -> bool:
        return any(each.startswith(f"{WAITS}:") for each in self.parameters)

    @property
    def item(self) -> str | None:
        """The type of what it yields, or None when it returns something."""
        found = re.fullmatch(r"Iterator\[(.*)\]", self.returned, re.DOTALL)
        return found and found[1]


def render() -> dict[str, str]:
    """Return the text of every generated module, by the name of its file."""
    modules = [("flow", SOURCES / "flow.py")]
    modules += [(path.stem, path) for path in sorted((SOURCES / "api").glob("[a-z]*.py"))]
    texts = {f"{name}.py": render_module(name, path.read_text("utf-8")) for name, path in modules}
    return {"__init__.py": '"""The verbs, awaited; generated from the sync ones."""\n', **texts}


def write() -> None:
    """Write them all, and remove what has no sync twin any more."""
    texts = render()
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.py"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (FOLDER / name).write_text(text, "utf-8")


def render_module(name: str, source: str) -> str:
    """Return the async twin of the class in a module."""
    tree = ast.parse(source)
    (kind,) = (node for node in tree.body if isinstance(node, ast.ClassDef))
    left_out = NOT_AWAITED.get(name, set())
    verbs = [
        read_verb(node, source)
        for node in kind.body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and not node.decorator_list
        and node.name not in left_out
    ]
    sync = "flow" if name == "flow" else "api." + name
    summary = (ast.get_docstring(kind) or "").partition("\n")[0]
    if name == "flow":
        summary = "The verbs of a Flow."
    title = "FlowVerbs" if name == "flow" else f"Async{kind.name}"
    lines = [
        f"# Generated from itagflow.{sync} by tests/docs/pins/write.py: change that, and run this.",
        f'"""{summary.removesuffix(".")}; awaited."""',
        "",
        "from __future__ import annotations",
        "",
        *render_imports(tree, kind, verbs, f"itagflow.{sync}"),
        "",
        "",
        f"class {title}:",
        f'    """{summary.removesuffix(".")}; awaited."""',
        "",
        f"    def __init__(self, pool: ThreadPool, {name}: {kind.name}) -> None:",
        f'        """Do the work of *{name}* in the threads of *pool*."""',
        "        self._pool = pool",
        f"        self._{name} = {name}",
    ]
    for verb in verbs:
        lines += ["", *render_verb(verb, f"self._{name}.{verb.name}")]
    return "\n".join(lines) + "\n"


# -- what is read --


def read_verb(node: ast.FunctionDef, source: str) -> Verb:
    """Return a verb as its source has it."""
    parameters, arguments = read_parameters(node.args, source)
    assert node.returns is not None, node.name
    return Verb(
        node.name,
        tuple(parameters),
        tuple(arguments),
        text_of(node.returns, source),
        read_doc(node, source),
        read_names(node),
    )


def read_parameters(given: ast.arguments, source: str) -> tuple[list[str], list[str]]:
    """Return the parameters behind `self`, and how a call passes them on."""
    assert not given.posonlyargs
    positional, defaults = given.args[1:], [None] * len(given.args) + list(given.defaults)
    defaults = defaults[len(defaults) - len(positional) :] if positional else []
    parameters = [
        read_parameter(argument, default, source)
        for argument, default in zip(positional, defaults, strict=True)
    ]
    arguments = [argument.arg for argument in positional]
    if given.vararg is not None:
        parameters.append("*" + read_parameter(given.vararg, None, source))
        arguments.append("*" + given.vararg.arg)
    elif given.kwonlyargs:
        parameters.append("*")
    for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        parameters.append(read_parameter(argument, default, source))
        arguments.append(f"{argument.arg}={argument.arg}")
    if given.kwarg is not None:
        parameters.append("**" + read_parameter(given.kwarg, None, source))
        arguments.append("**" + given.kwarg.arg)
    return parameters, arguments


def read_parameter(argument: ast.arg, default: ast.expr | None, source: str) -> str:
    assert argument.annotation is not None, argument.arg
    shown = f"{argument.arg}: {text_of(argument.annotation, source)}"
    return shown if default is None else f"{shown} = {text_of(default, source)}"


def read_names(node: ast.FunctionDef) -> frozenset[str]:
    """Return what a signature names."""
    assert node.returns is not None
    parts = [node.args, node.returns]
    return frozenset(
        one.id for part in parts for one in ast.walk(part) if isinstance(one, ast.Name)
    )


def read_doc(node: ast.FunctionDef, source: str) -> str:
    """Return the docstring in its quotes; examples are left out, since they await nothing."""
    first = node.body[0]
    assert isinstance(first, ast.Expr), node.name
    assert ast.get_docstring(node), node.name
    text = text_of(first, source)
    before, example, _ = text.partition("\n\n        >>> ")
    if not example:
        return text
    end = '"""' if "\n" not in before else '\n        """'
    return before + end


def text_of(node: ast.expr | ast.Expr, source: str) -> str:
    text = ast.get_source_segment(source, node)
    assert text is not None
    if isinstance(node, ast.Expr):
        return text
    # several lines in the source become one, and are laid out again
    return re.sub(r",?\s*\n\s*([)\]])", r"\1", re.sub(r"([(\[])\s*\n\s*", r"\1", text))


# -- what is written --


def render_verb(verb: Verb, sync: str) -> Iterator[str]:
    """Yield the lines of the twin of a verb."""
    returned = verb.returned if verb.item is None else f"AsyncItems[{verb.item}]"
    is_async = "async " if verb.item is None else ""
    yield from lay_out(
        f"    {is_async}def {verb.name}(", ("self", *verb.parameters), f") -> {returned}:"
    )
    yield f"        {verb.doc}"
    if verb.item is not None:
        yield from fill("        verb = partial(", (sync, *verb.arguments), ")")
        more = ", is_waiting=True" if verb.waits else ""
        yield f"        return AsyncItems(self._pool, verb{more})"
    else:
        returns = "" if verb.returned == "None" else "return "
        call = f"        {returns}await self._pool.{'wait' if verb.waits else 'run'}("
        yield from fill(call, (sync, *verb.arguments), ")")


def lay_out(begin: str, items: Sequence[str], end: str) -> list[str]:
    """Return a list in parentheses as the formatter of the project lays it out."""
    indent = " " * (len(begin) - len(begin.lstrip()))
    together = ", ".join(items)
    if len(line := f"{begin}{together}{end}") <= MAX_WIDTH:
        return [line]
    if len(line := f"{indent}    {together}") <= MAX_WIDTH:
        return [begin, line, f"{indent}{end}"]
    each = [f"{indent}    {item}," for item in items]
    return [begin, *each, f"{indent}{end}"]


def render_imports(
    tree: ast.Module, kind: ast.ClassDef, verbs: Sequence[Verb], sync: str
) -> Iterator[str]:
    """Yield the imports of what the signatures name, in the order that the linter wants."""
    used = {name for verb in verbs for name in verb.names} - {"Iterator"}
    modules: dict[str, list[str]] = {}
    whole: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module != "__future__":
            names = [alias.name for alias in node.names if alias.name in used and not alias.asname]
            if names:
                modules[node.module or ""] = names
        elif isinstance(node, ast.Import):
            whole += [alias.name for alias in node.names if alias.name in used]
    modules["itagflow.aio.pool"] = ["ThreadPool"]
    if any(verb.item is not None for verb in verbs):
        modules["functools"] = ["partial"]
        modules["itagflow.aio.items"] = ["AsyncItems"]
    modules[sync] = [kind.name]
    yield from (f"import {name}" for name in sorted(whole))
    group = 0
    for module in sorted(modules, key=lambda name: (group_of(name), name)):
        if group_of(module) != group:
            group = group_of(module)
            yield ""
        yield from lay_out_import(module, modules[module])


def group_of(module: str) -> int:
    """The standard library comes first, then other libraries, then this one."""
    top = module.partition(".")[0]
    return {"itagflow": 2, "typing_extensions": 1, "attrs": 1}.get(top, 0)


def lay_out_import(module: str, names: Sequence[str]) -> list[str]:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= MAX_WIDTH:
        return [line]
    return [f"from {module} import (", *(f"    {name}," for name in names), ")"]


def fill(begin: str, items: Sequence[str], end: str) -> list[str]:
    """Return a call whose arguments fill its lines: the signature above has one in each."""
    laid_out = lay_out(begin, items, end)
    if len(laid_out) <= 3:
        return laid_out
    indent = " " * (len(begin) - len(begin.lstrip()))
    text = ", ".join(items) + ","
    # a text with a blank would be broken: names of arguments have none
    filled = textwrap.wrap(
        text, MAX_WIDTH, initial_indent=f"{indent}    ", subsequent_indent=f"{indent}    "
    )
    return [begin, *filled, f"{indent}{end}"]
