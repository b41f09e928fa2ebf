"""What a reviewer gives to `judge` and `reject`, checked before anything is stored."""

from __future__ import annotations

from collections.abc import Iterable

from itagflow.core.lookup import TaskRef
from itagflow.model.arguments import require_flag, require_optional_several
from itagflow.model.text import require_optional_text, require_text
from itagflow.reviewing.explanations import Explanation
from itagflow.reviewing.judging_rules import Judgment, make_judgment
from itagflow.reviewing.service import RejectOrder


def parse_judgment(
    wrong: str | None, reason: str | None, *, discard_modification: bool
) -> Judgment:
    """Return the judgment of a task.

    Raises:
        InvalidData: when the comment or the reason is no text that can be stored, or the last is
            no flag.
    """
    wrong = require_optional_text("judge", "wrong", wrong)
    reason = require_optional_text("judge", "reason", reason)
    discard = require_flag("judge", "discard_modification", discard_modification)
    return make_judgment(wrong, reason, discard_modification=discard)


def parse_rejection(
    verb: str,
    comment: str,
    reason: str | None,
    *,
    whole: bool,
    tasks: Iterable[TaskRef] | None = None,
) -> RejectOrder:
    """Return what goes back and why.

    Raises:
        InvalidData: when the tasks are not several, the comment or the reason is no text that can
            be stored, or *whole* is no flag.
    """
    # gone through here: no transaction is open while code of the caller runs
    named = require_optional_several(verb, "tasks", tasks, "tasks")
    said = Explanation(
        require_text(verb, "comment", comment),
        require_optional_text(verb, "reason", reason) or "",
    )
    return RejectOrder(tasks=named or (), said=said, is_whole=require_flag(verb, "whole", whole))
