"""Errors as RFC 9457 has it: problem details, each with a type and an HTTP status."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

import attrs

from itagflow import errors
from itagflow.errors import ItagflowError, NotRegistered, StoreFailed
from itagflow.printing import format_repr

PREFIX = "urn:itagflow:error:"
"""What the type of each problem begins with; the name of the error follows."""

STATUSES: Mapping[type[ItagflowError], int] = {
    errors.WrongState: 409,
    errors.NotAllowed: 403,
    errors.NotHeld: 409,
    errors.Incomplete: 409,
    errors.NotAcknowledged: 403,
    errors.StaleVersion: 412,
    errors.RuleError: 409,
    errors.InvalidData: 422,
    errors.NotFound: 404,
    errors.AlreadyExists: 409,
    errors.Conflict: 409,
    errors.StoreFailed: 503,
    errors.StoreError: 500,
    errors.UnknownFormat: 422,
    errors.NotRegistered: 503,
    ItagflowError: 500,
}
"""The HTTP status of each error; subclasses of an application have that of what they extend."""

TITLES: Mapping[type[ItagflowError], str] = {
    errors.WrongState: "Not possible in this state",
    errors.NotAllowed: "Not allowed",
    errors.NotHeld: "Assignment not held",
    errors.Incomplete: "Something is missing",
    errors.NotAcknowledged: "Guideline not acknowledged",
    errors.StaleVersion: "Changed since it was read",
    errors.RuleError: "Refused",
    errors.InvalidData: "Invalid data",
    errors.NotFound: "Not found",
    errors.AlreadyExists: "Already there",
    errors.Conflict: "Changed by somebody else",
    errors.StoreFailed: "The store failed",
    errors.StoreError: "The store failed",
    errors.UnknownFormat: "Unknown format",
    errors.NotRegistered: "Not registered",
    ItagflowError: "Refused",
}
"""What each error is in a few words, the same whatever it is about."""

_WITHOUT_DETAILS = (StoreFailed, NotRegistered)
"""What is about the machine: who sends a request learns no paths and no names of code."""


def describe_error(error: ItagflowError) -> dict[str, Any]:
    """Return the members of the problem details of an error, with its attributes beside them."""
    kind = find_known(type(error))
    description: dict[str, Any] = {
        "type": name_type(kind),
        "title": TITLES[kind],
        "status": STATUSES[kind],
    }
    if isinstance(error, _WITHOUT_DETAILS):
        description["detail"] = "the service cannot do this now: try again later"
        return description
    description["detail"] = str(error)
    if isinstance(error, errors.NotHeld):
        description["assignment"] = [str(part) for part in error.assignment]
    for field in attrs.fields(kind) if attrs.has(kind) else ():
        # "state" of an error is no member of the standard, "status" and "type" are
        description.setdefault(field.name, _make_plain(getattr(error, field.name)))
    return description


def find_known(kind: type[ItagflowError]) -> type[ItagflowError]:
    """Return the error of the library that a class of errors is, or extends."""
    return next(base for base in kind.__mro__ if base in STATUSES)


def name_type(kind: type[ItagflowError]) -> str:
    """Return the type of the problem details of an error.

    >>> name_type(errors.NotHeld)
    'urn:itagflow:error:not-held'
    """
    words = re.findall("[A-Z][a-z]*", kind.__name__)
    return PREFIX + "-".join(words).lower()


def _make_plain(value: object) -> Any:
    """Return what an error holds; what a caller gave that has no JSON is shown as in messages."""
    if value is None or isinstance(value, str | int | errors.Problem):
        return value
    if isinstance(value, tuple):
        return [_make_plain(each) for each in cast("tuple[object, ...]", value)]
    plain = getattr(value, "value", None)
    return plain if isinstance(plain, str) else format_repr(value)
