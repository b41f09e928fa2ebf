"""Flow: what an embedding program holds.  A module for each family of verbs; `_act` is the one way an act runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from types import TracebackType
from typing import NoReturn, Self

from itagflow.errors import StoreFailed
from itagflow.flow._act import Clock, Listener
from itagflow.flow._ids import Ids, TimeOrdered, now
from itagflow.flow.bulk import Bulk
from itagflow.flow.changing import Changing
from itagflow.flow.copying import Copying
from itagflow.flow.erasing import Erasing
from itagflow.flow.explaining import Explaining
from itagflow.flow.exporting import Exporting
from itagflow.flow.labeling import Labeling
from itagflow.flow.managing import Managing
from itagflow.flow.packaging import Packaging
from itagflow.rules.access import Policy, default_policy
from itagflow.storage.opening import open_store
from itagflow.storage.port import Store

__all__ = ["Flow", "open"]


class Flow(Managing, Packaging, Changing, Labeling, Bulk, Erasing, Explaining, Exporting, Copying):
    """Runs labeling work over one store; threads may share it.

    >>> from itagflow.storage import MemoryStore
    >>> with Flow(MemoryStore()) as flow:
    ...     flow.create_workspace("street", admin="ada").name
    'street'
    """

    def __init__(
        self,
        store: Store,
        *,
        policy: Policy = default_policy,
        clock: Clock = now,
        ids: Ids | None = None,
        listeners: Sequence[Listener] = (),
    ) -> None:
        """Work over *store*.

        Args:
            store: Where everything is kept.
            policy: Says who may do what.  It is asked inside the transaction that acts and must not call the Flow.
            clock: Tells the time, with its time zone; leases and the history go by it.
            ids: Makes new keys; time-ordered ones unless given.
            listeners: Are told each event after its act is stored.  One that raises is logged, and nothing
                is undone; after a crash `events` is the truth.
        """
        import_module("itagflow.flow._ahead")  # no verb may import anything; that module says why

        super().__init__(store, policy, clock, ids or TimeOrdered(clock), listeners)

    def close(self, timeout: float = 10.0) -> bool:
        """Close the store, for all threads of this process.

        New verbs are refused at once, and half-read iterators raise `StoreFailed` at their next step.  Verbs that run
        go on to their end.  They are waited for, except when it is one of the calling thread.

        Args:
            timeout: For how many seconds to wait at most.

        Returns:
            Whether all have ended.  If not, each gives back what it holds at its end.
        """
        return self.store.close(timeout)

    def __reduce__(self) -> NoReturn:
        """Refuse to be sent to another process.

        Raises:
            StoreFailed: always; it says what to do instead.
        """
        hint = "Open one there, with itagflow.open(url); a store in memory can only be shared by threads"
        raise StoreFailed(self.store.name, "a Flow cannot be sent to another process", hint)

    def __enter__(self) -> Self:
        """Return the Flow itself, to be closed at the end of the transaction."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()


def open(
    url: str | os.PathLike[str],
    *,
    policy: Policy = default_policy,
    clock: Clock = now,
    ids: Ids | None = None,
    listeners: Sequence[Listener] = (),
) -> Flow:
    """Open a store and return a Flow over it.

    Args:
        url: ``"memory:"``, the path of a SQLite file, or ``"sqlite:///path"``, which takes
            ``?synchronous=normal`` (faster; the last work may be lost in a power cut, never torn) and
            ``?synchronous=full`` (the default).  A file that does not exist is made.  Or
            ``"postgresql://user@host/name"``, a database that exists; it needs ``itagflow[postgres]``, and
            takes what the driver takes.  Or the URL of a store that another package adds, by an entry point of the
            group ``itagflow.stores``.
        policy: Says who may do what.
        clock: Tells the time, with its time zone.
        ids: Makes new keys.
        listeners: Are told each event after its act is stored.

    Raises:
        InvalidData: when the URL is of no known kind; no error shows what might be a password in it.
        StoreFailed: when the file or the database cannot be opened, belongs to another program or a newer version,
            or the driver is not installed.
    """
    return Flow(open_store(url), policy=policy, clock=clock, ids=ids, listeners=listeners)
