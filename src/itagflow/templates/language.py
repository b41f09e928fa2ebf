"""Templates for work on language models.  iTAG names such templates, but not their formats."""

from __future__ import annotations

from collections.abc import Iterable

from itagflow.model.template import (
    Question,
    QuestionKind,
    Scale,
    Template,
    View,
    ViewKind,
)
from itagflow.templates._questions import build_options


def preference_ranking(
    responses: Iterable[str],
    *,
    prompt: str = "prompt",
    title: str = "Ranking",
    comment: bool = False,
) -> Template:
    """Return a template that asks to rank the responses to a prompt, the best first.

    Args:
        responses: The fields of ``data`` that hold the responses; they are also the keys of the
            ranking.
        prompt: The field that holds the prompt.
        title: The title of the question.
        comment: Whether to ask for a comment too.

    >>> preference_ranking(["a", "b", "c"]).views[1].field
    'a'
    """
    fields = tuple(responses)
    return _build_template(
        (prompt, *fields),
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
    scale = None
    if degrees > 1:
        scale = Scale(1, degrees)
    better = Question("1", QuestionKind.PREFERENCE, title, options, scale=scale)
    return _build_template((prompt, first, second), better, comment=comment)


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
    rating_scale = scale or Scale()
    ratings = [
        Question(str(n), QuestionKind.RATING, title, scale=rating_scale)
        for n, title in enumerate(criteria, 1)
    ]
    return _build_template((dialogue,), *ratings, comment=comment)


def _build_template(fields: tuple[str, ...], *questions: Question, comment: bool) -> Template:
    id = str(len(questions) + 1)
    if comment:
        comment_question = Question(id, QuestionKind.OPEN_ENDED, "Comment", required=False)
        questions = (*questions, comment_question)
    views = tuple(View(ViewKind.TEXT, field) for field in fields)
    return Template(questions=questions, views=views)
