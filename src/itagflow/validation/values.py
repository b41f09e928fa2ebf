"""Whether choices, texts and numbers fit their question."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from itagflow.errors import Problem
from itagflow.model.pattern import compile_pattern
from itagflow.model.reply import Preference, Rating
from itagflow.model.template import Question, QuestionKind, Scale
from itagflow.model.text import find_text_error, format_value

MAX_TEXT = 1_000_000
"""How many characters a text may have."""


def find_count_problems(path: str, question: Question, count: int) -> Iterator[Problem]:
    """Yield whether there are fewer or more parts, or options, than *question* asks for."""
    most = question.max_count
    if count < question.min_count:
        yield Problem(path, f"must be at least {question.min_count}, not {count}")
    elif most is not None and count > most:
        yield Problem(path, f"must be at most {most}, not {count}")


def find_value_problems(question: Question, path: str, value: Any) -> Iterator[Problem]:
    """Yield what is wrong with a choice (a string), choices or a text, of a task or annotation."""
    if question.kind is QuestionKind.CHECKBOX:
        yield from _find_choices_problems(question, path, value)
    elif not isinstance(value, str):
        yield Problem(path, f"needs one value, not {format_value(value)}")
    elif question.kind is QuestionKind.RADIO:
        if value not in question.keys:
            yield _make_unknown_key_problem(question, path, value)
    else:
        yield from _find_text_problems(question, path, value)


def find_ranking_problems(
    question: Question, path: str, keys: tuple[object, ...]
) -> Iterator[Problem]:
    """Yield what keeps *keys* from being all options of *question*, each once."""
    yield from _find_keys_problems(question, path, keys)
    if missing := sorted(question.keys.difference(key for key in keys if isinstance(key, str))):
        yield Problem(path, f"leaves out {', '.join(missing)}: every option needs its rank")


def find_rating_problems(question: Question, path: str, rating: Rating) -> Iterator[Problem]:
    """Yield what keeps *rating* from being on the scale of *question*."""
    scale = question.scale or Scale()
    if rating.value not in scale:
        steps = ""
        if scale.step:
            steps = f" in steps of {scale.step:g}"
        yield Problem(
            path, f"must be from {scale.low:g} to {scale.high:g}{steps}, not {rating.value:g}"
        )


def find_preference_problems(question: Question, path: str, reply: Preference) -> Iterator[Problem]:
    """Yield what keeps *reply* from preferring an option of *question* on its scale."""
    max_degree: float = 1
    if question.scale:
        max_degree = question.scale.high
    if reply.better is not None and reply.better not in question.keys:
        yield _make_unknown_key_problem(question, path, reply.better)
    if reply.degree > max_degree:
        yield Problem(
            f"{path}.degree",
            f"must be a whole number from 1 to {max_degree:g}, not {reply.degree}",
        )


def _find_choices_problems(question: Question, path: str, value: Any) -> Iterator[Problem]:
    if not isinstance(value, tuple):
        yield Problem(path, "needs several options, not one")
    elif question.required and not value:
        yield Problem(path, f"no option chosen for the required question {question.title!r}")
    else:
        yield from find_count_problems(path, question, len(cast("tuple[object, ...]", value)))
        yield from _find_keys_problems(question, path, cast("tuple[object, ...]", value))


def _find_keys_problems(
    question: Question, path: str, keys: tuple[object, ...]
) -> Iterator[Problem]:
    unknown = [key for key in keys if not isinstance(key, str) or key not in question.keys]
    yield from (_make_unknown_key_problem(question, path, key) for key in unknown)
    # only of known keys, which are texts: a screen may send what has no hash
    if not unknown and len(set(keys)) < len(keys):
        yield Problem(path, "names an option twice")


def _make_unknown_key_problem(question: Question, path: str, key: object) -> Problem:
    known = ", ".join(option.key for top in question.options for option in top.every)
    return Problem(path, f"{format_value(key)} is not an option; the options are {known}")


def _find_text_problems(question: Question, path: str, text: str) -> Iterator[Problem]:
    if error := find_text_error(text):
        yield Problem(path, error)
    elif len(text) > MAX_TEXT:
        yield Problem(path, f"is {len(text)} characters long; at most {MAX_TEXT} are allowed")
    elif question.required and not text.strip():
        yield Problem(path, f"is empty, and the question {question.title!r} is required")
    # refused before it is matched: long text times large pattern takes time on every save
    elif question.rule and not compile_pattern(question.rule).takes(text):
        yield Problem(
            path, f"is too long for the rule {question.rule!r} of the question {question.title!r}"
        )
    # an empty text that is not required needs no form
    elif question.rule and text and not compile_pattern(question.rule).matches(text):
        yield Problem(
            path, f"does not match the rule {question.rule!r} of the question {question.title!r}"
        )
