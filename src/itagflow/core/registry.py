"""Code of the application that jobs name: they store the name, each process registers the code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import attrs

from itagflow.access import Policy
from itagflow.errors import InvalidData, NotRegistered, Problem
from itagflow.model.text import find_name_error, find_text_error
from itagflow.printing import format_repr
from itagflow.validation.answers import Validator


def _check_validators(given: object) -> dict[str, Validator]:
    """Return what was passed as ``validators=``, checked.

    Raises:
        InvalidData: when it is no mapping, or something in it is no name or cannot be called; it
            lists every problem.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        reason = f"must map names to callables, not {format_repr(given)}"
        raise InvalidData("the store", [Problem("validators", reason)])
    validators: dict[Any, Any] = {**given}
    problems: list[Problem] = []
    for name, validator in validators.items():
        if wrong := _name_problem(name):
            problems.append(Problem("validators", f"the name {format_repr(name)} {wrong}"))
        elif not callable(validator):
            reason = f"must be callable, not {format_repr(validator)}"
            problems.append(Problem(f"validators, {format_repr(name)}", reason))
    if problems:
        raise InvalidData("the store", problems)
    return validators


def _name_problem(name: object) -> str | None:
    if not isinstance(name, str) or not name.strip():
        return "must be a text that is not empty"
    return find_text_error(name) or find_name_error(name)


@attrs.frozen
class Registry:
    """What `itagflow.open` was given by name.  It holds for one process and is not stored."""

    validators: Mapping[str, Validator] = attrs.field(default=None, converter=_check_validators)
    """The application's own checks of answers, by name."""

    def find_validator(self, name: str) -> Validator:
        """Return the validator of this name.

        Raises:
            NotRegistered: when there is none in this process.
        """
        validator = self.validators.get(name)
        if validator is None:
            raise NotRegistered("validator", name, tuple(sorted(self.validators)))
        return validator

    def has_validator(self, name: str) -> bool:
        """Return whether there is a validator of this name in this process."""
        return name in self.validators


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
