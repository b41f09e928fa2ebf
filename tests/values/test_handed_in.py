"""What is handed in as a whole (a flow, a store, a template, a file, a flag) is checked where it is given."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.refusals import everything, is_refused
from support.scenes import cats

from itagflow import Flow, InvalidData, Regions, formats, maintenance, templates
from itagflow.model import Choices, Mask, Question, QuestionKind, Row
from itagflow.schema import answer_schema, replies_to_json
from itagflow.storage import MemoryStore, PostgresStore, SqliteStore

CATS = templates.image_classification(["cat", "dog"])


@pytest.mark.parametrize("given", [None, 5, "labels.db", MemoryStore(), Flow])
def test_maintenance_takes_a_flow(given: Any) -> None:
    calls: list[Callable[[], object]] = [
        lambda: maintenance.verify(given),
        lambda: maintenance.copy(given, to=MemoryStore()),
        lambda: maintenance.erase_member(given, "street", "ben", by="ada"),
        lambda: maintenance.erase_task(given, ("cats", 1), by="ada"),
    ]
    for call in calls:
        with pytest.raises(InvalidData, match=r"^maintenance\..*: flow: must be a Flow, not"):
            call()


def test_a_copy_goes_to_a_store(flow: Flow) -> None:
    before = everything(flow)
    wrong: list[Any] = [None, "labels.db", MemoryStore]
    for given in wrong:
        with pytest.raises(InvalidData, match=r"maintenance\.copy: to: must be a store"):
            maintenance.copy(flow, to=given)
    with pytest.raises(InvalidData, match=r"maintenance\.copy: progress: must be a function"):
        maintenance.copy(flow, to=MemoryStore(), progress=5)  # type: ignore[arg-type]
    assert everything(flow) == before


def test_a_reason_for_erasing_is_a_text(flow: Flow) -> None:
    job = cats(flow)
    wrong: list[Any] = [None, 5, "a\0b"]
    for given in wrong:
        erase = partial(maintenance.erase_task, flow, (job.id, 1), by="ada", comment=given)
        is_refused(flow, InvalidData, "maintenance.erase_task: comment: ", erase)


@pytest.mark.parametrize("given", [None, 5, "cats", {"questions": []}])
def test_a_template_is_a_template(given: Any) -> None:
    for call in (answer_schema, templates.to_itag):
        with pytest.raises(InvalidData, match="template: must be a Template"):
            call(given)
    with pytest.raises(InvalidData, match="question: must be a Question"):
        CATS.field_of(given)


def test_replies_are_replies() -> None:
    wrong: list[Any] = [None, 5, "cat", {1: "cat"}, {"1": "cat"}, {"1": None}]
    for given in wrong:
        with pytest.raises(InvalidData, match=r"^replies_to_json: "):
            replies_to_json(given)


def test_a_closed_file_is_not_several_values() -> None:
    file = io.BytesIO(b"cat")
    file.close()
    several: Any = file
    calls: list[Callable[[], object]] = [
        lambda: Choices(several),
        lambda: Mask(several),
        lambda: Regions(several, width=9, height=9),
        lambda: Question("1", QuestionKind.RADIO, "Animal", several),
        lambda: formats.read("csv", io.BytesIO(b"source"), fields=several),
    ]
    for call in calls:
        with pytest.raises(InvalidData, match="must be several"):
            call()


def test_a_store_is_no_file(flow: Flow) -> None:
    target: Any = flow.store
    with pytest.raises(InvalidData, match="must be a path or an open binary file"):
        flow.results.export(cats(flow), "itag", target)


@pytest.mark.parametrize("given", [None, 5, b"{}", {"data": {}}])
def test_a_row_is_a_text(given: Any) -> None:
    with pytest.raises(InvalidData, match="the Row: text: must be a JSON text"):
        Row(given)


def test_a_store_is_opened_with_what_it_takes(tmp_path: Path) -> None:
    wrong: Any
    for wrong in (None, 5, ["labels.db"]):
        with pytest.raises(InvalidData, match="the store: path: must be the path of a file"):
            SqliteStore(wrong)
        with pytest.raises(InvalidData, match="the store: source: must be a text"):
            PostgresStore(wrong)
        with pytest.raises(InvalidData, match="the store: schema: must be a text"):
            PostgresStore("postgresql://localhost/labels", schema=wrong)
    for wrong in (None, 0, 2.5, True, "10"):
        with pytest.raises(InvalidData, match="the store: connections: must be"):
            PostgresStore("postgresql://localhost/labels", connections=wrong)
        with pytest.raises(InvalidData, match="the store: synchronous: must be 'FULL' or 'NORMAL'"):
            SqliteStore(tmp_path / "labels.db", synchronous=wrong)
    assert list(tmp_path.iterdir()) == []


def test_what_a_store_is_asked(flow: Flow) -> None:
    wrong: Any
    for wrong in (None, "1", float("nan"), -1):
        with pytest.raises(InvalidData, match="close: timeout: must be"):
            flow.store.close(wrong)
    for wrong in (None, 1, "yes"):
        with pytest.raises(InvalidData, match="read: snapshot: must be True or False"):
            flow.store.read(snapshot=wrong)
    assert list(flow.workspaces.list()) == []  # it is still open
