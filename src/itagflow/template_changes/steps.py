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
from itagflow.validation.answers import find_reply_problems

Edit = Callable[[Question], Question | None]
"""What becomes of a question; None when it goes."""


def templates(template: Template, steps: Iterable[TemplateStep]) -> tuple[Template, ...]:
    """Return the template that each of *steps* meets, and the one that the last leaves.

    Raises:
        InvalidData: when steps cannot be; it lists all of them with their place, such as ``step
            2``.
    """
    seen, problems = [template], list[Problem]()
    for number, step in enumerate(steps, 1):
        try:
            seen.append(_after(seen[-1], step))
        except InvalidData as refused:
            places = [
                (f"step {number}, {problem.where}".removesuffix(", "), problem)
                for problem in refused.problems
            ]
            problems += [Problem(place, problem.reason) for place, problem in places]
    if problems:
        raise InvalidData("the migration of the template", problems)
    return tuple(seen)


def replaced_template(template: Template, new: Template) -> Template:
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
        if (
            old is not None
            and old.kind in MARKING
            and template.field_of(old) != new.field_of(question)
        ):
            reason = (
                f"is about {new.field_of(question)!r}, "
                f"and its replies about {template.field_of(old)!r}"
            )
            problems.append(
                Problem(
                    f"question {question.id!r}", f"{reason}: drop it, and add one with another id"
                )
            )
    if problems:
        raise InvalidData("the new template", problems)
    return attrs.evolve(
        new,
        id=template.id,
        workspace=template.workspace,
        name=template.name,
        version=template.version + 1,
    )


def target(template: Template, id: str, about: str = "") -> Question:
    """Return the question with this id, or the one *about* its parts that has this title.

    Raises:
        InvalidData: when there is none, or two are called so.
    """
    question = template.question(id)
    if question is None:
        raise _refused(
            "",
            f"the template has no question {id!r}; it has {_listed(q.id for q in template.asked)}",
        )
    if not about:
        return question
    inner = [asked for child in _about_parts(question) for asked in child.every]
    found = [asked for asked in inner if asked.title == about]
    if len(found) != 1:
        what = "two questions" if found else "nothing"
        titles = _listed(asked.title for asked in inner)
        reason = f"asks {what} called {about!r} about its parts; it asks {titles}"
        raise _refused(id, reason)
    return found[0]


def key_moves(step: RenameOption | DropOption, question: Question) -> Mapping[str, str | None]:
    """Return the new keys of options that *step* takes from *question*; None when they are lost."""
    if isinstance(step, RenameOption):
        return {step.old: step.new}
    return dict.fromkeys((option.key for option in _option(question, step.key).every), step.to)


def moved_keys(keys: Iterable[str], moves: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return *keys* after *moves*, each once."""
    moved = (moves.get(key, key) for key in keys)
    return tuple(dict.fromkeys(key for key in moved if key is not None))


def _after(template: Template, step: TemplateStep) -> Template:
    """Return *template* as *step* leaves it."""
    match step:
        case AddOption():
            return _edited(template, step.question, step.about, partial(_with_option, step))
        case RenameOption():
            return _edited(template, step.question, step.about, partial(_with_other_key, step))
        case DropOption():
            return _edited(template, step.question, step.about, partial(_without_option, step))
        case AddQuestion():
            return _with_question(template, step)
        case RenameQuestion():
            return _with_title(template, step)
        case DropQuestion():
            return _edited(template, step.question, step.about, lambda _: None)
        case _:
            raise _refused("", f"{step!r} is no step of a migration")


def _edited(template: Template, id: str, about: str, edit: Edit) -> Template:
    target(template, id, about)
    inner = partial(_with_parts_edited, about=about, edit=edit) if about else edit
    return attrs.evolve(
        template, questions=_each(template.questions, lambda question: question.id == id, inner)
    )


def _with_parts_edited(question: Question, about: str, edit: Edit) -> Question:
    def is_it(asked: Question) -> bool:
        return asked.title == about

    children, relations = (
        _each(question.children, is_it, edit),
        _each(question.relations, is_it, edit),
    )
    return attrs.evolve(question, children=children, relations=relations)


def _each(
    questions: tuple[Question, ...], is_it: Callable[[Question], bool], edit: Edit
) -> tuple[Question, ...]:
    """Return *questions*, and their dependents, with *edit* applied where *is_it* is true."""
    edited = list[Question]()
    for question in questions:
        if not is_it(question):
            inside = _each(question.dependents, is_it, edit)
            edited.append(
                attrs.evolve(question, children=inside) if question.dependents else question
            )
        elif (new := edit(question)) is not None:
            edited.append(new)
    return tuple(edited)


def _with_option(step: AddOption, question: Question) -> Question:
    _must_offer(question)
    if not step.inside:
        return attrs.evolve(question, options=(*question.options, step.option))
    _option(question, step.inside)
    options = _placed(
        question.options, step.inside, lambda outer: (_with_inner(outer, step.option),)
    )
    return attrs.evolve(question, options=options)


def _with_inner(option: Option, inner: Option) -> Option:
    return attrs.evolve(option, children=(*option.children, inner))


def _with_other_key(step: RenameOption, question: Question) -> Question:
    _option(question, step.old)
    merges = step.new != step.old and step.new in question.keys

    def place(option: Option) -> tuple[Option, ...]:
        if merges:
            return option.children
        label = step.new if option.label == option.key else option.label
        return (attrs.evolve(option, key=step.new, label=label),)

    return _with_options(
        question, _placed(question.options, step.old, place), key_moves(step, question)
    )


def _without_option(step: DropOption, question: Question) -> Question:
    moves = key_moves(step, question)
    if step.to is not None and step.to not in question.keys.difference(moves):
        raise _refused(
            question.id, f"does not keep an option {step.to!r} that replies could get instead"
        )
    return _with_options(question, _placed(question.options, step.key, lambda _: ()), moves)


def _with_options(
    question: Question, options: tuple[Option, ...], moves: Mapping[str, str | None]
) -> Question:
    """Return *question* with other options, and *moves* applied where it names their keys."""
    children = tuple(
        attrs.evolve(child, when=moved_keys(child.when, moves)) if child.when else child
        for child in question.children
    )
    for old, new in zip(question.children, children, strict=True):
        if old.when and not new.when:
            raise _refused(
                question.id, f"the question {old.title!r} would never be asked: drop it first"
            )
    default = question.default
    if default is not None:
        left = moved_keys((default,) if isinstance(default, str) else default, moves)
        default = (left[0] if isinstance(default, str) else left) if left else None
    return attrs.evolve(question, options=options, children=children, default=default)


def _with_question(template: Template, step: AddQuestion) -> Template:
    new, inside = step.question, step.inside
    if not inside:
        after = attrs.evolve(template, questions=(*template.questions, new))
    else:
        after = _edited(template, inside, step.about, lambda outer: _with_child(outer, new))
        if step.about or target(template, inside).kind in MARKING:
            # no other question about its parts may have this title
            target(after, inside, new.title)
    if step.reply is not None and (problems := list(find_reply_problems(after, new, step.reply))):
        raise InvalidData(
            "the reply",
            [Problem(f"reply, {problem.where}", problem.reason) for problem in problems],
        )
    return after


def _with_child(question: Question, child: Question) -> Question:
    return attrs.evolve(question, children=(*question.children, child))


def _with_title(template: Template, step: RenameQuestion) -> Template:
    after = _edited(
        template,
        step.question,
        step.about,
        lambda question: attrs.evolve(question, title=step.title),
    )
    if step.about:
        # no other question about its parts may have this title
        target(after, step.question, step.title)
    return after


def _placed(
    options: tuple[Option, ...], key: str, place: Callable[[Option], tuple[Option, ...]]
) -> tuple[Option, ...]:
    """Return *options*, at all levels, with what *place* returns for the one with *key*."""
    placed = list[Option]()
    for option in options:
        if option.key == key:
            placed += place(option)
        else:
            placed.append(attrs.evolve(option, children=_placed(option.children, key, place)))
    return tuple(placed)


def _option(question: Question, key: str) -> Option:
    _must_offer(question)
    every = [option for top in question.options for option in top.every]
    found = next((option for option in every if option.key == key), None)
    if found is None:
        raise _refused(
            question.id, f"has no option {key!r}; it has {_listed(option.key for option in every)}"
        )
    return found


def _must_offer(question: Question) -> None:
    if question.kind in MARKING:
        titles = _listed(asked.title for child in _about_parts(question) for asked in child.every)
        raise _refused(
            question.id, f"has no options; name the question about its parts: about={titles}"
        )


def _about_parts(question: Question) -> tuple[Question, ...]:
    return (*question.children, *question.relations) if question.kind in MARKING else ()


def _listed(names: Iterable[str]) -> str:
    return " or ".join(map(repr, names)) or "none"


def _refused(id: str, reason: str) -> InvalidData:
    return InvalidData("the template", [Problem(f"question {id!r}" if id else "", reason)])
