"""The public fields are those that the documentation lists, and those by which the databases find entities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from itagflow import Job, Package, Stage
from itagflow.storage import (
    FIELDS,
    Fields,
    Query,
    check_query,
    cursor,
    encode_value,
    field_value,
    unique_values,
)
from itagflow.storage._sql.layout import LAYOUTS
from itagflow.testing import (
    AT,
    make_assignment,
    make_job,
    make_member,
    make_one_of_each,
    make_package,
    make_task,
)

PAGE = Path(__file__).parents[2] / "docs" / "store.md"
KINDS = pytest.mark.parametrize("fields", FIELDS.values(), ids=lambda fields: fields.kind.__name__)


def table() -> str:
    """The table of the documentation, made of the fields."""
    lines = ["| kind | key | other fields | unique together |", "|---|---|---|---|"]
    for fields in FIELDS.values():
        named = [
            ", ".join(f"`{field.name}`" for field in group)
            for group in (fields.key, fields.indexed)
        ]
        unique = ", ".join(f"`{name}`" for name in fields.unique)
        lines.append(f"| `{fields.kind.__name__}` | {named[0]} | {named[1]} | {unique} |")
    return "\n".join(lines)


def test_the_documentation_lists_them() -> None:
    assert table() in PAGE.read_text("utf-8"), f"put this table into {PAGE.name}:\n{table()}"


@KINDS
def test_key_and_indexes_name_fields(fields: Fields) -> None:
    entity: Any = next(entity for entity in make_one_of_each() if type(entity) is fields.kind)
    assert entity.key == tuple(field_value(entity, field.name) for field in fields.key)
    named = {name.removeprefix("-") for index in (*fields.indexes, fields.unique) for name in index}
    assert named <= fields.by_name.keys()


@KINDS
def test_what_is_encoded_comes_back(fields: Fields) -> None:
    entity: Any = next(entity for entity in make_one_of_each() if type(entity) is fields.kind)
    for field in fields.by_name.values():
        value = getattr(entity, field.name)
        kinds = (int, str, float) if field.name == "priority" else (int, str)
        assert type(field_value(entity, field.name)) in kinds, "no NULL: it can be compared"
        if field.decode is not None:
            assert field.decode(field_value(entity, field.name)) == value


def test_the_databases_have_these_columns() -> None:
    assert LAYOUTS.keys() == FIELDS.keys()
    for kind, layout in LAYOUTS.items():
        assert [column.name for column in layout.stored if column.name != "version"] == list(
            FIELDS[kind].by_name
        )


def test_what_a_query_may_not_name_is_refused() -> None:
    assert check_query(Query(Job, {"name": "x"}, order=("-id",))) is FIELDS[Job]
    for query in (Query(Job, {"remark": "x"}), Query(Job, order=("-version",))):
        with pytest.raises(ValueError, match="Job has no index column"):
            check_query(query)


def test_values_are_encoded_as_entities_are() -> None:
    assert [encode_value(value) for value in (Stage.LABEL, True, 7, "é")] == ["label", 1, 7, "é"]
    assignment = make_assignment(5, stage=Stage.LABEL, member=None, lease_until=AT)
    assert field_value(assignment, "stage") == encode_value(Stage.LABEL)
    assert field_value(assignment, "member") == 0
    assert field_value(assignment, "lease_until") == encode_value(AT)


def test_a_priority_is_a_fraction_or_whole_however_a_database_gives_it_back() -> None:
    field = FIELDS[Package].by_name["priority"]
    for priority in (0, -3, 2**53, 0.1, -0.5, 1e300, 5e-324):
        package = make_package(1, priority=priority)
        assert field_value(package, "priority") == encode_value(priority) == priority
        assert field.decode is not None
        assert field.decode(float(priority)) == priority
        assert type(field.decode(float(priority))) is type(priority)


def test_names_are_unique_however_they_were_typed_and_empty_ones_are_not() -> None:
    assert unique_values(make_member(account="Zo\u00eb")) == unique_values(
        make_member(account="Zoe\u0308")
    )
    assert unique_values(make_task(1, row_key_text="")) is None
    assert unique_values(make_assignment(1)) is None


def test_a_page_ends_at_what_was_sorted_by_and_the_key() -> None:
    job = make_job(id=7, name="cats")
    assert cursor(Query(Job, order=("-name",)), job) == ("cats", 7)
    assert cursor(Query(Job), attrs.evolve(job, name="dogs")) == (7,)
