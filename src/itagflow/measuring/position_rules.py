"""At which place the option stood that a member has chosen, where options are shuffled."""

from __future__ import annotations

from itagflow.model.reply import Choice, Preference, Ranking, Reply
from itagflow.model.task import Answer
from itagflow.model.template import Question

Chosen = tuple[tuple[str, ...], str]
"""The options in the order in which they were shown, and the one that was chosen."""


def find_chosen(question: Question, answer: Answer) -> Chosen | None:
    """Return what was chosen of the options of *question*, which shuffles them, and their order.

    Of a ranking that is the first; of options inside another the outer one.  None where nothing was
    chosen, more than one may be, or the template had other options by then.
    """
    key = _find_key((answer.replies or {}).get(question.id))
    outer = {each.key: option.key for option in question.options for each in option.every}
    order = tuple(each for each in answer.order.get(question.id, ()) if outer.get(each) == each)
    chosen = outer.get(key or "")
    if chosen is None or chosen not in order:
        return None
    return order, chosen


def _find_key(reply: Reply | None) -> str | None:
    match reply:
        case Choice(key=key):
            return key
        case Preference(better=better):
            return better
        case Ranking(keys=keys) if keys:
            return keys[0]
        case _:
            return None
