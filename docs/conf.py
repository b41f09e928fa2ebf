"""The configuration of Sphinx."""

from typing import Any

from sphinx.ext.napoleon import Config, GoogleDocstring

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
    ("any", r"(contextlib|functools)\..*"),
]


def google(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Read docstrings in Google style; those of attributes are plain text."""
    if what not in ("attribute", "data", "property"):
        lines[:] = GoogleDocstring(lines, Config(), app, what, name, obj, options).lines()


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", google)
