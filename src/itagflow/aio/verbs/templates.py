# Generated from itagflow.api.templates by tests/docs/pins/write.py: change that, and run this.
"""Templates: what is asked about each task; awaited."""

from __future__ import annotations

from functools import partial

from itagflow.aio.items import AsyncItems
from itagflow.aio.pool import ThreadPool
from itagflow.api.templates import Templates
from itagflow.model.template import Template
from itagflow.typing import JobRef, MemberRef, TemplateRef, WorkspaceRef


class AsyncTemplates:
    """Templates: what is asked about each task; awaited."""

    def __init__(self, pool: ThreadPool, templates: Templates) -> None:
        """Do the work of *templates* in the threads of *pool*."""
        self._pool = pool
        self._templates = templates

    async def add(
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
        return await self._pool.run(
            self._templates.add, workspace, template, name=name, by=by, exist_ok=exist_ok
        )

    def list(
        self,
        workspace: WorkspaceRef,
        *,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: TemplateRef | None = None,
    ) -> AsyncItems[Template]:
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
        verb = partial(self._templates.list, workspace, by=by, limit=limit, after=after)
        return AsyncItems(self._pool, verb)

    async def get(self, job: JobRef, *, by: MemberRef | None = None) -> Template:
        """Return the template of a job as it is now; the history keeps what it was.

        Raises:
            NotFound: when there is no such job.
            NotAllowed: when *by* may not read the job, or was removed.
        """
        return await self._pool.run(self._templates.get, job, by=by)
