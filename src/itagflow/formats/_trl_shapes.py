"""What TRL calls a text, a message and a good response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.formats._plain import is_a
from itagflow.model.template import Question, QuestionKind, Scale
from itagflow.model.text import format_value

PAIRS, SINGLE, MESSAGES = "preference", "unpaired", "messages"
"""The kinds of rows."""
USER, ASSISTANT = "user", "assistant"
"""Who says a prompt, and who a response."""


def require_text(value: Any) -> str:
    """Return *value*, which must be a text.

    Raises:
        ValueError: when it is none.
    """
    if is_a(value, str):
        return str(value)
    hint = "; with conversational=True it can be messages" if is_a(value, list) else ""
    raise ValueError(f"must be a text, not {format_value(value)}{hint}")


def make_messages(value: Any, role: str) -> list[dict[str, Any]]:
    """Return *value* as messages: those that it is, or a text that *role* said.

    >>> make_messages("Hi", "user")
    [{'role': 'user', 'content': 'Hi'}]

    Raises:
        ValueError: when it is neither.
    """
    if is_a(value, str):
        return [{"role": role, "content": value}]
    wanted = "must be a text, or messages with role and content"
    if not is_a(value, list) or not value:
        raise ValueError(f"{wanted}, not {format_value(value)}")
    for message in value:
        if not is_a(message, dict) or not is_a(message.get("role"), str) or len(message) < 2:
            raise ValueError(f"{wanted}, not {format_value(message)}")
    return list(value)


@attrs.frozen
class Judge:
    """Says whether a reply means that a response is good."""

    question: Question
    least: float | None
    """The least rating of a good one."""
    key: str | None
    """The option that means that it is good."""

    @classmethod
    def make(cls, question: Question, good: str | None) -> Judge:
        """Return what judges the replies to a RATING or RADIO question.

        Raises:
            InvalidData: when *good* is nothing that can be replied to it.
        """
        if question.kind is QuestionKind.RADIO:
            if good not in question.keys:
                raise _make_error("the key of the option that means a good response", good)
            return cls(question, None, good)
        scale = question.scale or Scale()
        try:
            least = float(good or "")
        except ValueError:
            least = scale.high + 1
        if not scale.low < least <= scale.high:
            range = f"above {scale.low:g}, up to {scale.high:g}"
            raise _make_error(f"the least rating of a good response, {range}", good)
        return cls(question, least, None)

    def is_good(self, reply: Mapping[str, Any]) -> bool:
        """Return whether a reply, which is plain JSON, means that the response is good."""
        if self.least is None:
            return bool(reply["key"] == self.key)
        return bool(reply["value"] >= self.least)

    def make_reply(self, label: Any) -> dict[str, Any]:
        """Return the reply that means *label*, as plain JSON: an end of the scale, or an option.

        Raises:
            ValueError: when *label* is no flag, or several options mean that a response is bad.
        """
        if not is_a(label, bool):
            raise ValueError(f"label must be true or false, not {format_value(label)}")
        if self.least is not None:
            scale = self.question.scale or Scale()
            return {"kind": "rating", "value": scale.high if label else scale.low}
        others = sorted(self.question.keys - {self.key})
        if not label and len(others) != 1:
            raise ValueError("label is false, and several options mean a bad response")
        return {"kind": "choice", "key": self.key if label else others[0]}


def _make_error(wanted: str, good: str | None) -> InvalidData:
    given = "" if good is None else f", not {format_value(good)}"
    return InvalidData("the format", [Problem("good", f"must be {wanted}{given}")])
