"""Bad input raises a clear error of the library and changes nothing."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.refusals import is_refused
from support.scenes import cats, on_writing_connection, rows, street, taken

import itagflow
from itagflow import (
    AlreadyExists,
    Box,
    Choice,
    Choices,
    FixedSize,
    Flow,
    GroupByField,
    Inspect,
    InvalidData,
    Label,
    Mask,
    NotAllowed,
    NotFound,
    NotHeld,
    Polygon,
    Regions,
    Role,
    Stage,
    StoreFailed,
    Text,
    Workflow,
    WrongState,
    templates,
)
from itagflow.errors import UnknownFormat
from itagflow.templates import QuestionKind
from itagflow.validation.answers import find_problems

WRONG_ANSWERS: list[tuple[Any, str]] = [
    (Choice("bird"), "'bird' is not an option; the options are cat, dog"),
    (Choices(["cat"]), "needs a Choice, not a Choices"),
    (Text("cat"), "needs a Choice, not a Text"),
    (
        {"2": Choice("cat")},
        "2: the template has no such question; 1: no reply to the required question",
    ),
    ({}, "no reply to the required question 'Single-choice'"),
    ("cat", "must be a mapping from question id"),
    ({"1": "cat"}, "must be a mapping from question id"),
    (None, "must be a mapping from question id"),
]


@pytest.mark.parametrize(("reply", "words"), WRONG_ANSWERS)
def test_an_answer_that_does_not_fit(flow: Flow, reply: Any, words: str) -> None:
    job = cats(flow)
    assignment = taken(flow, "ben", job)
    error = is_refused(flow, InvalidData, words, lambda: flow.save(assignment, 1, reply))
    assert str(error).startswith("the answer to task 1: ")


SIZE = {"width": 100, "height": 50}
WRONG_REGIONS: list[tuple[Regions, str]] = [
    (
        Regions([Box(60, 0, 50, 10, label="car")], **SIZE),
        r"1.regions\[0\]: reaches outside the image of 100 x 50",
    ),
    (Regions([Box(-1, 0, 5, 10, label="car")], **SIZE), "reaches outside"),
    (
        Regions([Polygon([(0, 0), (1, 1), (2, 2)], label="car")], **SIZE),
        r"1.regions\[0\]: must have an area: its points lie on one line",
    ),
    (Regions([Box(0, 0, 1, 1, label="bus")], **SIZE), "'bus' is not an option"),
    (Regions([Box(0, 0, 1, 1)], **SIZE), "no reply to the required question 'Single-choice'"),
    (
        Regions([Box(0, 0, 1, 1, labels={"Color": "red"})], **SIZE),
        "'Color' is not a question that is asked about it",
    ),
    (Regions([], width=0, height=50), "1.width: is not known"),
    (
        Regions([Mask([4_000, 5], label="car")], **SIZE),
        r"1.regions\[0\].counts: must cover the 5000 pixels of the image, not 4005",
    ),
]


@pytest.mark.parametrize(("reply", "words"), WRONG_REGIONS)
def test_regions_that_do_not_fit(flow: Flow, reply: Regions, words: str) -> None:
    home = street(flow, "ben")
    template = templates.object_detection(["car"])
    job = flow.jobs.create(
        home, "boxes", template=template, data=rows(1), workforce={Stage.LABEL: ["ben"]}, by="ada"
    )
    assignment = taken(flow, "ben", job)
    is_refused(flow, InvalidData, words, lambda: flow.save(assignment, 1, reply))


def test_a_text_that_is_too_long_for_its_rule() -> None:
    template = itagflow.Template(
        questions=(itagflow.templates.Question("1", QuestionKind.INPUT, "Name", rule="(a?){2000}"),)
    )
    (problem,) = find_problems(template, {"1": Text("a" * 1_000)})
    assert str(problem) == "1: is too long for the rule '(a?){2000}' of the question 'Name'"
    assert not find_problems(template, {"1": Text("aaa")})


def test_every_problem_is_listed() -> None:
    with itagflow.open("memory:") as flow:
        job = cats(flow)
        assignment = taken(flow, "ben", job)
        error = is_refused(
            flow,
            InvalidData,
            "7: the template",
            lambda: flow.save(assignment, 1, {"7": Text("x"), "8": Text("y")}),
        )
        assert isinstance(error, InvalidData)
        assert [problem.where for problem in error.problems] == ["7", "8", "1"]


class TestAssignments:
    def test_a_task_outside_the_assignments_scope(self, flow: Flow) -> None:
        job = cats(flow)
        assignment = taken(flow, "ben", job)
        is_refused(
            flow,
            InvalidData,
            "task 3: is in package 2, not in that of assignment",
            lambda: flow.save(assignment, 3, Choice("cat")),
        )
        is_refused(flow, NotFound, "no Task", lambda: flow.save(assignment, 99, Choice("cat")))

    def test_a_task_that_is_answered_twice_at_once(self, flow: Flow) -> None:
        job = cats(flow)
        assignment = taken(flow, "ben", job)
        twice = [(1, Choice("cat")), (2, Choice("cat")), (1, Choice("dog"))]
        is_refused(
            flow,
            InvalidData,
            "task 1: is answered twice",
            lambda: flow.save_many(assignment, twice),
        )
        assert flow.save_many(assignment, {}) == []

    def test_an_assignment_of_somebody_else(self, flow: Flow) -> None:
        job = cats(flow)
        assignment = taken(flow, "ben", job)
        for act in (
            lambda: flow.save(assignment, 1, Choice("cat"), by="cy"),
            lambda: flow.submit(assignment, by="cy"),
            lambda: flow.renew(assignment, by="cy"),
            lambda: list(flow.tasks(assignment, by="cy")),
        ):
            is_refused(flow, NotHeld, "it is another member's, not cy's", act)
        is_refused(flow, NotAllowed, "cy may not assign", lambda: flow.release(assignment, by="cy"))

    def test_an_assignment_that_was_given_back_or_does_not_exist(self, flow: Flow) -> None:
        job = cats(flow)
        assignment = taken(flow, "ben", job)
        flow.release(assignment)
        is_refused(
            flow,
            NotHeld,
            "it was released: claim again",
            lambda: flow.save(assignment, 1, Choice("cat")),
        )
        is_refused(
            flow, WrongState, "returned: it cannot release", lambda: flow.release(assignment)
        )
        is_refused(
            flow, NotFound, "no Assignment", lambda: flow.save((job.id, 1), 1, Choice("cat"))
        )

    def test_an_offer_must_be_claimed_first(self, flow: Flow) -> None:
        job = cats(flow)
        offer = flow.assignments.assign((job.id, 1), "ben", by="ada")
        is_refused(
            flow,
            NotHeld,
            "it is offered: claim it first",
            lambda: flow.save(offer, 1, Choice("cat")),
        )

    def test_a_wrong_role_stage_or_member(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect()))
        flow.members.add(job.workspace, "eve", Role.VIEWER, by="ada")
        is_refused(
            flow,
            NotAllowed,
            "the role viewer does not include it",
            lambda: flow.claim("eve", job, Stage.LABEL),
        )
        is_refused(
            flow,
            NotAllowed,
            "does not name them for label",
            lambda: flow.claim("di", job, Stage.LABEL),
        )
        is_refused(
            flow,
            InvalidData,
            "this job does not have it",
            lambda: flow.claim("ada", job, Stage.ACCEPT),
        )
        is_refused(
            flow, NotFound, "no Member 'nobody'", lambda: flow.claim("nobody", job, Stage.LABEL)
        )
        is_refused(
            flow, NotAllowed, "ben may not manage job", lambda: flow.jobs.pause(job, by="ben")
        )
        is_refused(
            flow,
            NotAllowed,
            "ben may not export",
            lambda: flow.results.export(job, "itag", "x", by="ben"),
        )
        is_refused(flow, NotFound, "no Job 'dogs'", lambda: flow.claim("ben", "dogs", Stage.LABEL))

    def test_empty_reasons(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect()), tasks=2)
        assignment = taken(flow, "ben", job)
        is_refused(flow, InvalidData, "is empty", lambda: flow.abandon(assignment, 1, " "))
        is_refused(flow, InvalidData, "NUL", lambda: flow.abandon(assignment, 1, "a\0"))
        flow.save_many(assignment, {1: Choice("cat"), 2: Choice("cat")})
        flow.submit(assignment)
        review = taken(flow, "di", job, Stage.INSPECT)
        is_refused(flow, InvalidData, "say why", lambda: flow.judge(review, 1, wrong=""))
        is_refused(flow, InvalidData, "say why", lambda: flow.reject(review, tasks=[1]))
        is_refused(
            flow,
            InvalidData,
            "not in the scope",
            lambda: flow.reject(review, tasks=[9], comment="no"),
        )


class TestManaging:
    def test_names(self, flow: Flow) -> None:
        home = street(flow, "ben")
        is_refused(
            flow,
            AlreadyExists,
            "already a Workspace 'street'",
            lambda: flow.workspaces.create("street", admin="x"),
        )
        is_refused(
            flow, InvalidData, "1 to 200 characters", lambda: flow.workspaces.create(" ", admin="x")
        )
        is_refused(
            flow,
            AlreadyExists,
            "already a Member 'ben'",
            lambda: flow.members.add(home, "ben", Role.VIEWER, by="ada"),
        )
        template = templates.image_classification(["cat"])
        for name in ("", "_x", "a b", "x" * 101, "a/b"):
            is_refused(
                flow,
                InvalidData,
                "1 to 100 characters",
                lambda n=name: flow.jobs.create(home, n, template=template, by="ada", draft=True),
            )
        assert (
            flow.jobs.create(home, "标注-2026_x", template=template, by="ada", draft=True).name
            == "标注-2026_x"
        )

    def test_external_members_and_the_last_administrator(self, flow: Flow) -> None:
        home = street(flow)
        is_refused(
            flow,
            InvalidData,
            "leader or operator",
            lambda: flow.members.add(home, "x", Role.ADMIN, external=True, by="ada"),
        )
        is_refused(
            flow,
            NotAllowed,
            "needs an administrator",
            lambda: flow.members.remove(home, "ada", by="ada"),
        )
        is_refused(
            flow,
            NotAllowed,
            "needs an administrator",
            lambda: flow.members.set_role(home, "ada", Role.VIEWER, by="ada"),
        )

    def test_nothing_crosses_the_border_of_a_workspace(self, flow: Flow) -> None:
        job = cats(flow)
        other = flow.workspaces.create("other", admin="olga")
        olga = flow.members.add(other, "ben", Role.OPERATOR, by="olga")
        stored = flow.templates.add(
            other, templates.image_classification(["x"]), name="x", by="olga"
        )
        is_refused(flow, NotFound, "no Member", lambda: flow.claim(olga, job, Stage.LABEL))
        is_refused(flow, NotFound, "no Member 'olga'", lambda: flow.jobs.pause(job, by="olga"))
        is_refused(
            flow,
            NotFound,
            "no Template",
            lambda: flow.jobs.create("street", "y", template=stored, by="ada", draft=True),
        )
        flow.jobs.create(other, "cats", template="x", by="olga", draft=True)
        is_refused(flow, InvalidData, "more than one workspace", lambda: flow.jobs.get("cats"))

    @pytest.mark.parametrize(
        "make",
        [
            lambda: FixedSize(0),
            lambda: itagflow.PackageCount(-1),
            lambda: Label(votes=2, min_votes=3),
            lambda: Label(limit=0),
            lambda: Inspect(task_share=1.5),
            lambda: Inspect(task_count=0),
            lambda: Workflow(Label(), Label()),
            lambda: Workflow(itagflow.Accept(reject_to=Stage.INSPECT)),
            lambda: itagflow.Template(questions=()),
            lambda: templates.image_classification([]),
            lambda: templates.image_classification(["a", "a"]),
            lambda: templates.image_classification(["a\0"]),
            lambda: templates.image_classification(["a"], title="\ud800"),
        ],
    )
    def test_rules_that_make_no_sense(self, make: Callable[[], object]) -> None:
        with pytest.raises(InvalidData):
            make()


class TestRows:
    @pytest.mark.parametrize(
        ("row", "words"),
        [
            ("{", "row 2: is not JSON"),
            ("[1]", "row 2: must be a JSON object with the field 'data'"),
            ('{"dat": {}}', "row 2, data: is missing"),
            ('{"data": 3}', "row 2, data: must be an object"),
            ('{"data": {}}', "row 2, data.source: is missing"),
            ('{"data": {"source": "a\\u0000b"}}', "row 2: contains a NUL character"),
            ({"data": {"source": {1, 2}}}, "row 2: is not JSON"),
            ({"data": {"source": math.nan}}, "row 2: is not JSON"),
            ('{"data": {"source": NaN}}', "row 2: is not JSON: NaN is no number in JSON"),
            (
                '{"data": {"source": "a", "x": [-Infinity]}}',
                "row 2: is not JSON: -Infinity is no number in JSON",
            ),
            (
                '{"data": {"source": "a"}, "x": Infinity}',
                "row 2: is not JSON: Infinity is no number in JSON",
            ),
            ('{"data": {"source": ' + "9" * 5_000 + "}}", "row 2: is not JSON"),
            (17, "row 2"),
            ("[" * 100_000, "row 2: is nested more than 200 deep"),
            ({"data": {"source": "\ud800"}}, "row 2: contains half of a surrogate pair"),
            (
                '{"data": {"source": ' + "[" * 300 + "]" * 300 + "}}",
                "row 2: is nested more than 200 deep",
            ),
            (
                '{"data": {"source": "' + "x" * 10_000_000 + '"}}',
                "row 2: is 10000024 characters long; at most",
            ),
        ],
        ids=range(17),
    )
    def test_a_bad_row(self, flow: Flow, row: Any, words: str) -> None:
        home = street(flow, "ben")
        template = templates.image_classification(["cat"])
        with pytest.raises(InvalidData, match=words):
            flow.jobs.create(home, "bad", template=template, data=[rows(1)[0], row], by="ada")
        assert list(flow.jobs.list(home)) == []

    @pytest.mark.parametrize(
        "more", [{"row_key": "id"}, {"packaging": itagflow.GroupByField("id")}]
    )
    def test_what_names_a_row_or_package_can_be_stored(
        self, flow: Flow, more: dict[str, Any]
    ) -> None:
        with pytest.raises(
            InvalidData, match=r"row 1, data.id: .* contains half of a surrogate pair"
        ):
            cats(flow, data=['{"data": {"source": "1.jpg", "id": "\\ud800"}}'], **more)

    def test_flat_rows_may_have_many_lists(self, flow: Flow) -> None:
        lists = [[n, []] for n in range(1_000)]
        job = cats(flow, data=[{"data": {"source": "1.jpg", "lists": lists}}])
        assert flow.results.get((job.id, 1)).task.data["lists"] == lists

    def test_a_backslash_before_u0000_is_only_text(self, flow: Flow) -> None:
        job = cats(flow, data=['{"data": {"source": "C:\\\\u0000.jpg"}}'])
        assert flow.results.get((job.id, 1)).task.data == {"source": "C:\\u0000.jpg"}

    @pytest.mark.parametrize("job", [{}, {"packaging": GroupByField("n")}])
    def test_numbers_that_are_read_as_infinite_cannot_tell_rows_apart(
        self, flow: Flow, job: dict[str, Any]
    ) -> None:
        data = [
            f'{{"data": {{"source": "a", "n": {number}}}}}'
            for number in ("1e300", "1e400", "1e500")
        ]
        with pytest.raises(InvalidData, match="is no number that can be kept") as refused:
            home = street(flow, "ben")
            flow.jobs.create(
                home,
                "bad",
                template=templates.image_classification(["cat"]),
                data=data,
                by="ada",
                **job,
            )
        assert [problem.where for problem in refused.value.problems] == [
            "row 2",
            "row 3",
        ]

    def test_a_manifest_names_the_line(self, flow: Flow, tmp_path: Path) -> None:
        file = tmp_path / "bad.manifest"
        good = b'{"data": {"source": "a"}}\n'
        file.write_bytes(
            good
            + b"\n"
            + b'{"data"\n'
            + b"\xff\n"
            + good
            + b'{"data": {"source": "a\0"}}\n'
            + b"x" * 10_000_000
        )
        home = street(flow, "ben")
        template = templates.image_classification(["cat"])
        with pytest.raises(InvalidData) as refused:
            flow.jobs.create(home, "bad", template=template, data=file, by="ada")
        assert [problem.where for problem in refused.value.problems] == [
            "line 3",
            "line 4",
            "line 6",
            "line 7",
        ]
        assert list(flow.jobs.list(home)) == []

    def test_of_very_many_bad_rows_a_thousand_are_kept_and_all_counted(self) -> None:
        with (
            itagflow.open("memory:") as flow,
            pytest.raises(InvalidData, match="and 6995 more") as refused,
        ):
            cats(flow, data=["{"] * 7_000)
        assert (len(refused.value.problems), refused.value.total) == (1_000, 7_000)

    def test_no_file_and_no_such_format(self, flow: Flow) -> None:
        job = cats(flow)
        is_refused(
            flow,
            UnknownFormat,
            r"no format 'coco9'; known are .*itag",
            lambda: flow.results.export(job, "coco9", "x"),
        )
        for path in ("/nowhere/at/all.manifest", "a\0b", "a\ud800b", "/"):
            is_refused(
                flow,
                StoreFailed,
                "the file cannot be read",
                lambda p=path: flow.jobs.append(job, p, by="ada"),
            )
        for path in ("/nowhere/at/all.manifest", "a\0b", "a\ud800b", "/"):
            is_refused(
                flow,
                StoreFailed,
                "the file cannot be written",
                lambda p=path: flow.results.export(job, "itag", p),
            )


class TestOpening:
    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("mysql://x", "'mysql' is no known kind of store"),
            ("sqlite:///x.db?synchronous=off", "must be full or normal"),
            ("sqlite:///x.db?cache=1", "is no option"),
            ("sqlite://", "is missing"),
            ("sqlite://[x", "cannot be read"),
            (None, "must be a text or a path, not None"),
            (5, "must be a text or a path, not 5"),
            (b"labels.db", "must be a text or a path"),
        ],
    )
    def test_a_bad_url(self, url: str, words: str) -> None:
        with pytest.raises(InvalidData, match=words):
            itagflow.open(url)

    @pytest.mark.parametrize(
        "path", ["a\0b", "a\ud800b", "/nowhere/x.db", "/", "x" * 5_000, "/dev/null/x", Path("a\0b")]
    )
    def test_a_path_that_the_system_refuses(self, path: Any) -> None:
        with pytest.raises(StoreFailed):
            itagflow.open(path)

    def test_importing_everything_leaves_the_built_in_open_alone(self) -> None:
        names: dict[str, Any] = {}
        exec("from itagflow import *", names)
        assert "open" not in names
        assert names["Flow"] is Flow
        assert not set(itagflow.__all__) & set(dir(builtins))

    def test_a_closed_flow(self) -> None:
        flow = itagflow.open("memory:")
        flow.close()
        with pytest.raises(StoreFailed, match="the store is closed"):
            flow.workspaces.create("x", admin="y")

    def test_a_clock_without_time_zone(self) -> None:
        from datetime import datetime

        with (
            itagflow.open("memory:", clock=datetime.now) as flow,
            pytest.raises(InvalidData, match="time zone"),
        ):
            flow.workspaces.create("x", admin="y")

    def test_a_verb_in_a_verb_is_refused(self) -> None:
        flow = itagflow.open(
            "memory:", policy=lambda member, action, job, stage: str(list(flow.events.since()))
        )
        home = flow.workspaces.create("x", admin="ada")
        with pytest.raises(StoreFailed, match="has a transaction open already"):
            flow.members.add(home, "ben", Role.OPERATOR, by="ada")
        flow.close()


class TestTroubles:
    """A disk that is full, and a database that cannot be written."""

    def test_a_full_disk_refuses_one_save_and_keeps_the_others(self, tmp_path: Path) -> None:
        with itagflow.open(tmp_path / "labels.db") as flow:
            job = cats(flow, tasks=400, size=400)
            assignment = taken(flow, "ben", job)
            ((pages,),) = on_writing_connection(flow.store, "PRAGMA page_count")
            on_writing_connection(flow.store, f"PRAGMA max_page_count = {pages + 4}")
            saved = 0
            with pytest.raises(StoreFailed, match="full"):
                for number in range(1, 401):
                    flow.save(assignment, number, Choice("cat"))
                    saved = number
            answered = [item.task.number for item in flow.tasks(assignment) if item.answer]
            assert answered == list(range(1, saved + 1))
            assert [
                event.task for event in flow.events.list(job) if event.type == "save"
            ] == answered
            on_writing_connection(flow.store, f"PRAGMA max_page_count = {pages + 4_000}")
            flow.save_many(assignment, {number: Choice("cat") for number in range(saved + 1, 401)})
            flow.submit(assignment)

    def test_a_read_only_database_can_be_read(self, tmp_path: Path) -> None:
        with itagflow.open(tmp_path / "labels.db") as flow:
            job = cats(flow)
            assignment = taken(flow, "ben", job)
            on_writing_connection(flow.store, "PRAGMA query_only = 1")
            is_refused(
                flow, StoreFailed, "read-only", lambda: flow.save(assignment, 1, Choice("cat"))
            )
            is_refused(flow, StoreFailed, "read-only", lambda: flow.claim("cy", job, Stage.LABEL))
            assert flow.jobs.progress(job).total == 4
