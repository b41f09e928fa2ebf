"""Names in a file as the template spells them: Unicode has several ways to write one name.

macOS, for example, hands out names in form NFD, in which an accent is a character of its own; most
other systems and keyboards write form NFC.  Files are read in either, and stored as the template
has it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from itagflow.formats._plain import is_a
from itagflow.model.template import Question, QuestionKind
from itagflow.model.text import normalize_name

_BY_KEY = frozenset({QuestionKind.RADIO, QuestionKind.CHECKBOX, QuestionKind.RANKING})
"""Kinds that are answered with keys of options; a preference has keys of its own."""


def respell_name(name: Any, known: Collection[str]) -> Any:
    r"""Return the one of the *known* names that *name* is, however it is written.

    >>> respell_name("Zoe\u0308", ["Zo\u00eb"]) == "Zo\u00eb"
    True
    """
    # what is ASCII has one spelling, and most names are as the template has them
    if not is_a(name, str) or name.isascii() or name in known:
        return name
    normal = normalize_name(name)
    return next((each for each in known if normalize_name(each) == normal), name)


def respell_keys(question: Question, value: Any) -> Any:
    """Return the key, or the list of keys, that a question is answered with."""
    if question.kind not in _BY_KEY or (is_a(value, str) and value in question.keys):
        return value
    if is_a(value, list):
        return [respell_name(key, question.keys) for key in value]
    return respell_name(value, question.keys)


def respell_labels(by_title: Mapping[str, Question], labels: Mapping[str, Any]) -> dict[str, Any]:
    """Return labels by title of the question, with titles and keys as the template has them.

    Args:
        by_title: What is asked, by title.
        labels: What was answered, by title.
    """
    respelled: dict[str, Any] = {}
    for title, value in labels.items():
        known = title
        if title not in by_title:
            known = respell_name(title, by_title.keys())
        if known != title and known in labels:
            known = title  # both spellings are there: the check says that one is no question
        question = by_title.get(known)
        respelled[known] = value if question is None else respell_keys(question, value)
    return respelled
