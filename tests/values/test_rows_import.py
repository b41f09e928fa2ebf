"""Rows that could be taken for others, or for what they are not: each is its own, or refused with the reason."""

from __future__ import annotations

import datetime as dt
import io
from collections import ChainMap
from collections.abc import Iterator, Sequence
from enum import IntEnum
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from support.refusals import everything, is_refused
from support.scenes import street

import itagflow
from itagflow import FixedSize, Flow, GroupByField, InvalidData, Job, Stage, templates
from itagflow.errors import AlreadyExists, Incomplete, ItagflowError, NotAllowed, NotRegistered
from itagflow.model import LoadReport
from values.wrong import NoDimension

CATS = templates.image_classification(["cat", "dog"])
SKIP: dict[str, Any] = {"on_error": "skip"}


def create(flow: Flow, data: Any, name: str = "cats", **more: Any) -> Job:
    if not list(flow.workspaces.list()):
        street(flow, "ben")
    return flow.jobs.create("street", name, template=CATS, data=data, by="ada", **more)


def keyed(*keys: object) -> list[dict[str, Any]]:
    return [{"source": f"{n}.jpg", "id": key} for n, key in enumerate(keys)]


def sources(flow: Flow, job: Job) -> list[Any]:
    return [result.task.data["source"] for result in flow.results.list(job)]


class TestRowKeys:
    @pytest.mark.parametrize(
        "key", ["", "   ", None, True, 1.0, 1.5, [], {}, [1], 2**63, -(2**63) - 1, 10**400]
    )
    def test_one_that_tells_nothing_apart_is_a_bad_row(self, flow: Flow, key: object) -> None:
        with pytest.raises(InvalidData, match=r"row 2, data\.id: .*(empty|must be|range)"):
            create(flow, keyed("a", key), row_key="id")
        job = create(flow, keyed("a", key, key), row_key="id", on_error="skip")
        report = flow.jobs.load_report(job)
        assert (report.loaded, report.skipped, report.duplicates) == (1, 2, 0)
        assert [problem.where for problem in report.problems] == [
            "row 2, data.id",
            "row 3, data.id",
        ]

    def test_a_number_and_its_text_are_two(self, flow: Flow) -> None:
        job = create(flow, keyed(1, "1", '"1"', "01", "a", -5, "-5"), row_key="id")
        assert flow.jobs.load_report(job).tasks == (range(1, 8),)
        again = flow.jobs.append(job, keyed("1", 1, '"1"'), by="ada")
        assert (again.tasks, again.known, again.duplicates) == ((), 3, 0)

    def test_or_one_when_asked_for(self, flow: Flow) -> None:
        job = create(flow, keyed(1, "1", 2), row_key="id", row_key_type="text")
        report = flow.jobs.load_report(job)
        assert (report.loaded, report.duplicates) == (2, 1)
        assert flow.jobs.append(job, keyed("2"), by="ada").known == 1

    def test_the_type_of_keys_is_one_of_two(self, flow: Flow) -> None:
        street(flow, "ben")
        wrong: Any = "number"
        is_refused(
            flow,
            InvalidData,
            "row_key_type: must be 'text' or None, not 'number'",
            lambda: create(flow, keyed(1), row_key="id", row_key_type=wrong),
        )

    def test_the_type_of_keys_is_compared(self, flow: Flow) -> None:
        create(flow, keyed(1), row_key="id")
        with pytest.raises(AlreadyExists) as refused:
            create(flow, keyed(1), row_key="id", row_key_type="text", exist_ok=True)
        assert refused.value.differences == ("row_key_type",)


class TestTables:
    def test_a_csv_without_its_format_is_told_of_it(self, flow: Flow, tmp_path: Path) -> None:
        path = tmp_path / "pets.csv"
        path.write_text("source\n1.jpg\n")
        for data in (path, str(path)):
            with pytest.raises(InvalidData, match="line 1: is not JSON: pass format='csv' for a"):
                create(flow, data)
        assert not list(flow.jobs.list("street"))
        report = flow.jobs.check("street", "pets", template=CATS, data=path, by="ada")
        assert str(report.problems[0]).endswith("for a table")

    def test_json_lines_may_be_called_csv(self, flow: Flow, tmp_path: Path) -> None:
        path = tmp_path / "pets.csv"
        path.write_text('{"data": {"source": "1.jpg"}}\n')
        assert flow.jobs.progress(create(flow, path)).total == 1


class TestNumbers:
    @pytest.mark.parametrize(
        "number", ["NaN", "Infinity", "-Infinity", "1e400", "-1E+999", "9" * 400 + ".0"]
    )
    def test_one_that_is_infinite_or_none_is_refused_in_text_and_mapping(
        self, flow: Flow, number: str
    ) -> None:
        text = f'{{"data": {{"source": "a", "x": [{number}]}}}}'
        with pytest.raises(InvalidData, match=r"row 1: (is not JSON|has a number that no float)"):
            create(flow, [text])
        with pytest.raises(InvalidData, match=r"line 1: (is not JSON|has a number that no float)"):
            create(flow, io.BytesIO(text.encode()))
        with pytest.raises(InvalidData, match="row 1: is not JSON"):
            create(flow, [{"source": "a", "x": [float(number)]}])

    def test_a_text_that_looks_like_one_is_none(self, flow: Flow) -> None:
        job = create(flow, ['{"data": {"source": "1e400", "x": 1e300, "y": ' + "9" * 400 + "}}"])
        assert sources(flow, job) == ["1e400"]

    def test_those_of_other_types_are_stored_as_plain_ones(self, flow: Flow) -> None:
        class Level(IntEnum):
            GOOD = 4

        row = {
            "source": "a",
            "level": Level.GOOD,
            "half": Fraction(1, 2),
            "on": dt.date(2026, 1, 2),
        }
        (result,) = flow.results.list(create(flow, [row]))
        assert (
            repr(result.task.data) == "{'source': 'a', 'level': 4, 'half': 0.5, 'on': '2026-01-02'}"
        )


class Pandas:
    """A data frame with the methods of pandas' that are asked for."""

    class NAType:
        def __bool__(self) -> bool:
            raise TypeError("boolean value of NA is ambiguous")

    def __init__(self, columns: Sequence[Any], *rows: tuple[Any, ...]) -> None:
        self.columns, self.rows = list(columns), rows

    def __iter__(self) -> Iterator[Any]:
        return iter(self.columns)  # as pandas does: not the rows

    def itertuples(
        self, index: bool = True, name: str | None = "Pandas"
    ) -> Iterator[tuple[Any, ...]]:
        assert (index, name) == (False, None)
        return iter(self.rows)


class Polars(Pandas):
    itertuples = None  # type: ignore[assignment]

    def iter_rows(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)

    def __getattribute__(self, name: str) -> Any:
        if name == "itertuples":
            raise AttributeError(name)
        return super().__getattribute__(name)


class Arrow(Polars):
    def to_batches(self) -> list[Any]:
        return [self]

    def to_pylist(self) -> list[dict[str, Any]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class TestWhatHasRows:
    @pytest.mark.parametrize("kind", [Pandas, Polars, Arrow])
    def test_a_data_frame_is_its_rows(self, flow: Flow, kind: type[Pandas]) -> None:
        frame = kind(["source", "n"], ("1.jpg", 1), ("2.jpg", None))
        job = create(flow, frame)
        assert [result.task.data for result in flow.results.list(job)] == [
            {"source": "1.jpg", "n": 1},
            {"source": "2.jpg", "n": None},
        ]

    def test_missing_values_of_a_data_frame_are_null(self, flow: Flow) -> None:
        frame = Pandas(["source", "n", "m"], ("1.jpg", float("nan"), Pandas.NAType()))
        (result,) = flow.results.list(create(flow, frame))
        assert result.task.data == {"source": "1.jpg", "n": None, "m": None}

    def test_the_columns_of_a_manifest_are_wrapped(self, flow: Flow) -> None:
        frame = Pandas(["data", "label-4"], ({"source": "1.jpg"}, float("nan")))
        job = create(flow, frame)
        assert sources(flow, job) == ["1.jpg"]

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (Pandas([0, 1], ("a", "b")), "name is no text, but 0"),
            (Pandas(["source", "source"], ("a", "b")), "several columns of the name source"),
            ({"source": "1.jpg"}, "is one row: put it in a list"),
            ({}, "is one row"),
            (b'{"data": {}}', "are bytes"),
            (17, "must be a path, an open file, a data frame or several rows, not 17"),
            (list, "must be a path, an open file, a data frame or several rows"),
            (NoDimension(), "must be a path, an open file, a data frame or several rows"),
            (object(), "must be a path, an open file, a data frame or several rows"),
            (io.StringIO("{}"), "open in text mode"),
            ("s3://bucket/rows.manifest", "is a URL: open it"),
            ("https://ada:secret@example.org/x", "is a URL: open it"),
        ],
    )
    def test_what_has_none_is_refused(self, flow: Flow, data: Any, words: str) -> None:
        street(flow, "ben")
        error = is_refused(flow, ItagflowError, words, lambda: create(flow, data))
        assert "secret" not in str(error)
        assert not {"Traceback", "NoneType", "object at"} & set(str(error).split())

    @pytest.mark.parametrize(
        ("path", "words"),
        [
            ("/no/such/file", "cannot be read: No such file"),
            (Path(__file__).parent, "cannot be read: Is a directory"),
        ],
    )
    def test_a_path_that_cannot_be_read_leaves_no_job(
        self, flow: Flow, path: Any, words: str
    ) -> None:
        with pytest.raises(itagflow.StoreFailed, match=words):
            create(flow, path)
        assert list(flow.jobs.list("street")) == []

    def test_a_file_that_is_closed_is_refused(self, flow: Flow) -> None:
        street(flow, "ben")
        file = io.BytesIO(b"{}")
        file.close()
        is_refused(flow, InvalidData, "is closed", lambda: create(flow, file))

    @pytest.mark.parametrize("row", [5, None, b"{}", [1], ("source", "a"), {1}])
    def test_what_is_no_row_is_named(self, flow: Flow, row: object) -> None:
        with pytest.raises(
            InvalidData, match="row 2: must be a mapping of fields, a JSON text or a Row"
        ):
            create(flow, [{"source": "1.jpg"}, row])

    @pytest.mark.parametrize(
        ("field", "words"),
        [
            ({1: "a"}, "the name of a field must be a text, not 1"),
            ({None: "a"}, "the name of a field must be a text, not None"),
            ({True: "a", "true": "b"}, "must be a text, not True"),
            ({"a"}, "is not JSON: it has a value of type set"),
            (b"a", "is not JSON: it has a value of type bytes"),
        ],
    )
    def test_what_json_has_not_is_refused_wherever_it_stands(
        self, flow: Flow, field: Any, words: str
    ) -> None:
        for row in ({"source": "a", "x": field}, {"data": {"source": "a"}, "x": [field]}):
            with pytest.raises(InvalidData, match=words):
                create(flow, [row])

    @pytest.mark.parametrize("name", ["on_error", "progress"])
    def test_how_rows_are_loaded_is_checked_first(self, flow: Flow, name: str) -> None:
        street(flow, "ben")
        is_refused(flow, InvalidData, f"{name}: must", lambda: create(flow, [], **{name: "ignore"}))


class TestTheWrapper:
    def test_any_mapping_may_be_the_fields_alone(self, flow: Flow) -> None:
        rows = [
            {"source": "1"},
            MappingProxyType({"source": "2"}),
            ChainMap({"source": "3"}, {"x": 1}),
        ]
        job = create(flow, rows)
        assert sources(flow, job) == ["1", "2", "3"]

    def test_the_first_good_mapping_decides(self, flow: Flow) -> None:
        wrapped, plain = {"data": {"source": "1"}}, {"source": "2"}
        with pytest.raises(
            InvalidData, match="row 2, data: is missing, and the rows before it have"
        ):
            create(flow, [wrapped, plain])
        with pytest.raises(
            InvalidData, match="row 2, data: has a field 'data', which the rows before"
        ):
            create(flow, [plain, wrapped])
        job = create(flow, [{"sorce": "2"}, wrapped, plain, wrapped], on_error="skip")
        assert sources(flow, job) == ["1", "1"]

    def test_it_decides_also_for_what_goes_on(
        self, flow: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("itagflow.jobs.loading_rules.ROWS_PER_TRANSACTION", 2)

        def breaks_off() -> Iterator[Any]:
            yield from [{"bad": 1}, {"source": "2"}, {"source": "3"}, {"source": "4"}]
            raise KeyboardInterrupt

        street(flow, "ben")
        draft = flow.jobs.create(
            "street", "cats", template=CATS, packaging=FixedSize(2), by="ada", draft=True
        )
        with pytest.raises(KeyboardInterrupt):
            flow.jobs.load(draft, breaks_off(), by="ada", on_error="skip")
        rest = [
            {"bad": 1},
            {"source": "2"},
            {"source": "3"},
            {"source": "4"},
            {"data": {"source": "5"}},
        ]
        report = flow.jobs.load(draft, rest, by="ada", on_error="skip")
        assert (report.loaded, [problem.where for problem in report.problems]) == (
            0,
            ["row 5, data"],
        )
        whole = flow.jobs.load_report(draft)
        assert (whole.tasks, whole.skipped, len(whole.problems)) == ((range(1, 4),), 2, 2)

    def test_results_without_data_are_no_fields(self, flow: Flow) -> None:
        with pytest.raises(InvalidData, match=r"a row with results \(label-4-check\)"):
            create(flow, [{"source": "1", "label-4-check": {"results": []}}])

    @pytest.mark.parametrize("item", ['{"source": "1"}', itagflow.model.Row('{"source": "1"}')])
    def test_a_text_always_has_data(self, flow: Flow, item: Any) -> None:
        with pytest.raises(InvalidData, match="row 1, data: is missing"):
            create(flow, [item])

    def test_data_that_is_no_object_is_no_guess(self, flow: Flow) -> None:
        with pytest.raises(
            InvalidData, match="row 1, data: must be an object of fields; if it is a field itself"
        ):
            create(flow, [{"source": "1", "data": "x"}])


class TestLargeGroups:
    def test_a_large_group_is_cut_and_groups_are_not_mixed(
        self, flow: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("itagflow.jobs.loading_rules.ROWS_PER_TRANSACTION", 3)
        rows = [{"source": str(n), "patient": "ab"[n % 3 == 0]} for n in range(12)]
        packaging = GroupByField("patient", max_size=3)
        job = create(flow, rows, packaging=packaging)
        packages = list(flow.packages.list(job))
        assert [(package.value, package.size) for package in packages] == [
            ('"b"', 3),
            ('"a"', 3),
            ('"a"', 3),
            ('"b"', 1),
            ('"a"', 2),
        ]
        assert (
            flow.jobs.check(
                "street", "b", template=CATS, data=rows, packaging=packaging, by="ada"
            ).packages
            == 5
        )
        monkeypatch.undo()
        flow.jobs.append(job, rows[:4], by="ada")
        assert [package.size for package in flow.packages.list(job)][5:] == [2, 2]

    @pytest.mark.parametrize("size", [0, -1, 1.5, True, "3", 2**70])
    def test_its_size_is_a_whole_number(self, size: Any) -> None:
        with pytest.raises(InvalidData, match="max_size"):
            GroupByField("patient", max_size=size)


class TestReports:
    def test_each_loading_verb_says_which_tasks_it_made(self, flow: Flow) -> None:
        street(flow, "ben")
        draft = flow.jobs.create(
            "street", "cats", template=CATS, by="ada", row_key="id", draft=True
        )
        assert flow.jobs.load_report(draft) == LoadReport()
        rows = [*keyed(1, 2), {"source": "x"}, *keyed(2)]
        report = flow.jobs.load(draft, rows, by="ada", on_error="skip")
        assert (report.tasks, report.skipped, report.duplicates) == ((range(1, 3),), 1, 1)
        assert str(report.problems[0]) == "row 3, data.id: is missing"
        flow.jobs.set_workforce(draft, {Stage.LABEL: ["ben"]}, by="ada")
        flow.jobs.publish(draft, by="ada")
        more = flow.jobs.append(draft, keyed(2, 3, 3, 4), by="ada")
        assert (more.tasks, more.loaded, more.known, more.duplicates) == ((range(3, 5),), 2, 1, 1)
        assert flow.jobs.load_report(draft) == report

    def test_twice_in_two_transactions_is_no_known_row(
        self, flow: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("itagflow.jobs.loading_rules.ROWS_PER_TRANSACTION", 2)
        job = create(flow, keyed(1), row_key="id", packaging=FixedSize(1))
        more = flow.jobs.append(job, keyed(1, 2, 3, 2, 1), by="ada")
        assert (more.loaded, more.known, more.duplicates) == (2, 2, 1)

    def test_problems_are_bounded_and_rows_counted(self, flow: Flow) -> None:
        job = create(flow, [{"source": "1"}, *[{"bad": n} for n in range(1_500)]], on_error="skip")
        report = flow.jobs.load_report(job)
        assert (report.skipped, len(report.problems)) == (1_500, 1_000)

    def test_who_may_not_read_the_job_reads_no_report(self, flow: Flow) -> None:
        job = create(flow, keyed(1))
        assert flow.jobs.load_report(job, by="ada").loaded == 1
        flow.members.add("street", "cy", itagflow.Role.OPERATOR, by="ada")
        flow.members.remove("street", "cy", by="ada")
        with pytest.raises(NotAllowed):
            flow.jobs.load_report(job, by="cy")


class TestCheck:
    def test_it_says_what_create_would_do_and_stores_nothing(self, flow: Flow) -> None:
        street(flow, "ben")
        before = everything(flow)
        rows = [*keyed(1, 2, 2, ""), {"id": 5}, *keyed(6)]
        spec: dict[str, Any] = {
            "template": CATS,
            "row_key": "id",
            "packaging": FixedSize(2),
            "by": "ada",
        }
        report = flow.jobs.check("street", "cats", data=rows, **spec)
        assert (report.tasks, report.packages, report.skipped, report.duplicates, report.ok) == (
            3,
            2,
            2,
            1,
            False,
        )
        assert everything(flow) == before
        job = flow.jobs.create("street", "cats", data=rows, on_error="skip", **spec)
        made = flow.jobs.load_report(job)
        assert (made.loaded, made.skipped, made.duplicates) == (3, 2, 1)
        assert made.problems == report.problems
        assert len(list(flow.packages.list(job))) == report.packages

    def test_what_could_never_finish_is_named(self, flow: Flow) -> None:
        street(flow, "ben")
        workflow = itagflow.Workflow(itagflow.Label(votes=3), itagflow.Inspect())
        report = flow.jobs.check(
            "street", "cats", template=CATS, data=keyed(1), workflow=workflow, by="ada"
        )
        assert "3 different members must label" in report.blocking_reason
        assert not report.ok
        assert flow.jobs.check("street", "cats", template=CATS, data=keyed(1), by="ada").ok
        empty = flow.jobs.check("street", "cats", template=CATS, data=[], by="ada")
        assert "no tasks" in empty.blocking_reason

    def test_what_create_refuses_is_refused(self, flow: Flow) -> None:
        create(flow, keyed(1))
        for error, more in (
            (AlreadyExists, {"name": "cats"}),
            (InvalidData, {"name": "a b"}),
            (NotRegistered, {"validator": "no"}),
            (NotAllowed, {"by": "ben"}),
            (InvalidData, {"data": 5}),
        ):
            arguments: dict[str, Any] = {"name": "dogs", "template": CATS, "by": "ada", **more}
            is_refused(flow, error, ".", lambda given=arguments: flow.jobs.check("street", **given))  # type: ignore[misc]


class TestClone:
    def test_it_is_set_up_alike_and_has_no_answers(self, flow: Flow) -> None:
        rows = keyed(1, 2, 3)
        job = create(
            flow,
            rows,
            row_key="id",
            row_key_type="text",
            packaging=FixedSize(2),
            workforce={Stage.LABEL: ["ben"]},
            tags=["urgent"],
            remark="old",
            guideline="look closely",
        )
        assignment = flow.claim("ben", job, Stage.LABEL)
        assert assignment is not None
        flow.save(assignment, 1, itagflow.Choice("cat"))
        empty = flow.jobs.clone(job, "again", by="ada")
        assert empty.state is itagflow.JobState.DRAFT
        for name in (
            "workflow",
            "packaging",
            "workforce",
            "row_key",
            "row_key_type",
            "tags",
            "validator",
        ):
            assert getattr(empty, name) == getattr(job, name), name
        assert empty.seed != job.seed
        assert (empty.remark, empty.guideline, flow.jobs.progress(empty).total) == ("", "", 0)
        whole = flow.jobs.clone(job, "whole", by="ada", with_data=True)
        assert flow.jobs.load_report(whole).tasks == (range(1, 4),)
        flow.jobs.publish(whole, by="ada")
        assert all(result.replies is None for result in flow.results.list(whole))

    def test_its_own_template_is_a_copy(self, flow: Flow) -> None:
        job = create(flow, keyed(1))
        clone = flow.jobs.clone(job, "again", by="ada")
        assert clone.template != job.template
        flow.jobs.delete(clone, by="ada")
        assert flow.templates.get(job).questions == CATS.questions

    def test_a_named_template_is_shared(self, flow: Flow) -> None:
        street(flow, "ben")
        stored = flow.templates.add("street", CATS, name="cats", by="ada")
        job = flow.jobs.create("street", "a", template=stored, data=keyed(1), by="ada")
        assert flow.jobs.clone(job, "b", by="ada").template == stored.id

    def test_what_cannot_be_leaves_nothing(self, flow: Flow) -> None:
        job = create(flow, keyed(1))
        flow.jobs.clone(job, "again", by="ada")
        for error, more in (
            (AlreadyExists, {"name": "again"}),
            (InvalidData, {"name": "a b"}),
            (NotAllowed, {"name": "c", "by": "ben"}),
        ):
            arguments: dict[str, Any] = {"by": "ada", **more}
            is_refused(flow, error, ".", lambda given=arguments: flow.jobs.clone(job, **given))  # type: ignore[misc]


def test_a_job_of_bad_rows_only_is_no_job(flow: Flow) -> None:
    with pytest.raises(Incomplete):
        create(flow, [{"bad": 1}], on_error="skip")
    assert list(flow.jobs.list("street")) == []


def test_a_file_goes_on_with_its_lines(flow: Flow, tmp_path: Path) -> None:
    path = tmp_path / "rows.manifest"
    path.write_text(
        '\ufeff{"data": {"source": "1"}}\r\n\r\n{"data": {"source": "2"}}\n{,}\n',
        encoding="utf-8",
    )
    job = create(flow, path, on_error="skip")
    report = flow.jobs.load_report(job)
    assert (report.loaded, report.skipped) == (2, 1)
    assert report.problems[0].where == "line 4"
