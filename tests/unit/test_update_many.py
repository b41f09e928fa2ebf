"""One UPDATE of several rows, as PostgreSQL takes it."""

from __future__ import annotations

import json

from itagflow.model.package import Package
from itagflow.model.task import Task
from itagflow.storage._sql.layout import LAYOUTS, Layout
from itagflow.storage._sql.statements import Sql

SQL = Sql(placeholder="%s", schema="here.", has_array_parameters=True)


def find_columns(layout: Layout[Package], *names: str) -> tuple[int, ...]:
    columns = [column.name for column in layout.stored]
    return tuple(columns.index(name) for name in names)


def test_each_row_is_given_by_its_key_and_its_next_version() -> None:
    layout = LAYOUTS[Package]
    columns = find_columns(layout, "version", "priority")
    text, (sent,) = SQL.update_many(layout, columns, [(1, 0.5, 7, 1, 0), (4, 2, 7, 2, 3)])
    assert text.startswith(
        "UPDATE here.package SET version = made.version, priority = made.priority FROM "
    )
    assert text.endswith(
        "WHERE here.package.job = made.job AND here.package.number = made.number "
        "AND here.package.version = made.version - 1"
    )
    assert json.loads(sent) == [
        {"version": 1, "priority": 0.5, "job": 7, "number": 1},
        {"version": 4, "priority": 2, "job": 7, "number": 2},
    ]


def test_without_a_new_version_no_row_is_asked_for() -> None:
    # `made.version` is NULL then, and equal to nothing
    layout = LAYOUTS[Package]
    _, (sent,) = SQL.update_many(layout, find_columns(layout, "priority"), [(1.0, 7, 1, 5)])
    assert json.loads(sent) == [{"priority": 1.0, "job": 7, "number": 1}]


def test_a_body_of_json_is_parsed_and_one_of_text_is_not() -> None:
    package, task = LAYOUTS[Package], LAYOUTS[Task]
    text, _ = SQL.update_many(package, (len(package.stored),), [("{}", 7, 1, 0)])
    assert "SET body = CAST(made.body #>> '{}' AS json)" in text
    text, _ = SQL.update_many(task, (len(task.stored),), [("{}", 7, 1, 0)])
    assert "SET body = made.body FROM" in text
