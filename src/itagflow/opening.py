"""What an application starts with: a Flow over the store that a URL names."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from itagflow.access import default_policy
from itagflow.core.engine import now
from itagflow.core.registry import MergeFunction
from itagflow.core.settings import Settings
from itagflow.flow import Flow
from itagflow.storage.opening import open_store
from itagflow.typing import Clock, IdSource, Listener, Policy
from itagflow.validation.answers import Validator


def open(
    url: str | os.PathLike[str],
    *,
    policy: Policy = default_policy,
    clock: Clock = now,
    ids: IdSource | None = None,
    listeners: Sequence[Listener] = (),
    validators: Mapping[str, Validator] | None = None,
    merges: Mapping[str, MergeFunction] | None = None,
) -> Flow:
    """Open a store and return a Flow over it.

    Args:
        url: ``"memory:"``, the path of a SQLite file, or ``"sqlite:///path"``, which takes
            ``?synchronous=normal`` (faster; the last work may be lost in a power cut, never torn)
            and ``?synchronous=full`` (the default).  A file that does not exist is made.  Or
            ``"postgresql://user@host/name"``, a database that exists; it needs
            ``itagflow[postgres]``, and takes what the driver takes.  Or the URL of a store that
            another package adds, by an entry point of the group ``itagflow.stores``.
        policy: Says who may do what.  It is asked inside the transaction that acts and must not
            call the Flow.
        clock: Tells the time, with its time zone; leases and the history go by it.
        ids: Makes new keys; time-ordered ones unless given.
        listeners: Are told each event after its act is stored.  One that raises is logged, and
            nothing is undone; after a crash ``flow.events`` is the truth.
        validators: The application's own checks of answers, by the name under which jobs keep them;
            see ``jobs.set_validator``.
        merges: The application's own merge rules, by the name under which ``Label(merge=…)`` has
            them: each takes a question and the voters' replies to it, and returns one reply, or
            None for a dispute.

    Raises:
        InvalidData: when the URL is of no known kind; no error shows what might be a password in
            it.  Or when a validator or a merge function has no name or cannot be called.
        StoreFailed: when the file or the database cannot be opened, belongs to another program or a
            newer version, or the driver is not installed.
    """
    # refuses before a file is made or a connection opened
    settings = Settings(policy, clock, ids, listeners, validators, merges)
    return Flow(
        open_store(url),
        policy=settings.policy,
        clock=settings.clock,
        ids=settings.ids,
        listeners=settings.listeners,
        validators=settings.registry.validators,
        merges=settings.registry.merges,
    )
