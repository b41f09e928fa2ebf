"""What a store keeps of deliveries: how far a receiver has come, and what it did not take.

All of it refers to events by their position.  It holds no text of an event or of a receiver, so
that nothing has to be erased here when something is erased there.
"""

from __future__ import annotations

from datetime import datetime

import attrs

from itagflow.reprs import show_fields


@attrs.frozen(kw_only=True)
class DeliveryCursor:
    """How far one receiver has come, and which worker delivers to it."""

    receiver: str
    """The name of the receiver."""
    id: int
    """A number that was drawn with this cursor; the ids of its messages begin with it."""
    position: int = 0
    """The last position up to which each event was delivered, left out, delayed or given up."""
    part: int = 0
    """How many messages of the event behind that were delivered."""
    holder: str = ""
    """The worker that delivers, or nobody: a text of its own for each worker."""
    lease_until: datetime | None = None
    """Until when nobody else delivers."""
    failures: int = 0
    """How many deliveries have failed since the last one that did not."""
    next_attempt_at: datetime | None = None
    """Before this time nothing is delivered, since the receiver asked for a break."""
    is_disabled: bool = False
    """Whether the receiver answered 410: it gets nothing until it is enabled again."""
    delivered: int = 0
    """How many messages were delivered."""
    delivered_at: datetime | None = None
    """When the last one was."""
    version: int = 0
    """Counts the saves."""

    @property
    def key(self) -> tuple[str]:
        """The key in the store."""
        return (self.receiver,)

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class DelayedJob:
    """A job whose events wait at one receiver, because one of them was not delivered."""

    receiver: str
    """The name of the receiver."""
    job: int
    """The job; 0 stands for the events of no job."""
    position: int
    """The position of the event that is delivered next."""
    part: int = 0
    """How many messages of that event were delivered."""
    alone_until: int = 0
    """Up to this position messages are sent one by one: a batch of them was not taken."""
    alone_part: int = 0
    """Up to which message of the event there."""
    attempts: int = 0
    """How often the next message was tried."""
    next_attempt_at: datetime
    """When it is tried again."""
    error: str = ""
    """Why it was not delivered, such as ``answered 503``."""
    failed_at: datetime | None = None
    """When that was."""
    version: int = 0
    """Counts the saves."""

    @property
    def key(self) -> tuple[str, int]:
        """The key in the store: receiver and job."""
        return (self.receiver, self.job)

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class DeadLetter:
    """A message that was given up; `itagflow.delivery.redeliver` sends it again."""

    receiver: str
    """The name of the receiver."""
    position: int
    """The position of its event."""
    part: int = 0
    """Which message of that event it is, from 0."""
    job: int
    """The job of the event; 0: of no job."""
    attempts: int
    """How often it was tried since it was first sent, or was last ordered to be sent again."""
    error: str
    """Why it was given up, such as ``answered 422``."""
    failed_at: datetime
    """When the last attempt failed."""
    next_attempt_at: datetime | None = None
    """When it is sent again, if somebody ordered that; None: never."""
    version: int = 0
    """Counts the saves."""

    @property
    def key(self) -> tuple[str, int, int]:
        """The key in the store: receiver, position and part."""
        return (self.receiver, self.position, self.part)

    __repr__ = show_fields
