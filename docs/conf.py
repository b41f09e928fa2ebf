"""The configuration of Sphinx."""

import ast
import inspect
import pkgutil
import re
from importlib import import_module
from typing import Any

from sphinx.ext.napoleon import Config, GoogleDocstring

import itagflow

project = "itagflow"
author = "The itagflow authors"
copyright = "2026, The itagflow authors"
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinxcontrib.mermaid",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "itagflow"
default_role = "any"
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
autodoc_typehints = "none"
autodoc_member_order = "bysource"
nitpicky = True
nitpick_ignore_regex = [  # the standard library is not in this index
    ("py:class", r"collections\.abc\..*"),
    ("any", r"(contextlib|functools|pandas)\..*"),
]


VERB = re.compile(r"(?<!`)`flow\.(?:(\w+)\.)?(\w+)`(?!`)")
"""A verb as users write it in docstrings, such as `flow.claim` or `flow.jobs.create`."""


def linked(verb: re.Match[str]) -> str:
    """Return the link to a verb: a method of Flow or of the class of a namespace."""
    noun, name = verb.groups()
    owner = f"itagflow.api.{noun}.{noun.capitalize()}" if noun else "itagflow.Flow"
    return f":py:meth:`{verb.group().strip('`')} <{owner}.{name}>`"


def google(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Read docstrings in Google style; those of attributes are plain text."""
    lines[:] = [VERB.sub(linked, line) for line in lines]
    if what not in ("attribute", "data", "property"):
        lines[:] = GoogleDocstring(lines, Config(), app, what, name, obj, options).lines()


def report_files() -> None:
    """Let each class report the module that it is written in.

    For users it reports the place to import it from; Sphinx reads the docstrings of fields where
    the class says that it is.
    """
    for found in pkgutil.walk_packages(itagflow.__path__, "itagflow."):
        # what needs an extra is not in this environment
        if found.name.startswith(("itagflow.jsontext.fast", "itagflow.storage.postgres")):
            continue
        module = import_module(found.name)
        for node in ast.parse(inspect.getsource(module)).body:
            if isinstance(node, ast.ClassDef):
                getattr(module, node.name).__module__ = found.name


def setup(app: Any) -> None:
    report_files()
    app.connect("autodoc-process-docstring", google)
