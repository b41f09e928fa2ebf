"""Rows as columns of Arrow, and the answers in such columns as replies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self, cast

import attrs

from itagflow import jsontext
from itagflow.errors import InvalidData, Problem
from itagflow.formats._arrow_cells import Lose, Speller, make_speller
from itagflow.formats._arrow_types import ArrowTypes
from itagflow.formats._columns import Columns
from itagflow.formats._plain import is_a, is_strings
from itagflow.model.template import Question, QuestionKind, Template

BATCH = 500
"""How many rows are held as Python objects at once."""
KEY = b"itagflow"
"""Where the schema says which columns are fields of the data, and which are questions."""
VERSION = 1
"""The version of the columns."""
_FEATURES = b"huggingface"
"""Where ``datasets`` looks for what a column is, where its type does not say it."""


@attrs.frozen
class ArrowRow:
    """A row on its way into columns."""

    place: str
    """What errors call it, such as ``task 7``."""
    values: Mapping[str, Any]
    """Its values, by the keys of the columns."""
    lose: Lose
    """Is told what a column has no place for."""


@attrs.frozen
class ArrowTable:
    """The columns of a table, and what makes them of rows."""

    pa: Any
    """The module ``pyarrow``."""
    schema: Any
    """The ``pyarrow.Schema``."""
    spellers: Mapping[str, Speller]
    """What makes a cell of a value, by the key of its column."""

    @classmethod
    def for_columns(
        cls,
        pa: Any,
        template: Template,
        columns: Columns,
        class_ids: Mapping[str, Mapping[str, int]] | None = None,
    ) -> Self:
        """Return the table of rows that have *columns*.

        Args:
            pa: The module ``pyarrow``.
            template: What is asked.
            columns: The keys of the rows.
            class_ids: The ids of the options, by the id of the question, of those questions whose
                columns have ids in place of names.

        Raises:
            InvalidData: when a name is none that a column can have.
        """
        types, numbered = ArrowTypes(pa), class_ids or {}
        kinds = dict.fromkeys(columns.empty, pa.string())
        kinds.update((name, types.find_fixed(name)) for name in columns.fixed)
        spellers: dict[str, Speller] = dict.fromkeys(columns.fields.values(), _spell_field)
        for question in template.asked:
            key = columns.questions[question.id]
            ids = numbered.get(question.id)
            kinds[key] = types.find(question) if ids is None else pa.int64()
            speller = make_speller(question, ids)
            if speller is not None:
                spellers[key] = speller
        _require_names(kinds)
        schema = pa.schema(list(kinds.items()))
        return cls(pa, schema.with_metadata(_describe(columns, numbered)), spellers)

    @classmethod
    def for_fields(cls, pa: Any, names: Sequence[str]) -> Self:
        """Return the table of these fields of the data.

        Raises:
            InvalidData: when a name is none that a column can have.
        """
        _require_names(names)
        schema = pa.schema([(name, pa.string()) for name in names])
        return cls(pa, schema, dict.fromkeys(names, _spell_field))

    def build_batch(self, rows: Sequence[ArrowRow]) -> Any:
        """Return rows as a ``pyarrow.RecordBatch``; a key that a row does not have is empty.

        Raises:
            InvalidData: when a value is none that its column can have.
        """
        arrays = [self._build_array(field, rows) for field in self.schema]
        return self.pa.record_batch(arrays, schema=self.schema)

    def _build_array(self, field: Any, rows: Sequence[ArrowRow]) -> Any:
        values = [row.values.get(field.name) for row in rows]
        spell = self.spellers.get(field.name)
        if spell is not None:
            values = [
                None if value is None else spell(value, row.lose)
                for value, row in zip(values, rows, strict=True)
            ]
        try:
            return self.pa.array(values, field.type)
        except self._errors as error:
            problem = self._find_wrong_value(field, rows, values)
            raise problem or _make_error(field.name, f"cannot be a column: {error}") from None

    @property
    def _errors(self) -> tuple[type[Exception], ...]:
        """What PyArrow raises for a value that is not of the type of its column."""
        return (self.pa.ArrowException, UnicodeEncodeError, OverflowError)

    def _find_wrong_value(
        self, field: Any, rows: Sequence[ArrowRow], values: Sequence[Any]
    ) -> InvalidData | None:
        """Return the error of the first value that is not of the type of its column."""
        for row, value in zip(rows, values, strict=True):
            try:
                self.pa.array([value], field.type)
            except self._errors as error:
                reason = f"cannot be in a column of the type {field.type}: {error}"
                return InvalidData(row.place, [Problem(field.name, reason)])
        return None


def _require_names(names: Iterable[str]) -> None:
    """Check that columns can have these names.

    Raises:
        InvalidData: when one holds half of a surrogate pair, which UTF-8 has no bytes for.
    """
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise _make_error(ascii(name), "holds half of a surrogate pair") from None


def _spell_field(value: Any, _: Lose) -> str:
    """Return a field of the data as the text that its column has."""
    if isinstance(value, str):
        return value
    return jsontext.dumps(value)


def _describe(columns: Columns, class_ids: Mapping[str, Mapping[str, int]]) -> dict[bytes, bytes]:
    """Return what the schema says besides names and types."""
    ours: dict[str, Any] = {
        "version": VERSION,
        "fields": {key: name for name, key in columns.fields.items()},
        "questions": {key: id for id, key in columns.questions.items()},
        "classes": {columns.questions[id]: list(names) for id, names in class_ids.items()},
    }
    described = {KEY: json.dumps(ours).encode()}
    features = {
        key: {"names": names, "_type": "ClassLabel"} for key, names in ours["classes"].items()
    }
    if features:
        described[_FEATURES] = json.dumps({"info": {"features": features}}).encode()
    return described


def number_options(
    template: Template, number: Callable[[Question], Mapping[str, int]]
) -> dict[str, Mapping[str, int]]:
    """Return the ids of the options of each question of one option, by the id of the question."""
    return {
        question.id: number(question)
        for question in template.asked
        if question.kind is QuestionKind.RADIO
    }


@attrs.frozen
class Description:
    """What the schema of a file says about its columns."""

    fields: Mapping[str, str]
    """The field of the data in each column of one, by the name of the column."""
    questions: Mapping[str, str]
    """The id of the question in each column of answers, by the name of the column."""
    classes: Mapping[str, list[str]]
    """The names of the classes, in the order of their ids, of each column that has ids."""


def parse_description(schema: Any) -> Description:
    """Return what a schema says; where it says nothing all columns are fields of the data.

    Raises:
        InvalidData: when it says it in another way than this version writes it.
    """
    metadata: dict[bytes, bytes] = schema.metadata or {}
    text = metadata.get(KEY)
    if text is None:
        return Description({name: name for name in schema.names}, {}, {})
    try:
        told: Any = jsontext.loads(text.decode())
    except ValueError as error:
        raise _make_key_error(f"is not JSON: {error}") from None
    if not is_a(told, dict) or told.get("version") != VERSION:
        raise _make_key_error(f"must be of version {VERSION}, as what this format writes")
    parts = [told.get(name) for name in ("fields", "questions", "classes")]
    for part in parts:
        if not _tells_of_columns(part, schema.names):
            raise _make_key_error("must tell of the columns of the fields and of the questions")
    return Description(*parts)


def _tells_of_columns(part: object, names: Iterable[str]) -> bool:
    """Return whether *part* maps names of columns to texts, or to several of them."""
    if not isinstance(part, dict):
        return False
    told = cast("dict[object, object]", part)
    return told.keys() <= set(names) and all(
        isinstance(value, str) or is_strings(value) for value in told.values()
    )


def _make_key_error(reason: str) -> InvalidData:
    return _make_error("the key 'itagflow' of its schema", reason)


def _make_error(where: str, reason: str) -> InvalidData:
    return InvalidData("the table", [Problem(where, reason)])
