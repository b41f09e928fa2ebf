"""The application's merge functions are called."""

from __future__ import annotations

from typing import cast

from itagflow.core.registry import Registry
from itagflow.labeling.voting import MergeCall, MergeOutcome
from itagflow.model.reply import Reply
from itagflow.printing import format_repr, make_printable

MAX_REASON = 500
"""How many characters of an error of the application are kept as the reason of a dispute."""


def call_merge(registry: Registry, call: MergeCall) -> MergeOutcome:
    """Return what the application's merge function makes of the replies to a question.

    What it raises is no error of who submits: it makes a dispute, with that reason.

    Raises:
        NotRegistered: when this process does not have the function.
    """
    merge = registry.find_merge(call.name)
    try:
        reply = merge(call.question, call.replies)
    except Exception as error:
        reason = f"{call.name!r} raised {type(error).__name__}: {error}"
        return MergeOutcome(reason=make_printable(reason)[:MAX_REASON])
    if reply is None or isinstance(cast(object, reply), Reply):
        return MergeOutcome(reply=reply)
    return MergeOutcome(reason=f"{call.name!r} returned {format_repr(reply)}, which is no reply")
