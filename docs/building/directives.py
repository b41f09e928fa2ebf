"""Directives of these pages: what they show is made from the code when the pages are built."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from itagflow import Accept, Inspect, Label, Workflow
from itagflow.lifecycle.tables import ASSIGNMENT, JOB, get_package_lifecycle

from .lifecycle_svg import draw
from .listing import render_aliases, render_verbs
from .reference import render_names

LIFECYCLES: dict[str, Any] = {
    "job": JOB,
    "package": get_package_lifecycle(Workflow(Label(), Inspect(), Accept())),
    "assignment": ASSIGNMENT,
}
"""What is drawn; packages with all three stages."""


class LifecycleDiagram(SphinxDirective):
    """A lifecycle, drawn from its table."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        drawing = draw(LIFECYCLES[name], f"The lifecycle of a{'n' * (name[0] == 'a')} {name}")
        return [nodes.raw("", drawing, format="html")]


class Verbs(SphinxDirective):
    """Every verb of a Flow in tables."""

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes(render_verbs(), allow_section_headings=True)


class Aliases(SphinxDirective):
    """Every name of `itagflow.typing`."""

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes(wrap(render_aliases()))


class Names(SphinxDirective):
    """Names of a module, or verbs of a class, with their documentation; all of them, or some."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes(
            wrap(render_names(self.arguments[0], "\n".join(self.content)))
        )


def wrap(text: str) -> str:
    """Return reStructuredText as a block in Markdown, in which the pages are written."""
    return f"````{{eval-rst}}\n{text}\n````\n"


def add_directives(app: Any) -> None:
    """Let pages use them."""
    app.add_directive("lifecycle", LifecycleDiagram)
    app.add_directive("verbs", Verbs)
    app.add_directive("aliases", Aliases)
    app.add_directive("names", Names)
