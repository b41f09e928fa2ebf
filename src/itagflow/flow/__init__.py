"""Flow: what an embedding program holds.  A module for each family of verbs; `_act` is the one way an act runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import TracebackType
from typing import Literal, NoReturn, Self, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from itagflow.errors import InvalidData, Problem, StoreFailed
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
from itagflow.model.text import shown
from itagflow.rules.access import Policy, default_policy
from itagflow.store import Store
from itagflow.stores import MemoryStore, SqliteStore
from itagflow.stores._secrets import is_path, kind_of

__all__ = ["Flow", "open"]


class Flow(Managing, Packaging, Changing, Labeling, Bulk, Erasing, Explaining, Exporting, Copying):
    """Runs labeling work over one store; threads may share it.

    >>> from itagflow.stores import MemoryStore
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
            policy: Says who may do what.  It is asked inside the block that acts and must not call the Flow.
            clock: Tells the time, with its time zone; leases and the history go by it.
            ids: Makes new keys; time-ordered ones unless given.
            listeners: Are told each event after its act is stored.  One that raises is logged, and nothing
                is undone; after a crash `events` is the truth.
        """
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
        """Return the Flow itself, to be closed at the end of the block."""
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
            takes what the driver takes.
        policy: Says who may do what.
        clock: Tells the time, with its time zone.
        ids: Makes new keys.
        listeners: Are told each event after its act is stored.

    Raises:
        InvalidData: when the URL is of no known kind; no error shows what might be a password in it.
        StoreFailed: when the file or the database cannot be opened, belongs to another program or a newer version,
            or the driver is not installed.
    """
    return Flow(_store(url), policy=policy, clock=clock, ids=ids, listeners=listeners)


def _store(url: str | os.PathLike[str]) -> Store:
    if isinstance(url, os.PathLike):
        return SqliteStore(url)
    if not isinstance(cast(object, url), str):
        raise InvalidData("the URL", [Problem("", f"must be a text or a path, not {shown(url)}")])
    scheme, colon, rest = url.partition(":")
    kind = scheme.lower()
    if url == "memory:":
        return MemoryStore()
    if kind == "sqlite" and colon:
        return _sqlite(f"{kind}:{rest}")
    if kind in ("postgresql", "postgres") and colon:
        return _postgres(f"{kind}:{rest}")
    _must_be_a_path(url)
    return SqliteStore(url)


def _must_be_a_path(url: str) -> None:
    """Check that *url* is no URL gone wrong: what is in it must not be shown, as a path would be."""
    if not is_path(url):
        kind = kind_of(url)
        what = f"{kind!r} is no known kind of store" if kind else "it is of no known kind"
        known = "'memory:', a path, 'sqlite:///path', or 'postgresql://user@host/name'"
        raise InvalidData("the URL", [Problem("", f"{what}; known are {known}; a path of this form is a pathlib.Path")])


def _postgres(url: str) -> Store:
    try:
        from itagflow.stores.postgres import PostgresStore
    except ImportError as error:
        hint = "Install it: pip install 'itagflow[postgres]'"
        raise StoreFailed("postgresql", f"the driver is not there: {error}", hint) from error
    return PostgresStore(url)


def _sqlite(url: str) -> Store:
    try:
        parts = urlsplit(url)
    except ValueError:  # its words may have a password in them
        raise InvalidData("the URL", [Problem("", "cannot be read: write sqlite:///labels.db")]) from None
    options = dict(parse_qsl(parts.query))
    mode = options.pop("synchronous", "full").upper()
    path = unquote(parts.path).removeprefix("/")  # sqlite:///file is relative, sqlite:////file absolute
    problems = [Problem(name, "is no option of a SQLite store; there is synchronous") for name in options]
    if mode not in ("FULL", "NORMAL"):
        problems.append(Problem("synchronous", f"must be full or normal, not {mode.lower()!r}"))
    if parts.netloc or not path:
        problems.append(Problem("path", "is missing: write sqlite:///labels.db, or sqlite:////data/labels.db"))
    if problems:
        raise InvalidData("the URL", problems)
    _must_be_a_path(path)
    synchronous: Literal["FULL", "NORMAL"] = "FULL" if mode == "FULL" else "NORMAL"
    return SqliteStore(path, synchronous=synchronous)
