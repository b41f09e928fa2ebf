"""Workspaces."""

from __future__ import annotations

from itagflow.core.engine import Engine
from itagflow.model.workspace import Workspace
from itagflow.workspaces import service as workspaces


class Workspaces:
    """Workspaces."""

    def __init__(self, engine: Engine) -> None:
        """Work over *engine*."""
        self._engine = engine

    def create(self, name: str, *, admin: str) -> Workspace:
        """Create a workspace with its first member, an administrator.

        Args:
            name: Its name, unique in the store.
            admin: The account of its first administrator.

        Raises:
            AlreadyExists: when there is a workspace of this name.
        """
        return workspaces.create_workspace(self._engine, name, admin=admin)
