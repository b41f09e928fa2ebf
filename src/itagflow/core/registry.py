"""Code of the application that jobs name: they store the name, each process registers the code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, cast

import attrs

from itagflow.access import Policy
from itagflow.errors import InvalidData, NotRegistered, Problem
from itagflow.model.arguments import is_several
from itagflow.model.merging import BUILT_IN
from itagflow.model.reply import Replies, Reply
from itagflow.model.task import Task
from itagflow.model.template import Question
from itagflow.model.text import find_name_error, find_text_error
from itagflow.printing import format_repr
from itagflow.validation.answers import Validator

MergeFunction = Callable[[Question, Sequence[Reply]], Reply | None]
"""The application's own merge rule: makes one reply of the voters' replies to a question.

None says that it finds none: the question is disputed then.
"""


def _check_validators(given: object) -> dict[str, Validator]:
    """Return what was passed as ``validators=``, checked; errors are those of `_check_named`."""
    return _check_named("validators", given)


def _check_merges(given: object) -> dict[str, MergeFunction]:
    """Return what was passed as ``merges=``, checked.

    Raises:
        InvalidData: as `_check_named`, and when a name is that of a rule of the library.
    """
    merges = _check_named("merges", given)
    reason = "is a rule of the library: give yours another name"
    taken = [
        Problem("merges", f"the name {name!r} {reason}") for name in merges if name in BUILT_IN
    ]
    if taken:
        raise InvalidData("the store", taken)
    return merges


def _check_named(argument: str, given: object) -> dict[str, Any]:
    """Return functions by name, as they were passed for this argument.

    Raises:
        InvalidData: when it is no mapping, or something in it is no name or cannot be called; it
            lists every problem.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        reason = f"must map names to callables, not {format_repr(given)}"
        raise InvalidData("the store", [Problem(argument, reason)])
    functions: dict[Any, Any] = {**given}
    problems: list[Problem] = []
    for name, function in functions.items():
        if wrong := _name_problem(name):
            problems.append(Problem(argument, f"the name {format_repr(name)} {wrong}"))
        elif not callable(function):
            reason = f"must be callable, not {format_repr(function)}"
            problems.append(Problem(f"{argument}, {format_repr(name)}", reason))
    if problems:
        raise InvalidData("the store", problems)
    return functions


def _name_problem(name: object) -> str | None:
    if not isinstance(name, str) or not name.strip():
        return "must be a text that is not empty"
    return find_text_error(name) or find_name_error(name)


def _list_problems(name: str, validator: Validator, task: Task, replies: Replies) -> list[Problem]:
    """Return what a validator finds.

    Raises:
        InvalidData: when it returns something else than problems, such as None.
    """
    returned = validator(task, replies)
    if is_several(returned):
        problems = list(cast("Iterable[object]", returned))
        if all(isinstance(problem, Problem) for problem in problems):
            return cast("list[Problem]", problems)
    reason = "must return a list of Problem, empty where there are none"
    raise InvalidData(
        f"the answer to {task}",
        [Problem(f"the validator {name!r}", f"{reason}, not {format_repr(returned)}")],
    )


@attrs.frozen
class Registry:
    """What `itagflow.open` was given by name.  It holds for one process and is not stored."""

    validators: Mapping[str, Validator] = attrs.field(default=None, converter=_check_validators)
    """The application's own checks of answers, by name."""
    merges: Mapping[str, MergeFunction] = attrs.field(default=None, converter=_check_merges)
    """The application's own merge rules, by name."""

    def find_validator(self, name: str) -> Validator:
        """Return the validator of this name; what it returns is checked whenever it is asked.

        Raises:
            NotRegistered: when there is none in this process.
        """
        validator = self.validators.get(name)
        if validator is None:
            raise NotRegistered("validator", name, tuple(sorted(self.validators)))
        return partial(_list_problems, name, validator)

    def has_validator(self, name: str) -> bool:
        """Return whether there is a validator of this name in this process."""
        return name in self.validators

    def find_merge(self, name: str) -> MergeFunction:
        """Return the merge function of this name.

        Raises:
            NotRegistered: when there is none in this process.
        """
        merge = self.merges.get(name)
        if merge is None:
            raise NotRegistered("merge", name, tuple(sorted(self.merges)))
        return merge

    def has_merge(self, name: str) -> bool:
        """Return whether there is a merge function of this name in this process."""
        return name in self.merges


class Environment(Protocol):
    """What the application brought: an `Engine` and each `Transaction` of it have both."""

    @property
    def policy(self) -> Policy:
        """Says who may do what."""
        ...

    @property
    def registry(self) -> Registry:
        """The code that jobs name."""
        ...
