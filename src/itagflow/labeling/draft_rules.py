"""Half-filled answers: they lie beside the answer, count for nothing, and have no event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from itagflow.claiming.rules import count_time
from itagflow.labeling.rules import (
    AnswerFacts,
    AnswerOutcome,
    add_seconds,
    fit_replies,
    keep_up,
    require_covered,
    require_expected_versions,
    require_not_escalated,
)
from itagflow.lifecycle.tables import require_stage
from itagflow.model.copying import evolve
from itagflow.model.job import Stage
from itagflow.model.reply import Replies
from itagflow.model.task import Answer, Draft, count_versions, is_newer
from itagflow.model.template import Question, Template
from itagflow.model.terms import Replied


def save_draft(facts: AnswerFacts, reply: Replied) -> AnswerOutcome:
    """Save a half-filled answer to the one task, at LABEL.

    Raises:
        WrongState: when the assignment is at a review stage.
        InvalidData: when the task is not in its scope, or a reply is no valid value.
        StaleVersion: when another version of the answer is stored than the one that is expected.
    """
    (task,), (answer,) = facts.tasks, facts.answers
    require_stage(facts.assignment, "save a draft", Stage.LABEL)
    require_covered(facts.assignment, task)
    require_not_escalated(facts)
    (replies,) = fit_replies(make_optional(facts.template), facts.tasks, [reply])
    old, new = facts.drafts.get(task.number), _make_draft(facts, replies)
    is_sent_again = old is not None and _says_the_same(old, new)
    if not is_sent_again:
        require_expected_versions(facts, [new])
    counted, timed = count_time(facts.assignment, facts.terms.seconds, facts.ctx.at)
    if not timed.has_drafts:
        timed = evolve(timed, has_drafts=True)
    rewritten = tuple[Answer, ...]()
    spent = 0.0 if old is None else old.seconds
    if answer is None:
        spent += counted  # kept with the draft until there is an answer
    elif counted:
        rewritten = (add_seconds(answer, answer.seconds + counted),)
    saved = add_seconds(new, spent)
    if old is not None and is_sent_again and spent == old.seconds:
        saved = old
    return AnswerOutcome(
        (saved,),
        None,
        assignment=keep_up(facts, timed),
        rewritten=rewritten,
        draft=None if saved is old else (old, saved),
    )


def find_newer_drafts(drafts: Sequence[Draft], answers: Mapping[int, Answer]) -> tuple[int, ...]:
    """Return the tasks with a complete answer of *answers* and a draft that is newer than it."""
    newer = list[int]()
    for draft in drafts:
        answer = answers.get(draft.task)
        # a task without a complete answer is missing, whatever its draft says
        if answer is not None and answer.is_resolved and is_newer(draft, answer):
            newer.append(draft.task)
    return tuple(sorted(newer))


def make_optional(template: Template) -> Template:
    """Return *template* as it asks for a draft: nothing is required, and nothing is too few."""
    questions = tuple(_make_optional(question) for question in template.questions)
    return attrs.evolve(template, questions=questions)


def _make_optional(question: Question) -> Question:
    return attrs.evolve(
        question,
        required=False,
        min_count=0,
        children=tuple(map(_make_optional, question.children)),
        relations=tuple(map(_make_optional, question.relations)),
    )


def _make_draft(facts: AnswerFacts, replies: Replies) -> Draft:
    assignment, (task,), (answer,) = facts.assignment, facts.tasks, facts.answers
    return Draft(
        job=assignment.job,
        assignment=assignment.id,
        task=task.number,
        package=assignment.package,
        stage=assignment.stage,
        round=assignment.round,
        member=assignment.member,
        at=facts.ctx.at,
        replies=replies,
        score=facts.terms.score,
        model=facts.terms.model,
        template_version=facts.template.version,
        answer_version=count_versions(answer),
    )


def _says_the_same(old: Draft, new: Draft) -> bool:
    """Return whether *new* says nothing that *old* does not say, beside the same answer."""
    return (
        old.replies == new.replies
        and (old.score, old.model) == (new.score, new.model)
        and old.answer_version == new.answer_version
    )
