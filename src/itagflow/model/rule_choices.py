"""What the rules of stages choose from: what becomes of tasks that are sent back, or abandoned."""

from enum import Enum

from itagflow.model.enums import parse_enum


class OnMaxRejects(Enum):
    """What becomes of a task that a review stage has sent back as often as it may."""

    MODIFY = "modify"
    """The reviewer cannot send it back again: they modify it, abandon it, or let it pass."""
    ABANDON = "abandon"
    """It is abandoned as soon as it is judged wrong once more."""
    QUEUE = "queue"
    """It waits for anyone who may take it: its author is offered nothing, and comes last."""


class OnAbandon(Enum):
    """What becomes of a task that a labeler abandons."""

    KEEP = "keep"
    """It stays abandoned, unless a reviewer undoes it."""
    QUEUE = "queue"
    """It is labeled once more, by anyone who may take it; abandoned again, it stays so."""


def convert_on_max_rejects(value: OnMaxRejects | str) -> OnMaxRejects:
    """Return what becomes of a task that was sent back often, which may be given by value."""
    return parse_enum(OnMaxRejects, value)


def convert_on_abandon(value: OnAbandon | str) -> OnAbandon:
    """Return what becomes of an abandoned task, which may be given by value."""
    return parse_enum(OnAbandon, value)
