"""Workspaces."""

from __future__ import annotations

from collections.abc import Iterator

from itagflow.core.engine import Engine
from itagflow.core.lookup import Page
from itagflow.model.arguments import require_flag
from itagflow.model.text import require_text
from itagflow.model.workspace import Workspace
from itagflow.typing import MemberRef, WorkspaceRef
from itagflow.workspaces import service as workspaces


class Workspaces:
    """Workspaces."""

    def __init__(self, engine: Engine) -> None:
        """Work over *engine*."""
        self._engine = engine

    def create(self, name: str, *, admin: str, exist_ok: bool = False) -> Workspace:
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
        name = require_text("workspaces.create", "name", name)
        admin = require_text("workspaces.create", "admin", admin)
        exist_ok = require_flag("workspaces.create", "exist_ok", exist_ok)
        return workspaces.create_workspace(self._engine, name, admin=admin, exist_ok=exist_ok)

    def get(self, workspace: WorkspaceRef, *, by: MemberRef | None = None) -> Workspace:
        """Return a workspace as it is now; with *by* to whoever belongs to it.

        Raises:
            NotFound: when there is no such workspace, or *by* is nobody there.
            NotAllowed: when *by* was removed.
        """
        return workspaces.get_workspace(self._engine, workspace, by=by)

    def list(
        self,
        *,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: WorkspaceRef | None = None,
    ) -> Iterator[Workspace]:
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
        return workspaces.list_workspaces(self._engine, by=by, page=Page(limit, after))

    def rename(self, workspace: WorkspaceRef, name: str, *, by: MemberRef) -> Workspace:
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
        return workspaces.rename_workspace(self._engine, workspace, name, by=by)
