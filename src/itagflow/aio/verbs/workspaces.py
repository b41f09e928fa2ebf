# Generated from itagflow.api.workspaces by tests/docs/pins/write.py: change that, and run this.
"""Workspaces; awaited."""

from __future__ import annotations

from functools import partial

from itagflow.aio.items import AsyncItems
from itagflow.aio.pool import ThreadPool
from itagflow.api.workspaces import Workspaces
from itagflow.model.workspace import Workspace
from itagflow.typing import MemberRef, WorkspaceRef


class AsyncWorkspaces:
    """Workspaces; awaited."""

    def __init__(self, pool: ThreadPool, workspaces: Workspaces) -> None:
        """Do the work of *workspaces* in the threads of *pool*."""
        self._pool = pool
        self._workspaces = workspaces

    async def create(self, name: str, *, admin: str, exist_ok: bool = False) -> Workspace:
        """Create a workspace with its first member, an administrator.

        Args:
            name: Its name, unique in the store.
            admin: The account of its first administrator.
            exist_ok: Return the workspace that has this name, if it was created with this
                administrator.  Nothing is changed; whether they are still an administrator there
                is not asked.

        Raises:
            AlreadyExists: when there is a workspace of this name; with *exist_ok*, when it was
                created with another administrator: `AlreadyExists.differences` is ``("admin",)``.
        """
        return await self._pool.run(self._workspaces.create, name, admin=admin, exist_ok=exist_ok)

    async def get(self, workspace: WorkspaceRef, *, by: MemberRef | None = None) -> Workspace:
        """Return a workspace as it is now; with *by* to whoever belongs to it.

        Raises:
            NotFound: when there is no such workspace, or *by* is nobody there.
            NotAllowed: when *by* was removed.
        """
        return await self._pool.run(self._workspaces.get, workspace, by=by)

    def list(
        self,
        *,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: WorkspaceRef | None = None,
    ) -> AsyncItems[Workspace]:
        """Yield the workspaces, oldest first.

        Args:
            by: With an account, those to which an active member of this account belongs; with a
                member or a key, only that member's workspace.
            limit: How many at the most.
            after: The last workspace of the page before, its key or its name.

        Raises:
            NotFound: when *by* is nobody in any workspace, or there is no workspace *after*.
            NotAllowed: when *by* was removed from all of them.
        """
        verb = partial(self._workspaces.list, by=by, limit=limit, after=after)
        return AsyncItems(self._pool, verb)

    async def rename(self, workspace: WorkspaceRef, name: str, *, by: MemberRef) -> Workspace:
        """Give a workspace another name.

        Args:
            workspace: The workspace.
            name: The new name, unique in the store.
            by: The member who renames it.

        Raises:
            AlreadyExists: when another workspace has this name.
            InvalidData: when nothing can be called so.
            NotAllowed: when *by* may not manage members.
        """
        return await self._pool.run(self._workspaces.rename, workspace, name, by=by)
