"""What a change of the template makes of the answers that exist."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from operator import attrgetter
from typing import Any, cast

import attrs

from itagflow.errors import Problem
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
from itagflow.model.task import Answer
from itagflow.model.template import MARKING, Question, Template
from itagflow.template_changes.steps import (
    key_moves,
    moved_keys,
    replaced_template,
    target,
    templates,
)
from itagflow.validation import answers
from itagflow.validation.annotations import edit_labels, walk_questions

Said = Mapping[str, Any]
"""Replies by question id, or the labels of a part by question title."""
Name = Callable[[Question], str]
"""Under which name a question is answered there."""
_ID: Name = attrgetter("id")
_TITLE: Name = attrgetter("title")


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
        return (
            not self.steps and attrs.evolve(self.after, version=self.before.version) == self.before
        )


def by_steps(template: Template, steps: Iterable[TemplateStep]) -> Migration:
    """Return the change that *steps* make of *template*.

    Raises:
        InvalidData: when steps cannot be; it lists all of them with their place, such as ``step
            2``.
    """
    given = tuple(steps)
    met = templates(template, given)
    return Migration(template, attrs.evolve(met[-1], version=template.version + 1), given, met)


def by_template(template: Template, new: Template) -> Migration:
    """Return the change that puts *new* in the place of *template*, and leaves answers as they are.

    Raises:
        InvalidData: when it is about other fields of the data.
    """
    return Migration(template, replaced_template(template, new))


def again(change: TemplateChange) -> Migration:
    """Return a change that was made, to carry the rest of the answers over."""
    return by_steps(change.before, change.steps)


def carried(migration: Migration, answer: Answer) -> Answer | list[Problem]:
    """Return *answer* under the new template - the same if unchanged - or why it would not fit.

    An answer that was said under the new template already is left as it is, and so is an erased
    one, which says nothing any more.
    """
    if answer.erased or answer.template_version > migration.before.version:
        return answer
    replies: Replies | None = answer.replies
    disputed: tuple[str, ...] = answer.disputed
    for step, before, after in zip(migration.steps, migration.met, migration.met[1:], strict=False):
        if replies is not None:
            replies = _stepped(step, before, after, replies)
        if isinstance(step, DropQuestion) and not step.about:
            gone = {question.id for question in target(before, step.question).every}
            disputed = tuple(id for id in disputed if id not in gone)
    new = answer
    if (replies, disputed) != (answer.replies, answer.disputed):
        version = migration.after.version
        new = attrs.evolve(answer, replies=replies, disputed=disputed, template_version=version)
    return _new_problems(migration, answer, new) or new


def undisputed(package: Package, merged: Iterable[Answer]) -> tuple[int, ...]:
    """Return the disputed tasks of *package* without those whose *merged* votes agree now."""
    newest = {answer.task: answer for answer in merged}
    return tuple(task for task in package.disputes if task not in newest or newest[task].disputed)


def _new_problems(migration: Migration, old: Answer, new: Answer) -> list[Problem]:
    found = _problems(migration.after, new)
    if not found:
        return []
    # merged votes need not fit as a whole: disputed questions have no reply, and what depends on
    # them may have one
    known = {problem.where for problem in _problems(migration.before, old)}
    return [problem for problem in found if problem.where not in known]


def _problems(template: Template, answer: Answer) -> list[Problem]:
    found = [] if answer.replies is None else answers.find_problems(template, answer.replies)
    reasons = template.abandon_reasons
    if answer.abandon_reason is not None and reasons and answer.abandon_reason not in reasons:
        found.append(
            Problem("abandoned", f"{answer.abandon_reason!r} is not one of {', '.join(reasons)}")
        )
    return found


def _stepped(step: TemplateStep, before: Template, after: Template, replies: Replies) -> Replies:
    match step:
        case RenameOption() | DropOption():
            question = target(before, step.question, step.about)
            moved = partial(
                _moved, question, key_moves(step, question), _TITLE if step.about else _ID
            )
            return _on(before, step.question, replies, moved) if step.about else moved((), replies)
        case RenameQuestion(about=title) if title:
            return _on(
                before, step.question, replies, lambda _, labels: _titled(title, step.title, labels)
            )
        case DropQuestion(about=title):
            gone = target(before, step.question, title).every
            if not title:
                return _without({question.id for question in gone}, replies)
            titles = {question.title for question in gone}
            return _on(before, step.question, replies, lambda _, labels: _without(titles, labels))
        case AddQuestion(reply=reply) if reply is not None:
            return _with_reply(step, after, replies, reply)
        case _:
            return replies


def _on(
    template: Template,
    id: str,
    replies: Replies,
    edit: Callable[[tuple[Question, ...], Said], Said],
) -> Replies:
    """Return *replies* with *edit* made of the labels of each part that the question *id* marks."""
    question, reply = template.question(id), replies.get(id)
    return (
        replies
        if question is None or reply is None
        else {**replies, id: edit_labels(question, reply, edit)}
    )


def _moved(
    question: Question, moves: Mapping[str, str | None], name: Name, _: object, said: Said
) -> Said:
    """Return what was *said* with other keys; what depends on a key that is lost goes with it."""
    if (value := said.get(name(question))) is None:
        return said
    moved = {**said, name(question): _with_moved_keys(value, moves)}
    if None not in moves.values() or moved == said:
        return moved
    dependents = walk_questions(question, lambda about: moved.get(name(about)))
    return _without({name(about) for about, _, applies in dependents if not applies}, moved)


def _with_moved_keys(value: Any, moves: Mapping[str, str | None]) -> Any:
    """Return a reply, or a label, with other keys; a lost single key stays and is reported."""
    match value:
        case Choice():
            return Choice(moves.get(value.key) or value.key)
        case Choices() | Ranking():
            return type(value)(moved_keys(value.keys, moves))
        case Preference() if value.better is not None:
            return attrs.evolve(value, better=moves.get(value.better) or value.better)
        case str():
            return moves.get(value) or value
        case tuple():
            return moved_keys(cast("tuple[str, ...]", value), moves)
        case _:
            return value


def _titled(old: str, new: str, said: Said) -> Said:
    return {new if title == old else title: value for title, value in said.items()}


def _without(names: set[str], said: Said) -> Said:
    return {name: value for name, value in said.items() if name not in names}


def _with_reply(step: AddQuestion, after: Template, replies: Replies, reply: Reply) -> Replies:
    """Return *replies* with *reply* to the new question, per task or annotation, where asked."""
    new = step.question
    outer = after.question(step.inside) if step.inside else None
    if outer is None or outer.kind not in MARKING:
        return _where_asked(new, reply, _ID, after.questions, replies)
    label = _as_label(reply)
    return _on(
        after,
        outer.id,
        replies,
        lambda about, labels: _where_asked(new, label, _TITLE, about, labels),
    )


def _where_asked(
    new: Question, value: object, name: Name, tops: tuple[Question, ...], said: Said
) -> Said:
    for top in tops:
        for question, _, applies in walk_questions(top, lambda about: said.get(name(about))):
            if applies and name(question) == name(new):
                return {**said, name(new): value}
    return said


def _as_label(reply: Reply) -> object:
    """Return what a part is labeled with for *reply*."""
    match reply:
        case Choice(key=label) | Choices(keys=label) | Text(text=label):
            return label
        case _:
            return reply
