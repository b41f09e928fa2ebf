"""Templates: what is asked about each task."""

from __future__ import annotations

from collections.abc import Iterator

from itagflow.flow import managing, reading
from itagflow.flow._act import Engine
from itagflow.flow._find import JobRef, MemberRef, WorkspaceRef
from itagflow.model.template import Template


class Templates:
    """Templates: what is asked about each task."""

    def __init__(self, engine: Engine) -> None:
        """Work over *engine*."""
        self._engine = engine

    def add(self, workspace: WorkspaceRef, template: Template, *, name: str, by: MemberRef) -> Template:
        """Store a template under a name, for several jobs to use.

        Raises:
            AlreadyExists: when the workspace has a template of this name.
            NotAllowed: when *by* may not manage jobs.
        """
        return managing.add_template(self._engine, workspace, template, name=name, by=by)

    def list(self, workspace: WorkspaceRef, *, by: MemberRef | None = None) -> Iterator[Template]:
        """Yield the templates of a workspace that have a name, oldest first.

        With *by* all of them, if the member may see every job, and else those of the jobs that the member may see.
        """
        return reading.list_templates(self._engine, workspace, by=by)

    def get(self, job: JobRef, *, by: MemberRef | None = None) -> Template:
        """Return the template of a job as it is now; the history keeps what it was.

        Raises:
            NotFound: when there is no such job.
        """
        return reading.get_template(self._engine, job, by=by)
