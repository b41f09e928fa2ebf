"""What a change of the template makes of the answers that exist."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from operator import attrgetter
from typing import Any, TypeVar, cast

import attrs

from itagflow.errors import Problem
from itagflow.labeling.draft_rules import make_optional
from itagflow.model.migration import (
    AddQuestion,
    DropOption,
    DropQuestion,
    RenameOption,
    RenameQuestion,
    TemplateChange,
    TemplateStep,
)
from itagflow.model.package import Package
from itagflow.model.reply import (
    Choice,
    Choices,
    Preference,
    Ranking,
    Replies,
    Reply,
    Text,
)
from itagflow.model.task import Answer, Draft, Order
from itagflow.model.template import MARKING, Question, Template
from itagflow.template_changes.steps import (
    apply_steps,
    find_key_moves,
    find_target,
    move_keys,
    replace_template,
)
from itagflow.validation import answers
from itagflow.validation.answers import edit_labels, walk_questions

V = TypeVar("V")
A = TypeVar("A", Answer, Draft)
Values = Mapping[str, Any]
"""Replies by question id, or the labels of an annotation by question title."""
NameOf = Callable[[Question], str]
"""Returns the name under which a question is answered there."""
_ID: NameOf = attrgetter("id")
_TITLE: NameOf = attrgetter("title")


@attrs.frozen
class Migration:
    """A change of a template, ready to carry answers over."""

    before: Template
    """The template before it."""
    after: Template
    """The template after it, one version newer."""
    steps: tuple[TemplateStep, ...] = ()
    """What is done to answers, in order."""
    met: tuple[Template, ...] = ()
    """The template that each step meets, and the one that the last leaves."""

    @property
    def is_empty(self) -> bool:
        """Whether it does nothing.  Steps may change answers where the template stays the same."""
        if self.steps:
            return False
        return attrs.evolve(self.after, version=self.before.version) == self.before


def make_migration(template: Template, steps: Iterable[TemplateStep]) -> Migration:
    """Return the change that *steps* make of *template*.

    Raises:
        InvalidData: when steps cannot be; it lists all of them with their place, such as ``step
            2``.
    """
    in_order = tuple(steps)
    met = apply_steps(template, in_order)
    after = attrs.evolve(met[-1], version=template.version + 1)
    return Migration(template, after, in_order, met)


def make_replacement(template: Template, new: Template) -> Migration:
    """Return the change that puts *new* in the place of *template*, and leaves answers as they are.

    Raises:
        InvalidData: when it is about other fields of the data.
    """
    return Migration(template, replace_template(template, new))


def remake_migration(change: TemplateChange) -> Migration:
    """Return a change that was made, to carry the rest of the answers over."""
    return make_migration(change.before, change.steps)


def migrate_answer(migration: Migration, answer: Answer) -> Answer | list[Problem]:
    """Return *answer* under the new template - the same if unchanged - or why it would not fit.

    An answer that was given under the new template already is left as it is, and so is an erased
    one, which says nothing any more.
    """
    if answer.erased or answer.template_version > migration.before.version:
        return answer
    new = _follow_steps(migration, answer)
    return _find_new_problems(migration, answer, new) or new


def migrate_draft(migration: Migration, draft: Draft) -> Draft:
    """Return *draft* under the new template, or the same where it would not fit.

    It counts for nothing, so it hinders no change: who goes on with it is told what does not fit.
    """
    if draft.template_version > migration.before.version:
        return draft
    new = _follow_steps(migration, draft)
    asked = make_optional(migration.after)
    if new is draft or answers.find_problems(asked, new.replies):
        return draft
    return new


def _follow_steps(migration: Migration, answer: A) -> A:
    """Return *answer* as the steps make it; the same object when they change nothing of it."""
    replies: Replies | None = answer.replies
    disputed: tuple[str, ...] = answer.disputed
    order: Order = answer.order
    kept: tuple[str, ...] = answer.kept
    for step, before, after in zip(migration.steps, migration.met, migration.met[1:], strict=False):
        if replies is not None:
            replies = _apply_step(step, before, after, replies)
        if order:
            order = _apply_to_order(step, before, order)
        if isinstance(step, DropQuestion) and not step.about:
            dropped = {question.id for question in find_target(before, step.question).every}
            disputed = tuple(id for id in disputed if id not in dropped)
            kept = tuple(id for id in kept if id not in dropped)
    new = answer
    # unchanged, it is the same object: callers tell by that which answers they store
    changed = (replies, disputed, kept, order)
    if changed != (answer.replies, answer.disputed, answer.kept, answer.order):
        version = migration.after.version
        new = attrs.evolve(
            answer,
            replies=replies,
            disputed=disputed,
            kept=kept,
            order=order,
            template_version=version,
        )
    return new


def find_remaining_disputes(package: Package, merged: Iterable[Answer]) -> tuple[int, ...]:
    """Return the disputed tasks of *package* without those whose *merged* votes agree now."""
    newest = {answer.task: answer for answer in merged}
    return tuple(task for task in package.disputes if task not in newest or newest[task].disputed)


def _find_new_problems(migration: Migration, old: Answer, new: Answer) -> list[Problem]:
    """Return the problems of *new* that *old* did not have."""
    problems = _find_problems(migration.after, new)
    if not problems:
        return []
    # merged votes need not fit as a whole: disputed questions have no reply, and what depends on
    # them may have one
    known = {problem.where for problem in _find_problems(migration.before, old)}
    return [problem for problem in problems if problem.where not in known]


def _find_problems(template: Template, answer: Answer) -> list[Problem]:
    problems: list[Problem] = []
    if answer.replies is not None:
        problems += answers.find_problems(template, answer.replies)
    reasons = template.abandon_reasons
    if answer.abandon_reason is not None and reasons and answer.abandon_reason not in reasons:
        reason = f"{answer.abandon_reason!r} is not one of {', '.join(reasons)}"
        problems.append(Problem("abandoned", reason))
    return problems


def _apply_step(step: TemplateStep, before: Template, after: Template, replies: Replies) -> Replies:
    """Return *replies* after *step*, which finds the template *before* and leaves *after*."""
    match step:
        case RenameOption() | DropOption():
            question = find_target(before, step.question, step.about)
            moves = find_key_moves(step, question)
            if not step.about:
                return _move_value_keys(question, moves, _ID, (), replies)
            edit = partial(_move_value_keys, question, moves, _TITLE)
            return _edit_labels(before, step.question, replies, edit)
        case RenameQuestion(about=title) if title:
            rename = partial(_rename_title, title, step.title)
            return _edit_labels(before, step.question, replies, rename)
        case DropQuestion(about=title):
            dropped = find_target(before, step.question, title).every
            if not title:
                return _drop({question.id for question in dropped}, replies)
            titles = {question.title for question in dropped}
            return _edit_labels(
                before, step.question, replies, lambda _, labels: _drop(titles, labels)
            )
        case AddQuestion(reply=reply) if reply is not None:
            return _with_reply(step, after, replies, reply)
        case _:
            return replies


def _apply_to_order(step: TemplateStep, before: Template, order: Order) -> Order:
    """Return the order of options that were shown after *step*: under their new keys."""
    match step:
        case RenameOption(about="") | DropOption(about=""):
            question = find_target(before, step.question)
            if question.id not in order:
                return order
            moves = find_key_moves(step, question)
            return {**order, question.id: move_keys(order[question.id], moves)}
        case DropQuestion(about=""):
            dropped = find_target(before, step.question).every
            return _drop({question.id for question in dropped}, order)
        case _:
            return order


def _edit_labels(
    template: Template,
    id: str,
    replies: Replies,
    edit: Callable[[tuple[Question, ...], Values], Values],
) -> Replies:
    """Return *replies* with *edit* made of the labels of each annotation of the question *id*."""
    question, reply = template.question(id), replies.get(id)
    if question is None or reply is None:
        return replies
    return {**replies, id: edit_labels(question, reply, edit)}


def _move_value_keys(
    question: Question, moves: Mapping[str, str | None], name_of: NameOf, _: object, values: Values
) -> Values:
    """Return *values* with other keys; what depends on a key that is lost is dropped with it."""
    value = values.get(name_of(question))
    if value is None:
        return values
    moved = {**values, name_of(question): _with_moved_keys(value, moves)}
    if None not in moves.values() or moved == values:
        return moved
    dependents = walk_questions(question, lambda dependent: moved.get(name_of(dependent)))
    not_asked = {name_of(dependent) for dependent, _, applies in dependents if not applies}
    return _drop(not_asked, moved)


def _with_moved_keys(value: Any, moves: Mapping[str, str | None]) -> Any:
    """Return a reply, or a label, with other keys; a lost single key stays and is reported."""
    match value:
        case Choice():
            return Choice(moves.get(value.key) or value.key)
        case Choices() | Ranking():
            return type(value)(move_keys(value.keys, moves))
        case Preference() if value.better is not None:
            return attrs.evolve(value, better=moves.get(value.better) or value.better)
        case str():
            return moves.get(value) or value
        case tuple():
            return move_keys(cast("tuple[str, ...]", value), moves)
        case _:
            return value


def _rename_title(old: str, new: str, _: object, labels: Values) -> Values:
    # rebuilt in place, so that the labels stay in their order
    return {(new if title == old else title): value for title, value in labels.items()}


def _drop(names: set[str], values: Mapping[str, V]) -> dict[str, V]:
    return {name: value for name, value in values.items() if name not in names}


def _with_reply(step: AddQuestion, after: Template, replies: Replies, reply: Reply) -> Replies:
    """Return *replies* with *reply* to the new question, per task or annotation, where asked."""
    new = step.question
    outer = after.question(step.inside) if step.inside else None
    if outer is None or outer.kind not in MARKING:
        return _add_where_asked(_NewValue(new, reply, _ID), after.questions, replies)
    add = partial(_add_where_asked, _NewValue(new, _as_label(reply), _TITLE))
    return _edit_labels(after, outer.id, replies, add)


@attrs.frozen
class _NewValue:
    """The reply, or the label, that a new question gets."""

    question: Question
    value: object
    name_of: NameOf


def _add_where_asked(new: _NewValue, questions: tuple[Question, ...], values: Values) -> Values:
    """Return *values* with the new one, if the others lead to its question."""
    name_of = new.name_of
    for top in questions:
        for question, _, applies in walk_questions(top, lambda each: values.get(name_of(each))):
            if applies and name_of(question) == name_of(new.question):
                return {**values, name_of(question): new.value}
    return values


def _as_label(reply: Reply) -> object:
    """Return what an annotation is labeled with for *reply*."""
    match reply:
        case Choice(key=label) | Choices(keys=label) | Text(text=label):
            return label
        case _:
            return reply
