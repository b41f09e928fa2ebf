"""Templates: what is asked about each task."""

from __future__ import annotations

from collections.abc import Iterator

from itagflow.core.engine import Engine
from itagflow.core.lookup import Page
from itagflow.model.arguments import require_flag, require_kind
from itagflow.model.template import Template
from itagflow.model.text import require_text
from itagflow.results import service as results
from itagflow.typing import JobRef, MemberRef, TemplateRef, WorkspaceRef
from itagflow.workspaces import service as workspaces
from itagflow.workspaces.service import TemplateSpec


class Templates:
    """Templates: what is asked about each task."""

    def __init__(self, engine: Engine) -> None:
        """Work over *engine*."""
        self._engine = engine

    def add(
        self,
        workspace: WorkspaceRef,
        template: Template,
        *,
        name: str,
        by: MemberRef,
        exist_ok: bool = False,
    ) -> Template:
        """Store a template under a name, for several jobs to use.

        Args:
            workspace: The workspace.
            template: What is asked.
            name: Its name, unique in the workspace.
            by: The member who adds it.
            exist_ok: Return the template that has this name, if it asks the same.  Nothing is
                changed.

        Raises:
            AlreadyExists: when the workspace has a template of this name; with *exist_ok*, when it
                asks something else.
            NotAllowed: when *by* may not manage jobs.
        """
        wanted = "a Template, such as templates.image_classification([…])"
        template = require_kind("templates.add", "template", template, Template, wanted)
        name = require_text("templates.add", "name", name)
        exist_ok = require_flag("templates.add", "exist_ok", exist_ok)
        spec = TemplateSpec(template=template, name=name, by=by)
        return workspaces.add_template(self._engine, workspace, spec, exist_ok=exist_ok)

    def list(
        self,
        workspace: WorkspaceRef,
        *,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: TemplateRef | None = None,
    ) -> Iterator[Template]:
        """Yield the templates of a workspace that have a name, oldest first.

        Args:
            workspace: The workspace.
            by: Who reads: all of them, if the member may see every job, and else those of the jobs
                that the member may see.
            limit: How many at the most.
            after: The last template of the page before, its key or its name.

        Raises:
            NotFound: when there is no such workspace, *by* is nobody there, or it has no template
                *after*.
            NotAllowed: when *by* was removed.
        """
        return results.list_templates(self._engine, workspace, by=by, page=Page(limit, after))

    def get(self, job: JobRef, *, by: MemberRef | None = None) -> Template:
        """Return the template of a job as it is now; the history keeps what it was.

        Raises:
            NotFound: when there is no such job.
            NotAllowed: when *by* may not read the job, or was removed.
        """
        return results.get_template(self._engine, job, by=by)
