"""What the steps of a written migration make of a template."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.migration import (
    AddOption,
    AddQuestion,
    DropOption,
    DropQuestion,
    RenameOption,
    RenameQuestion,
    TemplateStep,
)
from itagflow.model.template import (
    MARKING,
    Option,
    Question,
    Template,
)
from itagflow.printing import format_repr
from itagflow.validation.answers import find_reply_problems

Edit = Callable[[Question], Question | None]
"""What becomes of a question; None when it goes."""


def apply_steps(template: Template, steps: Iterable[TemplateStep]) -> tuple[Template, ...]:
    """Return the template that each of *steps* meets, and the one that the last leaves.

    Raises:
        InvalidData: when steps cannot be; it lists all of them with their place, such as ``step
            2``.
    """
    met, problems = [template], list[Problem]()
    for number, step in enumerate(steps, 1):
        try:
            met.append(_apply_step(met[-1], step))
        except InvalidData as error:
            # The step is left out and the next ones are tried, so that all problems are listed.
            for problem in error.problems:
                place = f"step {number}, {problem.where}".removesuffix(", ")
                problems.append(Problem(place, problem.reason))
    if problems:
        raise InvalidData("the migration of the template", problems)
    return tuple(met)


def replace_template(template: Template, new: Template) -> Template:
    """Return *new* in the place of *template*, one version newer.

    Raises:
        InvalidData: when it shows fields that the rows of a job with *template* need not have, or
            asks a question about another field than before.
    """
    problems = [
        Problem("views", f"show the field {field!r}, which the rows of this job need not have")
        for field in sorted(new.fields - template.fields)
    ]
    for question in new.asked:
        old = template.question(question.id)
        if old is None or old.kind not in MARKING:
            continue
        # its replies are places in the data of one field, and mean nothing in another
        old_field, new_field = template.field_of(old), new.field_of(question)
        if old_field != new_field:
            reason = (
                f"is about {new_field!r}, and its replies about {old_field!r}: "
                "drop it, and add one with another id"
            )
            problems.append(Problem(f"question {question.id!r}", reason))
    if problems:
        raise InvalidData("the new template", problems)
    return attrs.evolve(
        new,
        id=template.id,
        workspace=template.workspace,
        name=template.name,
        version=template.version + 1,
    )


def find_target(template: Template, id: str, about: str = "") -> Question:
    """Return the question with this id, or the one *about* its annotations that has this title.

    Raises:
        InvalidData: when there is none, or two are called so.
    """
    question = template.question(id)
    if question is None:
        known = _format_names(known.id for known in template.asked)
        raise _make_error("", f"the template has no question {id!r}; it has {known}")
    if not about:
        return question
    inner = [dependent for child in _annotation_questions(question) for dependent in child.every]
    matches = [dependent for dependent in inner if dependent.title == about]
    if len(matches) != 1:
        what = "two questions" if matches else "nothing"
        titles = _format_names(dependent.title for dependent in inner)
        reason = f"asks {what} called {about!r} about its parts; it asks {titles}"
        raise _make_error(id, reason)
    return matches[0]


def find_key_moves(step: RenameOption | DropOption, question: Question) -> Mapping[str, str | None]:
    """Return the new keys of options that *step* takes from *question*; None when they are lost."""
    if isinstance(step, RenameOption):
        return {step.old: step.new}
    dropped = _find_option(question, step.key)
    # with all options inside of it, which nobody could choose any more
    return dict.fromkeys((option.key for option in dropped.every), step.to)


def move_keys(keys: Iterable[str], moves: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return *keys* after *moves*, each once."""
    moved = (moves.get(key, key) for key in keys)
    # each once: two options may have become the same one
    return tuple(dict.fromkeys(key for key in moved if key is not None))


def _apply_step(template: Template, step: TemplateStep) -> Template:
    """Return *template* as *step* leaves it."""
    match step:
        case AddOption():
            return _edit_question(template, step.question, step.about, partial(_with_option, step))
        case RenameOption():
            return _edit_question(
                template, step.question, step.about, partial(_with_other_key, step)
            )
        case DropOption():
            return _edit_question(
                template, step.question, step.about, partial(_without_option, step)
            )
        case AddQuestion():
            return _with_question(template, step)
        case RenameQuestion():
            return _with_title(template, step)
        case DropQuestion():
            return _edit_question(template, step.question, step.about, lambda _: None)
        case _:
            raise _make_error("", f"{format_repr(step)} is no step of a migration")


def _edit_question(template: Template, id: str, about: str, edit: Edit) -> Template:
    find_target(template, id, about)  # refuses what is not there, or not only once
    if about:
        edit = partial(_edit_annotation_question, about=about, edit=edit)
    questions = _edit_where(template.questions, lambda question: question.id == id, edit)
    return attrs.evolve(template, questions=questions)


def _edit_annotation_question(question: Question, about: str, edit: Edit) -> Question:
    def has_title(inner: Question) -> bool:
        return inner.title == about

    children = _edit_where(question.children, has_title, edit)
    relations = _edit_where(question.relations, has_title, edit)
    return attrs.evolve(question, children=children, relations=relations)


def _edit_where(
    questions: tuple[Question, ...], is_target: Callable[[Question], bool], edit: Edit
) -> tuple[Question, ...]:
    """Return *questions*, and their dependents, with *edit* applied where *is_target* is true."""
    edited: list[Question] = []
    for question in questions:
        if is_target(question):
            new = edit(question)
            if new is not None:
                edited.append(new)
        elif question.dependents:
            children = _edit_where(question.dependents, is_target, edit)
            edited.append(attrs.evolve(question, children=children))
        else:
            edited.append(question)
    return tuple(edited)


def _with_option(step: AddOption, question: Question) -> Question:
    _must_offer(question)
    if not step.inside:
        return attrs.evolve(question, options=(*question.options, step.option))
    _find_option(question, step.inside)
    options = _replace_option(
        question.options, step.inside, lambda outer: (_with_inner(outer, step.option),)
    )
    return attrs.evolve(question, options=options)


def _with_inner(option: Option, inner: Option) -> Option:
    return attrs.evolve(option, children=(*option.children, inner))


def _with_other_key(step: RenameOption, question: Question) -> Question:
    _find_option(question, step.old)
    merges = step.new != step.old and step.new in question.keys

    def rename(option: Option) -> tuple[Option, ...]:
        if merges:
            return option.children  # the option itself is there already, under the new key
        # a label that only repeats the key follows it; one that somebody wrote stays
        label = step.new if option.label == option.key else option.label
        return (attrs.evolve(option, key=step.new, label=label),)

    options = _replace_option(question.options, step.old, rename)
    return _with_options(question, options, find_key_moves(step, question))


def _without_option(step: DropOption, question: Question) -> Question:
    moves = find_key_moves(step, question)
    if step.to is not None and step.to not in question.keys.difference(moves):
        reason = f"does not keep an option {step.to!r} that replies could get instead"
        raise _make_error(question.id, reason)
    options = _replace_option(question.options, step.key, lambda _: ())
    return _with_options(question, options, moves)


def _with_options(
    question: Question, options: tuple[Option, ...], moves: Mapping[str, str | None]
) -> Question:
    """Return *question* with other options, and *moves* applied where it names their keys."""
    children = tuple(
        attrs.evolve(child, when=move_keys(child.when, moves)) if child.when else child
        for child in question.children
    )
    for old, new in zip(question.children, children, strict=True):
        # an empty `when` means "whatever was chosen", which would be the opposite
        if old.when and not new.when:
            reason = f"the question {old.title!r} would never be asked: drop it first"
            raise _make_error(question.id, reason)
    default = _move_default(question.default, moves)
    return attrs.evolve(question, options=options, children=children, default=default)


def _move_default(
    default: str | tuple[str, ...] | None, moves: Mapping[str, str | None]
) -> str | tuple[str, ...] | None:
    """Return the default of a question after *moves*; None when nothing of it is left."""
    if default is None:
        return None
    if isinstance(default, str):
        return moves.get(default, default)
    return move_keys(default, moves) or None


def _with_question(template: Template, step: AddQuestion) -> Template:
    new, inside = step.question, step.inside
    if not inside:
        after = attrs.evolve(template, questions=(*template.questions, new))
    else:
        after = _edit_question(template, inside, step.about, lambda outer: _with_child(outer, new))
        if step.about or find_target(template, inside).kind in MARKING:
            _must_be_only_title(after, inside, new.title)
    if step.reply is not None:
        problems = [
            Problem(f"reply, {problem.where}", problem.reason)
            for problem in find_reply_problems(after, new, step.reply)
        ]
        if problems:
            raise InvalidData("the reply", problems)
    return after


def _must_be_only_title(template: Template, id: str, title: str) -> None:
    """Check that no other question about its annotations has this title: labels go by titles.

    Raises:
        InvalidData: when another one has it.
    """
    find_target(template, id, title)


def _with_child(question: Question, child: Question) -> Question:
    return attrs.evolve(question, children=(*question.children, child))


def _with_title(template: Template, step: RenameQuestion) -> Template:
    def rename(question: Question) -> Question:
        return attrs.evolve(question, title=step.title)

    after = _edit_question(template, step.question, step.about, rename)
    if step.about:
        _must_be_only_title(after, step.question, step.title)
    return after


def _replace_option(
    options: tuple[Option, ...], key: str, replace: Callable[[Option], tuple[Option, ...]]
) -> tuple[Option, ...]:
    """Return *options*, at all levels, with what *replace* returns for the one with *key*."""
    edited: list[Option] = []
    for option in options:
        if option.key == key:
            edited += replace(option)
        else:
            children = _replace_option(option.children, key, replace)
            edited.append(attrs.evolve(option, children=children))
    return tuple(edited)


def _find_option(question: Question, key: str) -> Option:
    _must_offer(question)
    every = [option for top in question.options for option in top.every]
    option = next((option for option in every if option.key == key), None)
    if option is None:
        known = _format_names(option.key for option in every)
        raise _make_error(question.id, f"has no option {key!r}; it has {known}")
    return option


def _must_offer(question: Question) -> None:
    if question.kind in MARKING:
        titles = _format_names(
            inner.title for child in _annotation_questions(question) for inner in child.every
        )
        reason = f"has no options; name the question about its parts: about={titles}"
        raise _make_error(question.id, reason)


def _annotation_questions(question: Question) -> tuple[Question, ...]:
    """Return the questions that are asked about each annotation of *question*."""
    if question.kind not in MARKING:
        return ()
    return (*question.children, *question.relations)


def _format_names(names: Iterable[str]) -> str:
    return " or ".join(map(repr, names)) or "none"


def _make_error(id: str, reason: str) -> InvalidData:
    return InvalidData("the template", [Problem(f"question {id!r}" if id else "", reason)])
