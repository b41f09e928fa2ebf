"""Templates for work on language models.  iTAG names such templates, but not their formats."""

from __future__ import annotations

from collections.abc import Iterable

from itagflow.model.number import require_whole_number
from itagflow.model.template import (
    Question,
    QuestionKind,
    Scale,
    Template,
    View,
    ViewKind,
)
from itagflow.templates._questions import build_options, require_flag, require_texts

RESPONSE = "Response"
"""The title of every response; numbers or letters would be out of order once they are shuffled."""


def preference_ranking(
    responses: Iterable[str],
    *,
    prompt: str = "prompt",
    title: str = "Ranking",
    comment: bool = False,
) -> Template:
    """Return a template that asks to rank the responses to a prompt, the best first.

    Each person sees the responses of a task in an order of their own: see `Question.shuffle`.

    Args:
        responses: The fields of ``data`` that hold the responses; they are also the keys of the
            ranking.
        prompt: The field that holds the prompt.
        title: The title of the question.
        comment: Whether to ask for a comment too.

    >>> preference_ranking(["a", "b", "c"]).views[1].field
    'a'
    """
    fields = require_texts("responses", responses)
    return _build_template(
        (_show(prompt, "Prompt"), *(_show(field, RESPONSE) for field in fields)),
        Question("1", QuestionKind.RANKING, title, build_options(fields)),
        comment=comment,
    )


def pairwise_preference(
    first: str = "a",
    second: str = "b",
    *,
    prompt: str = "prompt",
    degrees: int = 1,
    title: str = "Preference",
    comment: bool = False,
) -> Template:
    """Return a template that asks which of two responses to a prompt is better, or neither.

    A tie is ``Preference(None)``; with ``tie="both good"`` or ``"both bad"`` it tells which.  Each
    person sees the responses of a task in an order of their own: see `Question.shuffle`.

    Args:
        first: The field of ``data`` that holds a response, and the key of preferring it.
        second: The same for the other response.
        prompt: The field that holds the prompt.
        degrees: How many degrees of better there are.
        title: The title of the question.
        comment: Whether to ask for a comment too.

    >>> pairwise_preference(degrees=3).questions[0].scale.high
    3
    """
    options = build_options([first, second])
    most_degrees = require_whole_number("the template", "degrees", degrees, least=1)
    scale = None
    if most_degrees > 1:
        scale = Scale(1, most_degrees)
    better = Question("1", QuestionKind.PREFERENCE, title, options, scale=scale)
    views = (_show(prompt, "Prompt"), _show(first, RESPONSE), _show(second, RESPONSE))
    return _build_template(views, better, comment=comment)


def dialogue_rating(
    criteria: Iterable[str],
    *,
    dialogue: str = "dialogue",
    scale: Scale | None = None,
    comment: bool = True,
) -> Template:
    """Return a template that asks to rate a dialogue by each of several criteria.

    Args:
        criteria: The titles of the questions.
        dialogue: The field of ``data`` that holds the dialogue.
        scale: The numbers to rate with; 1 to 5 unless given.
        comment: Whether to ask for a comment too.

    >>> [question.title for question in dialogue_rating(["helpful", "harmless"]).questions]
    ['helpful', 'harmless', 'Comment']
    """
    rating_scale = Scale()
    if scale is not None:
        rating_scale = scale
    ratings = [
        Question(str(n), QuestionKind.RATING, title, scale=rating_scale)
        for n, title in enumerate(require_texts("criteria", criteria), 1)
    ]
    return _build_template((_show(dialogue, "Dialogue"),), *ratings, comment=comment)


def _show(field: str, title: str) -> View:
    return View(ViewKind.TEXT, field, title=title)


def _build_template(views: tuple[View, ...], *questions: Question, comment: bool) -> Template:
    require_flag("comment", comment)
    id = str(len(questions) + 1)
    if comment:
        comment_question = Question(id, QuestionKind.OPEN_ENDED, "Comment", required=False)
        questions = (*questions, comment_question)
    return Template(questions=questions, views=views)
