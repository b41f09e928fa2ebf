"""The configuration of Sphinx."""

import ast
import inspect
import pkgutil
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from sphinx.ext.napoleon import Config, GoogleDocstring
from sphinx.writers.html5 import HTML5Translator

import itagflow

sys.path.insert(0, str(Path(__file__).parent))
from building.archive import make_archive
from building.directives import add_directives
from building.listing import link_verbs
from building.signatures import link_type, write_signature

project = "itagflow"
author = "The itagflow authors"
copyright = "2026, The itagflow authors"
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "itagflow"
default_role = "any"
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
copybutton_prompt_text = "$ "  # of a console, commands are copied and what they print is not
copybutton_only_copy_prompt_lines = True
html_use_index = False  # a page of all names would be larger than any other; the search has them
html_copy_source = False
autodoc_member_order = "bysource"
nitpicky = True
nitpick_ignore_regex = [  # the standard library is not in this index
    ("py:class", r"collections\.abc\..*"),
    ("any", r"(contextlib|functools|pandas)\..*"),
]


def google(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Read docstrings in Google style; those of attributes are plain text."""
    lines[:] = map(link_verbs, lines)
    if what not in ("attribute", "data", "property"):
        lines[:] = GoogleDocstring(lines, Config(), app, what, name, obj, options).lines()


class ShortTranslator(HTML5Translator):
    """Writes code without an element around each of its words, which makes pages a fifth larger."""

    def visit_Text(self, node: Any) -> None:  # noqa: N802  # the name that docutils calls
        protected, self.protect_literal_text = self.protect_literal_text, 0
        super().visit_Text(node)
        self.protect_literal_text = protected


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
    add_directives(app)
    app.set_translator("html", ShortTranslator)
    app.connect("builder-inited", make_archive)
    app.connect("autodoc-process-docstring", google)
    app.connect("autodoc-process-signature", write_signature)
    app.connect("missing-reference", link_type)
