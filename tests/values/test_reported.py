"""The kinds of fault that users of labeling systems report: one test for each, by its first example.

Other modules here try many more values of each kind; this one is the list.
"""

from __future__ import annotations

import io
import json
import math
from typing import Any

import pytest
from support.scenes import cats, rows, street, taken

import itagflow
from itagflow import (
    Box,
    Choice,
    FixedSize,
    Flow,
    Inspect,
    InvalidData,
    ItagflowError,
    Label,
    NotFound,
    Polygon,
    PreLabel,
    Rating,
    Regions,
    Stage,
    Template,
    TextSpan,
    Workflow,
    maintenance,
    templates,
)
from itagflow.errors import UnknownFormat
from itagflow.templates import Option, Question

L, I = Stage.LABEL, Stage.INSPECT
SQUARE = [(0, 0), (10, 0), (10, 10), (0, 10)]


def is_readable(flow: Flow) -> None:
    """Every reader of the workspace works, and nothing contradicts anything."""
    for job in flow.jobs.list("street"):
        list(flow.results.list(job))
        list(flow.events.list(job))
    list(flow.members.list("street"))
    assert list(maintenance.verify(flow)) == []


def regions_job(flow: Flow, **data: Any) -> tuple[itagflow.Job, Any]:
    """A job that asks for regions of one image, and ben's assignment in it."""
    question = Question("1", "PICTURE", "Areas", required=False)
    job = flow.jobs.create(
        street(flow, "ben"),
        "areas",
        template=Template(questions=(question,)),
        data=[{"data": {"source": "1.jpg", **data}}],
        workforce={L: ["ben"]},
        by="ada",
    )
    return job, taken(flow, "ben", job)


class TestAWrongValueIsStored:
    def test_a_remark_of_none(self, flow: Flow) -> None:
        job = cats(flow)
        ben = taken(flow, "ben", job)
        wrong: Any = None
        for call in (
            lambda: flow.jobs.update(job, remark=wrong, by="ada"),
            lambda: flow.release(ben, comment=wrong),
            lambda: flow.members.add("street", "eve", "operator", external="yes", by="ada"),  # type: ignore[arg-type]
        ):
            with pytest.raises(InvalidData):
                call()
        is_readable(flow)
        # None is "as it is": nobody new is external
        assert not flow.members.add("street", "eve", "operator", external=None, by="ada").external

    @pytest.mark.parametrize(
        "build",
        [
            lambda: Option(0),
            lambda: FixedSize(2.5),
            lambda: Label(limit=1.5),
            lambda: Label(votes=1.5),
            lambda: Question(1, "RADIO", "t", (Option("a"),)),
            lambda: Question("1", "INPUT", 5),
            lambda: Question("1", "HEART", "t"),
            lambda: Label(lease=30),
            lambda: Workflow([Label()]),
            lambda: Regions([], width="x", height=1),
        ],
    )
    def test_what_cannot_be_right_cannot_be_made(self, build: Any) -> None:
        with pytest.raises(InvalidData) as refused:
            build()
        assert isinstance(refused.value, ValueError)

    @pytest.mark.parametrize(
        "more",
        [
            {"seed": "x"},
            {"packaging": 10},
            {"packaging": len},
            {"workflow": [Label()]},
            {"tags": "urgent"},
            {"due_at": "2026-11-24"},
            {"workforce": {"label": "night"}},
            {"data": 5},
        ],
        ids=lambda more: f"{next(iter(more))} {next(iter(more.values()))}"[:20].split(" at ")[0],
    )
    def test_a_job_of_wrong_arguments_leaves_no_draft(self, flow: Flow, more: Any) -> None:
        street(flow, "ben")
        template = templates.image_classification(["cat", "dog"])
        with pytest.raises(InvalidData):
            flow.jobs.create(
                "street", "cats", by="ada", **{"template": template, "data": rows(1), **more}
            )
        assert list(flow.jobs.list("street")) == []
        is_readable(flow)

    def test_roles_groups_stages_actions_and_accounts_of_other_kinds(self, flow: Flow) -> None:
        job = cats(flow)
        # by value they are taken
        assert flow.members.add("street", "eve", "operator", by="ada").role.value == "operator"
        assert flow.claim("ben", job, "label") is not None
        assert flow.can("ada", "export", job)
        wrong: Any
        for wrong in ("boss", 5, L, ["operator"]):
            with pytest.raises(InvalidData):
                flow.members.add("street", "fay", wrong, by="ada")
        for wrong in (5, b"gus", None, "", "a\0b"):
            with pytest.raises(InvalidData):
                flow.members.add("street", wrong, "operator", by="ada")
        with pytest.raises(InvalidData):
            flow.members.add("street", "fay", "operator", groups="night", by="ada")  # type: ignore[arg-type]
        is_readable(flow)
        cats_again = flow.jobs.clone(job, "cats-2", by="ada", with_data=True)
        flow.jobs.publish(cats_again, by="ada")

    @pytest.mark.parametrize("name", ["workspace", "state", "loaded", "id", "version"])
    def test_no_other_field_is_set(self, flow: Flow, name: str) -> None:
        job = cats(flow)
        wrong: Any = {name: 1}
        with pytest.raises(TypeError):
            flow.jobs.update(job, by="ada", **wrong)
        with pytest.raises((TypeError, InvalidData)):
            flow.jobs.create("street", "x", template=flow.templates.get(job), by="ada", **wrong)
        assert flow.jobs.get(job) == job

    def test_numbers_of_other_libraries_are_exported_as_plain_ones(self, flow: Flow) -> None:
        numpy = pytest.importorskip("numpy")
        assert repr(Rating(numpy.float64(4))) == "Rating(4.0)"
        assert repr(Rating(numpy.float32(0.5))) == "Rating(0.5)"
        job, ben = regions_job(flow)
        flow.save(ben, 1, Regions([Box(*map(numpy.float32, (1, 2, 3, 4)))], width=9, height=9))
        flow.submit(ben)
        target = io.BytesIO()
        flow.results.export(job, "itag", target)
        assert b"np." not in target.getvalue()

    def test_a_message_shows_no_python(self, flow: Flow) -> None:
        job, ben = regions_job(flow)
        wrong: Any
        for wrong in (None, 5, "x", {"1": None}, {"1": Choice("a")}, {5: 5}):
            with pytest.raises(InvalidData) as refused:
                flow.save(ben, 1, wrong)
            for leak in ("NoneType", "itagflow.", "object at", "subscript"):
                assert leak not in str(refused.value)
        with pytest.raises(ItagflowError, match="job 'areas' is running: archive it"):
            flow.jobs.delete(job, by="ada")


class TestOneQuestionHasOneAnswer:
    def test_at_the_limit_nothing_is_said_to_be_available(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(limit=1)))
        assert list(flow.available("ben"))
        assert flow.claim("ben", job, L) is not None
        assert flow.claim("ben", job, L) is None
        assert list(flow.available("ben")) == []
        assert "limit" in str(flow.explain("ben", job, L))

    def test_names_that_nobody_has_are_not_found(self, flow: Flow) -> None:
        cats(flow)
        for call in (
            lambda: flow.assignments.list("typo"),
            lambda: flow.available("typo"),
            lambda: flow.members.get("street", "typo"),
            lambda: flow.jobs.list("typo"),
        ):
            with pytest.raises(NotFound):
                list(call())  # type: ignore[call-overload]

    def test_a_past_review_shows_what_it_judged(self, flow: Flow) -> None:
        job = cats(flow, tasks=1, workflow=Workflow(Label(), Inspect()))
        ben = taken(flow, "ben", job)
        flow.save(ben, 1, Choice("cat"))
        flow.submit(ben)
        di = taken(flow, "di", job, I)
        flow.judge(di, 1, wrong="a dog")
        flow.reject(di)
        again = taken(flow, "ben", job)
        flow.save(again, 1, Choice("dog"))
        flow.submit(again)
        (item,) = flow.tasks(di)
        assert item.submitted is not None
        assert item.answer is not None
        assert (item.submitted.reply, item.answer.wrong) == (Choice("cat"), True)

    def test_what_is_skipped_is_told(self, flow: Flow) -> None:
        street(flow, "ben")
        job = flow.jobs.create(
            "street",
            "cats",
            template=templates.image_classification(["cat"]),
            data=[*rows(1), {"data": {}}],
            on_error="skip",
            by="ada",
        )
        assert [problem.where for problem in flow.jobs.load_report(job).problems] == [
            "row 2, data.source"
        ]

    def test_a_report_of_predictions_adds_up(self, flow: Flow) -> None:
        job = cats(flow, tasks=3)
        said = [PreLabel(Choice("cat"), 0.9), None, PreLabel(Choice("cow"), 0.9)]
        report = flow.jobs.prelabel(job, lambda tasks: said, min_confidence=0.5, by="ada")
        assert (report.tasks, report.accepted, report.failed) == (3, 1, 1)
        assert report.accepted + report.failed + report.no_prediction == 3


class TestImportAndExport:
    def test_row_keys_that_are_empty_or_alike(self, flow: Flow) -> None:
        given = [{"source": "x", "id": id} for id in (1, "1", "", None)]
        job = cats(flow, data=given, row_key="id", on_error="skip")
        assert [result.task.row_key for result in flow.results.list(job)] == [1, "1"]
        assert flow.jobs.load_report(job).skipped == 2

    def test_manifests_of_two_jobs_in_one_file(self, flow: Flow) -> None:
        street(flow, "ben")
        block = {"results": [{"questionId": "1", "data": "cat", "type": "survey/value"}]}
        data = [{"data": {"source": "x"}, f"label-{number}": block} for number in (7, 8)]
        template = templates.image_classification(["cat"])
        with pytest.raises(InvalidData, match="of_job"):
            flow.jobs.import_results("street", "x", template=template, data=data, by="ada")

    @pytest.mark.parametrize("block", [None, {}, {"results": None}])
    def test_a_block_without_results(self, flow: Flow, block: Any) -> None:
        street(flow, "ben")
        good = {"results": [{"questionId": "1", "data": "cat", "type": "survey/value"}]}
        data = [{"data": {"source": "x"}, "label-7": each} for each in (good, block)]
        template = templates.image_classification(["cat"])
        job = flow.jobs.import_results("street", "x", template=template, data=data, by="ada")
        assert [result.replies is None for result in flow.results.list(job)] == [False, True]

    @pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
    def test_numbers_that_json_does_not_have(self, flow: Flow, number: str) -> None:
        text = f'{{"data": {{"source": "x", "n": {number}}}}}'
        for row in (text, {"source": "x", "n": float(number)}):
            with pytest.raises(InvalidData):
                itagflow_check(flow, row)

    @pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85", "\x0c", "\x1e"])
    def test_a_character_that_ends_a_line_elsewhere(self, flow: Flow, end: str) -> None:
        job = cats(flow, data=[{"source": f"a{end}b"}], tasks=1, size=1)
        target = io.BytesIO()
        flow.results.export(job, "itag", target)
        (line,) = target.getvalue().decode().splitlines()
        assert json.loads(line)["data"]["source"] == f"a{end}b"

    @pytest.mark.parametrize(
        "region",
        [
            Polygon([(1, 1), (1, 1), (1, 1)]),
            Polygon([(1, 1), (2, 2), (3, 3)]),
            Polygon(SQUARE, [[(11, 11), (12, 11), (12, 12)]]),
            Box(0, 0, 1e-9, 5),
        ],
    )
    def test_a_region_without_an_area(self, flow: Flow, region: Any) -> None:
        _, ben = regions_job(flow)
        with pytest.raises(InvalidData):
            flow.save(ben, 1, Regions([region], width=20, height=20))

    def test_a_manifest_of_the_former_format_that_says_no_size(self, flow: Flow) -> None:
        street(flow, "ben")
        value = {"rotation": 0, "x": 1, "y": 1, "width": 10, "height": 10}
        box = {"id": "a", "type": "image/rectangleLabel", "value": value, "labels": ["car"]}
        block = {"results": [{"data": [box], "id": "1", "type": "image"}]}
        template = templates.object_detection(["car"])
        for size in ({"width": "1000", "height": 1000.0}, {"width": 1000, "height": 1000}):
            job = flow.jobs.import_results(
                "street",
                f"x{len(list(flow.jobs.list('street')))}",
                template=template,
                data=[{"data": {"source": "x", **size}, "label-7": block}],
                by="ada",
            )
            (result,) = flow.results.list(job)
            assert result.replies is not None
        with pytest.raises(InvalidData) as refused:
            flow.jobs.import_results(
                "street",
                "none",
                template=template,
                data=[{"data": {"source": "x"}, "label-7": block}],
                by="ada",
            )
        assert "not 0" not in str(refused.value)

    @pytest.mark.parametrize(
        "head", ["source;kind", "source\tkind", "sep=;\nsource;kind", "Source"]
    )
    def test_a_csv_whose_columns_are_not_found(self, flow: Flow, head: str) -> None:
        street(flow, "ben")
        with pytest.raises(InvalidData) as refused:
            flow.jobs.create(
                "street",
                "x",
                template=templates.image_classification(["cat"]),
                data=io.BytesIO(f"{head}\n{'1.jpg' * 2}\n".encode() * 50),
                format="csv",
                by="ada",
            )
        assert len(refused.value.problems) == 1

    @pytest.mark.parametrize("score", [True, "1_0", 12, math.nan, -0.1])
    def test_a_score_that_is_none(self, score: Any) -> None:
        with pytest.raises(InvalidData):
            PreLabel(Choice("cat"), score)

    def test_a_box_that_reaches_over_the_edge_by_rounding(self, flow: Flow) -> None:
        _, ben = regions_job(flow)
        assert flow.save(ben, 1, Regions([Box(0, 0, 640.001, 5)], width=640, height=9)).reply

    def test_a_span_without_its_text(self, flow: Flow) -> None:
        template = templates.entity_recognition(["place"])
        job = flow.jobs.create(
            street(flow, "ben"),
            "names",
            template=template,
            data=[{"data": {"source": "In Oslo"}}],
            workforce={L: ["ben"]},
            by="ada",
        )
        ben = taken(flow, "ben", job)
        saved = flow.save(ben, 1, itagflow.Spans([TextSpan(3, 7, label="place")]))
        assert saved.reply.spans[0].text == "Oslo"  # type: ignore[union-attr]

    def test_a_place_that_is_no_file_and_a_format_that_is_none(self, flow: Flow) -> None:
        job = cats(flow)
        with pytest.raises(InvalidData):
            flow.results.export(job, "itag", "https://example.org/x")
        with pytest.raises(UnknownFormat):
            flow.results.export(job, "nothing", io.BytesIO())


class TestTurnedImages:
    """Coordinates are those of the image before `rotation`, by which it is only shown."""

    @pytest.mark.parametrize("rotation", [0, 90, 180, 270])
    def test_regions_lie_on_the_image_as_it_is_stored(self, flow: Flow, rotation: int) -> None:
        _, ben = regions_job(flow)
        wide = Regions([Box(150, 10, 40, 80)], width=200, height=100, rotation=rotation)
        assert flow.save(ben, 1, wide).reply == wide
        # on the image as it is shown, which is 100 wide and 200 high if it is turned by 90
        high = Regions([Box(10, 150, 80, 40)], width=200, height=100, rotation=rotation)
        with pytest.raises(InvalidData, match="reaches outside"):
            flow.save(ben, 1, high)

    @pytest.mark.parametrize("rotation", [0, 90, 180, 270])
    def test_it_changes_no_number(self, flow: Flow, rotation: int) -> None:
        region = Polygon([(150, 10), (190, 10), (190, 90)], label=None)
        turned = Regions([region], width=200, height=100, rotation=rotation)
        assert turned.bounds == Regions([region], width=200, height=100).bounds
        job, ben = regions_job(flow)
        flow.save(ben, 1, turned)
        flow.submit(ben)
        target = io.BytesIO()
        flow.results.export(job, "itag", target)
        row = json.loads(target.getvalue())
        (element,) = row[f"label-{job.id}"]["results"]
        assert (element["width"], element["height"], element["rotation"]) == (200, 100, rotation)
        assert element["data"][0]["value"] == [[150, 10], [190, 10], [190, 90]]
        template = flow.templates.get(job)
        again = flow.jobs.import_results(
            "street", "again", template=template, data=io.BytesIO(target.getvalue()), by="ada"
        )
        assert flow.results.get(again, 1).replies == {"1": turned}

    def test_an_angle_is_a_quarter_turn(self) -> None:
        wrong: Any
        for wrong in (45, -90, 360, 90.0, True, "90", None):
            with pytest.raises(InvalidData, match="rotation"):
                Regions([], width=1, height=1, rotation=wrong)


class TestReadersAndHandles:
    def test_single_things_can_be_looked_up(self, flow: Flow) -> None:
        job = cats(flow)
        assert [home.name for home in flow.workspaces.list()] == ["street"]
        assert flow.workspaces.get("street").name == "street"
        assert flow.members.get("street", "ben").account == "ben"
        assert flow.packages.get((job, 1)).number == 1
        assert flow.results.get(job, 1).task.number == 1

    def test_a_job_is_cloned(self, flow: Flow) -> None:
        job = cats(flow)
        assert flow.jobs.clone(job, "cats-2", by="ada").workforce == job.workforce


def itagflow_check(flow: Flow, row: Any) -> None:
    """Load one row into a job that is not kept."""
    flow.workspaces.create("street", admin="ada", exist_ok=True)
    template = templates.image_classification(["cat"])
    flow.jobs.create("street", "x", template=template, data=[row], by="ada")
