"""What becomes of a package that is still to be labeled when its due time has passed."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.copying import make_read_only
from itagflow.model.enums import parse_optional_enum
from itagflow.model.reply import Reply
from itagflow.model.text import find_text_error
from itagflow.printing import format_repr

TIMEOUT = "timeout"
"""What a result says of itself whose answer is the default one of an overdue task."""


class OnOverdue(Enum):
    """What ``Flow.tick`` does with an overdue package, beside giving its tasks default answers."""

    NOTIFY = "notify"
    """It says so, once, in the history."""
    ESCALATE = "escalate"
    """It hands the tasks that are not answered to the experts of the job."""


OverdueRule = OnOverdue | Mapping[str, Reply] | None
"""What is done with an overdue package; replies by question are the default answer of its tasks."""


def convert_on_overdue(value: OverdueRule | str) -> OverdueRule:
    """Return a rule that may be given by its value; replies become read-only."""
    if isinstance(value, Mapping):
        return make_read_only(value)
    return parse_optional_enum(OnOverdue, value)


def check_on_overdue(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    """Check a rule: an attrs validator.

    Raises:
        InvalidData: when default replies are none, or their questions no texts.
    """
    if not isinstance(value, Mapping):
        return
    problems: list[Problem] = []
    if not value:
        problems.append(Problem(attribute.name, "names no reply: give one to each question"))
    for question, reply in cast("Mapping[object, object]", value).items():
        where = f"{attribute.name}[{format_repr(question)}]"
        if not isinstance(question, str) or find_text_error(question):
            problems.append(Problem(where, "must be the id or the title of a question"))
        elif not isinstance(reply, Reply):
            problems.append(Problem(where, f"must be a reply, not {format_repr(reply)}"))
    if problems:
        raise InvalidData("Label", problems)
