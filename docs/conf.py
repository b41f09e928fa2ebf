"""Builds the documentation; warnings are errors, and unknown names are warnings."""

from __future__ import annotations

from importlib.metadata import version as version_of

from sphinx.application import Sphinx

project = "itagflow"
author = "The itagflow authors"
copyright = "the itagflow authors"
release = version = version_of("itagflow")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinxcontrib.mermaid"]
exclude_patterns = ["_build"]
nitpicky = True
default_role = "any"
html_theme = "furo"
html_title = f"itagflow {release}"

myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 3

autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_numpy_docstring = False


def keep_colons(_app: Sphinx, what: str, _name: str, _it: object, _options: object, lines: list[str]) -> None:
    """Napoleon takes "Its key: …" below a field for a type and a text; an empty type in front keeps it whole."""
    if what in ("attribute", "data", "property") and lines:
        lines[0] = f": {lines[0]}"


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-docstring", keep_colons, priority=400)
