"""Values as JSON: for the answers of a web application, and for what is sent to it.

>>> from itagflow import Choice, Workflow
>>> to_json(Choice("cat"))
{'kind': 'choice', 'key': 'cat'}
>>> from_json(Workflow, {"label": {"votes": 3}, "inspect": {"task_share": 0.2}}).label.votes
3

Keys are texts, since JavaScript rounds integers beyond 2**53; any other integer beyond that is a
text, too.  A member is an object with ``id`` and ``account``.  Times are in UTC as RFC 3339 has it,
durations in seconds, members of an enum their values.  Properties that screens ask for are there
beside the fields.

Classes of ``itagflow.model`` are response models of FastAPI as they are, and `AsJson` makes one of
any other value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, overload

from itagflow.core.engine import Engine
from itagflow.core.lookup import find_accounts
from itagflow.engines import engine_of
from itagflow.errors import InvalidData, ItagflowError, Problem
from itagflow.flow import Flow
from itagflow.json import kinds, models, reading, schemas, writing
from itagflow.model.arguments import require_kind
from itagflow.printing import format_repr

__all__ = [
    "PROBLEM_MEDIA_TYPE",
    "AsJson",
    "from_json",
    "json_schema",
    "parse_key",
    "to_json",
    "to_problem",
]
T = TypeVar("T")

PROBLEM_MEDIA_TYPE = "application/problem+json"
"""The media type of what `to_problem` returns."""

_TOO_DEEP = "is nested too deeply, or is a part of itself"


def to_json(value: object, flow: Flow | None = None) -> Any:
    """Return a value as plain JSON types: dicts, lists, texts, numbers, true, false, None.

    Args:
        value: A value of the library, an error, or plain values; or several in a list, a tuple, an
            iterator such as ``flow.results.list(job)``, or a mapping.
        flow: Where the accounts of members are looked up; without it, only their keys are known.

    Raises:
        InvalidData: when something in it has no JSON form.

    >>> from itagflow import Stage
    >>> to_json({"stages": (Stage.LABEL, Stage.ACCEPT), "key": 7532021212319075461})
    {'stages': ['label', 'accept'], 'key': '7532021212319075461'}
    """
    writer = writing.Writer()
    try:
        written = writer.write(value)
    except RecursionError:
        raise InvalidData("to_json", [Problem("value", _TOO_DEEP)]) from None
    if flow is not None:
        _add_accounts(engine_of("to_json", flow), writer.people)
    return written


def _add_accounts(engine: Engine, people: Sequence[dict[str, Any]]) -> None:
    """Complete the JSON of members by their accounts."""
    keys = {int(person["id"]) for person in people}
    if not keys:
        return
    with engine.store.read() as reader:
        accounts = find_accounts(reader, keys)
    for person in people:
        person["account"] = accounts.get(int(person["id"]))


@overload
def from_json(kind: type[T], value: object) -> T: ...
@overload
def from_json(kind: Any, value: object) -> Any: ...
def from_json(kind: Any, value: object) -> Any:
    """Return the value that plain JSON types are, in the form in which `to_json` writes it.

    What has a default may be left out.

    Args:
        kind: What it is to be, as a class or its name: a template or its parts, steps of a change
            of one, a workflow or its rules, packaging, a selection, a reply or its parts, a
            pre-label.  ``"Replies"`` are replies by question id; ``"Reply"``, ``"Region"``,
            ``"Packaging"`` and ``"TemplateStep"`` say in ``kind`` which they are.
        value: What came as JSON.

    Raises:
        InvalidData: when it is none; it lists every problem with its place in the document.  Or
            when such a value is only written.

    >>> from itagflow import FixedSize
    >>> from_json("Packaging", {"kind": "fixedsize", "size": 5})
    FixedSize(5)
    """
    known = kinds.find_kind("from_json", kind, kinds.INPUTS)
    reader = reading.Reader()
    try:
        read = reader.read(value, known, "")
    except RecursionError:
        raise InvalidData("from_json", [Problem("value", _TOO_DEEP)]) from None
    if reader.problems:
        raise InvalidData(f"the {kinds.name_kind(known)}", reader.problems)
    return read


def json_schema(kind: object) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the JSON of a value.

    Every output of `to_json` fits it, and what `from_json` reads has to.  The schema of answers to
    one template is `itagflow.schema.answer_schema`.

    Args:
        kind: A class of values, or its name, as in `from_json`; also of those that are only
            written, and ``"ItagflowError"`` for what `to_problem` returns.

    Raises:
        InvalidData: when there is no such kind of value.

    >>> json_schema("Group")["$defs"]["Group"]["properties"]
    {'name': {'type': 'string'}}
    """
    return schemas.build_document(kinds.find_kind("json_schema", kind))


def to_problem(error: ItagflowError) -> dict[str, Any]:
    """Return an error as problem details (RFC 9457), to be sent with its ``status``.

    ``type`` names the kind of error, ``detail`` is its sentence, and its attributes are beside
    them.  What is about the machine, such as a store that failed, says no more than that: log the
    error itself.

    Raises:
        InvalidData: when it is not an error of the library.

    >>> from itagflow import NotAllowed
    >>> problem = to_problem(NotAllowed("ben", "export", "only an administrator may"))
    >>> problem["type"], problem["status"], problem["detail"]
    ('urn:itagflow:error:not-allowed', 403, 'ben may not export: only an administrator may')
    """
    require_kind("to_problem", "error", error, ItagflowError, "an ItagflowError")
    problem: dict[str, Any] = writing.Writer().write(error)
    return problem


def parse_key(text: str | int) -> int:
    """Return a key that came as text, such as from a URL, to be given to a verb.

    Raises:
        InvalidData: when it is not a text of digits.

    >>> parse_key("7532021212319075461")
    7532021212319075461
    """
    key = reading.parse_digits(text)
    # beyond 63 bits there is no key: as for any other that nothing has, verbs say so
    if key is None or key < 0:
        reason = f"must be a text of digits, not {format_repr(text)}"
        raise InvalidData("parse_key", [Problem("text", reason)])
    return key


class AsJson:
    """Makes a response model of FastAPI, or a field of pydantic, of a value of the library.

    ``Annotated[list[Result], AsJson(flow)]`` is written by `to_json`, with the accounts of members,
    and described by `json_schema`.  What `from_json` reads is read, too.
    """

    def __init__(self, flow: Flow | None = None) -> None:
        """Look up accounts in *flow*, if it is given.

        Raises:
            InvalidData: when it is no flow.
        """
        if flow is not None:
            engine_of("AsJson", flow)
        self._flow = flow

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Tell pydantic how to check, to write and to describe such values."""
        return models.build_core_schema(source, lambda value: to_json(value, self._flow), from_json)


def describe_to_pydantic(kind: type[Any]) -> Any:
    """Return what pydantic knows of a class of values; the class itself gives it that."""
    return models.build_class_schema(kind, to_json, from_json)
