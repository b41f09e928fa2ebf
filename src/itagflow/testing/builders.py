"""Entities with sensible fields, for tests that care about a few of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from itagflow.model.comment import Comment, CommentAction
from itagflow.model.delivery import DeadLetter, DelayedJob, DeliveryCursor
from itagflow.model.entity import E, Entity
from itagflow.model.event import Event, FieldChange
from itagflow.model.job import (
    Accept,
    Inspect,
    Job,
    JobState,
    Label,
    Stage,
    StageWorkers,
    Workflow,
)
from itagflow.model.jobcounter import JobCounter
from itagflow.model.lot import AcceptanceLot, Lot, LotBy
from itagflow.model.migration import (
    AddOption,
    AddQuestion,
    DropOption,
    DropQuestion,
    RenameOption,
    RenameQuestion,
    TemplateChange,
)
from itagflow.model.package import (
    Assignment,
    AssignmentState,
    ClaimCounter,
    Outcome,
    Package,
    PackageState,
    Purpose,
    QueueCursor,
)
from itagflow.model.packaging import (
    FixedSize,
    PackageCount,
)
from itagflow.model.plan import (
    LotEntry,
    LotState,
    PackageLot,
    RejectedLots,
    Severity,
    SwitchingState,
)
from itagflow.model.region import (
    Box,
    Keypoint,
    Keypoints,
    Mask,
    Point,
    Polygon,
    Polyline,
    Regions,
    RotatedBox,
)
from itagflow.model.reply import (
    Choice,
    Choices,
    Preference,
    Ranking,
    Rating,
    Reply,
    Text,
)
from itagflow.model.segment import Segment, Segments
from itagflow.model.span import Relation, Spans, TextSpan
from itagflow.model.task import Answer, Draft, Task, Verdict
from itagflow.model.template import (
    Option,
    Question,
    QuestionKind,
    Scale,
    Shape,
    Template,
    View,
    ViewKind,
)
from itagflow.model.workspace import Member, Role, Workspace
from itagflow.quality.plans import SinglePlan

AT = datetime(2026, 11, 24, 9, 30, 0, 123456, tzinfo=UTC)
"""When everything that the builders build happened."""


def make_workspace(**fields: Any) -> Workspace:
    """Return a workspace with these fields."""
    return attrs.evolve(Workspace(id=1, name="street", created_at=AT), **fields)


def make_member(**fields: Any) -> Member:
    """Return a member with these fields."""
    return attrs.evolve(Member(id=2, workspace=1, account="ben", role=Role.OPERATOR), **fields)


def make_template(**fields: Any) -> Template:
    """Return a stored template with these fields."""
    asked = Question("1", QuestionKind.RADIO, "Single-choice", (Option("cat"), Option("dog")))
    return attrs.evolve(Template(id=3, workspace=1, questions=(asked,)), **fields)


def make_job(**fields: Any) -> Job:
    """Return a running job with these fields."""
    given: dict[str, Any] = {
        "id": 4,
        "workspace": 1,
        "name": "cats",
        "template": 3,
        "workflow": Workflow(),
        "packaging": FixedSize(2),
        "created_by": 2,
        "created_at": AT,
        "seed": 7,
        "state": JobState.RUNNING,
    }
    return attrs.evolve(Job(**given), **fields)


def make_package(number: int = 1, **fields: Any) -> Package:
    """Return a package of job 4 with these fields."""
    return attrs.evolve(Package(job=4, number=number, waiting_since=AT, size=2), **fields)


def make_task(number: int = 1, **fields: Any) -> Task:
    """Return a task of job 4 with these fields."""
    row = f'{{"data": {{"source": "{number}.jpg"}}}}'
    return attrs.evolve(Task(job=4, number=number, package=1, row=row), **fields)


def make_assignment(id: int = 5, **fields: Any) -> Assignment:
    """Return an assignment of member 2 on package 1 of job 4 with these fields."""
    given: dict[str, Any] = {
        "job": 4,
        "id": id,
        "package": 1,
        "stage": Stage.LABEL,
        "round": 1,
        "member": 2,
        "state": AssignmentState.HELD,
        "made_at": AT,
    }
    return attrs.evolve(Assignment(**given), **fields)


def _place_of(task: int) -> dict[str, Any]:
    """Return the fields that an answer and a draft about a task of job 4 share."""
    return {
        "job": 4,
        "assignment": 5,
        "task": task,
        "package": 1,
        "stage": Stage.LABEL,
        "round": 1,
        "member": 2,
        "at": AT,
    }


def make_answer(task: int = 1, **fields: Any) -> Answer:
    """Return the answer of assignment 5 about a task of job 4 with these fields."""
    return attrs.evolve(Answer(**_place_of(task)), **fields)


def make_draft(task: int = 1, **fields: Any) -> Draft:
    """Return the draft of assignment 5 about a task of job 4 with these fields."""
    return attrs.evolve(Draft(**_place_of(task)), **fields)


def make_event(verb: str = "claim", **fields: Any) -> Event:
    """Return an event of job 4 that is not stored yet, with these fields."""
    return attrs.evolve(Event(at=AT, type=verb, workspace=1, member=2, job=4), **fields)


def make_one_of_each() -> list[Entity]:
    """Return entities of every kind: with all defaults, and with every field set."""
    plain: list[Entity] = [
        make_workspace(),
        make_member(),
        make_template(),
        make_job(),
        make_package(),
        make_task(),
        make_assignment(),
        make_answer(),
        JobCounter(job=4),
        AcceptanceLot(job=4, number=1, packages=(1,), size=2, sample=1, closed_at=AT),
        ClaimCounter(job=4, stage=Stage.LABEL, member=2),
        Comment(job=4, id=8, package=1, task=1, thread=8, member=2, at=AT, text="a sign?"),
        make_event(),
        DeliveryCursor(receiver="training", id=9),
        DelayedJob(receiver="training", job=4, position=1, next_attempt_at=AT),
        DeadLetter(
            receiver="training", position=1, job=4, attempts=1, error="answered 422", failed_at=AT
        ),
    ]
    return [*plain, *_people(), *_orders(), *_work(), *_deliveries()]


def _people() -> list[Entity]:
    shown = (View(ViewKind.AUDIO, "sound", (View(ViewKind.TEXT, "text", title="Text"),)),)
    return [
        make_workspace(id=11, name="道路"),
        make_member(
            id=12,
            account="cy",
            role=Role.LEADER,
            groups=("a", "b"),
            external=True,
            active=False,
            version=3,
        ),
        make_template(
            id=13, name="all", questions=_questions(), views=shown, abandon_reasons=("dark",)
        ),
    ]


def _questions() -> tuple[Question, ...]:
    finer = Option("a", "A", "#239125", "1", "the first", (Option("a/b"),))
    child = Question("1", QuestionKind.CHECKBOX, "Marks", (finer,), required=False, default=("a",))
    holds = Question("1", QuestionKind.RADIO, "Holds", (Option("buys"),))
    code = Question(
        "3", QuestionKind.INPUT, "Code", when=("a/b",), rule=r"\d+", presets=("1", "2"), default="1"
    )
    shapes: dict[str, Any] = {
        "shapes": (Shape.BOX, Shape.KEYPOINTS),
        "keypoints": ("nose", "tail"),
        "field": "picture",
    }
    return (
        Question(
            "1",
            QuestionKind.PICTURE,
            "Objects",
            children=(child,),
            min_count=1,
            max_count=9,
            **shapes,
        ),
        Question("2", QuestionKind.RADIO, "Kind", (finer,), children=(code,), shuffle=True),
        Question("4", QuestionKind.SLOT, "Names", children=(child,), relations=(holds,)),
        Question("5", QuestionKind.RATING, "Quality", scale=Scale(0, 1, 0.25)),
    )


def _orders() -> list[Entity]:
    minutes = timedelta(minutes=5)
    flow = Workflow(
        Label(lease=minutes, limit=4, redo_all=True, rework=2),
        Inspect(task_share=0.5, offer_lease=timedelta(days=1)),
        Accept(task_count=3, allow_own_work=True, reject_to=Stage.INSPECT),
    )
    counts = {"priority": -2, "version": 9}
    notes = {"tags": ("x", "y"), "remark": "r", "guideline": "g", "due_at": AT, "validator": "v"}
    crew = {Stage.LABEL: StageWorkers((2, 3), ("night",)), Stage.INSPECT: StageWorkers()}
    states = {"state": JobState.PAUSED, "row_key": "id", "packaging": PackageCount(3)}
    return [
        make_job(
            id=14,
            name="all",
            workflow=flow,
            workforce=crew,
            pending_template_change=_change(),
            **states,
            **counts,
            **notes,
        ),
        JobCounter(job=14, tasks=5, packages=3, rows_read=6, version=9),
        make_job(id=15, name="votes", workflow=Workflow(Label(votes=3, min_votes=2), _inspect())),
        make_job(id=16, name="lots", workflow=Workflow(Label(), _accept())),
        _package_at_inspect(),
        _package_in_a_lot(),
        _make_decided_lot(),
        make_task(2, row='{"data": {"source": "猫.jpg"}, "x": [1e400]}', row_key_text="k"),
    ]


def _inspect() -> Inspect:
    return Inspect(plan=SinglePlan(8, 1), rejected_lots=RejectedLots.INSPECT)


def _accept() -> Accept:
    return Accept(plan=SinglePlan(8, 1), lot=Lot(every=timedelta(days=1), by=LotBy.GROUP))


def _package_in_a_lot() -> Package:
    """Return a package in a lot, with a value in every field of that."""
    entry = LotEntry(
        lot=2,
        state=LotState.CLOSED,
        groups=("night",),
        certain=(7,),
        sample=(5, 6),
        is_handed_in=True,
        checked=2,
        wrong=1,
        standing=(5,),
    )
    return make_package(
        3, state=PackageState.ACCEPT, free=0, lot_entry=entry, rejected_lot=1, in_lots=True
    )


def _make_decided_lot() -> AcceptanceLot:
    """Return a lot with a value in every field."""
    return AcceptanceLot(
        job=4,
        number=2,
        state=LotState.REJECTED,
        packages=(3, 4),
        size=9,
        sample=3,
        checked=3,
        wrong=2,
        groups=("day", "night"),
        again=1,
        stream="several groups",
        severity=Severity.TIGHTENED,
        decided_before=1,
        decision=2,
        switching=SwitchingState(severity=Severity.TIGHTENED, recent=(True, False)),
        is_resumed=True,
        closed_at=AT,
        decided_at=AT,
        version=1,
    )


def _package_at_inspect() -> Package:
    """Return a package with a value in every field."""
    return make_package(
        2,
        state=PackageState.INSPECT,
        round=2,
        free=0,
        priority=-3,
        abandoned=1,
        wrong=1,
        due=AT,
        disputes=(3, 4),
        scope=(3,),
        rejects=(3,),
        lot=PackageLot(size=2, sample=(3,), is_rejected=True),
        value='"left"',
        prelabeled=2,
        corrected=1,
    )


def _change() -> TemplateChange:
    """Return a change of a template with a step of every kind."""
    code = Question("2", QuestionKind.INPUT, "Code", required=False)
    return TemplateChange(
        make_template(),
        (
            AddOption("1", Option("cow", children=(Option("calf"),)), inside="dog"),
            RenameOption("1", "cat", "feline", about="Kind"),
            DropOption("1", "dog", to="feline"),
            DropOption("1", "dog"),
            AddQuestion(code, inside="1", reply=Text("-")),
            AddQuestion(code),
            RenameQuestion("1", "Animal"),
            DropQuestion("2"),
        ),
    )


def _work() -> list[Entity]:
    said = {str(number): reply for number, reply in enumerate(_replies(), 1)}
    judged = {
        "verdict": Verdict.WRONG,
        "comment": "r",
        "disputed": ("1",),
        "member": None,
        "score": 0.5,
        "model": "m",
        "template_version": 2,
        "seconds": 12.345,
        "order": {"2": ("b", "a")},
    }
    ended = {
        "outcome": Outcome.REJECTED,
        "ended_at": AT,
        "comment": "no",
        "sent_back": (1,),
        "lease_until": AT,
    }
    where: dict[str, Any] = {
        "stage": Stage.INSPECT,
        "member": None,
        "state": AssignmentState.DONE,
        "scope": (1, 2),
        "token": "t",
        "purpose": Purpose.ADJUDICATION,
    }
    change = FieldChange("package", (4, 1), "state", "label", "inspect")
    data = {"previous": {"2": [1, "x"]}}
    return [
        make_assignment(15, **where, **ended),
        make_answer(2, replies=said, abandon_reason="dark", **judged),
        make_answer(3, replies={}),
        make_draft(2, replies=said, score=0.5, model="m", seconds=1.5, answer_version=3),
        ClaimCounter(
            job=4, stage=Stage.ACCEPT, member=2, active=3, cursor=QueueCursor(1, AT), version=1
        ),
        _resolving_comment(),
        make_event("save", package=1, assignment=5, task=2, changes=(change,), data=data),
    ]


def _deliveries() -> list[Entity]:
    """Return what a receiver that fails leaves, with a value in every field."""
    return [
        DeliveryCursor(
            receiver="audit",
            id=10,
            position=7,
            part=2,
            holder="w1",
            lease_until=AT,
            failures=3,
            next_attempt_at=AT,
            is_disabled=True,
            delivered=5,
            delivered_at=AT,
            version=4,
        ),
        DelayedJob(
            receiver="audit",
            job=4,
            position=5,
            part=1,
            alone_until=6,
            alone_part=2,
            attempts=2,
            next_attempt_at=AT,
            error="answered 503",
            failed_at=AT,
            version=1,
        ),
        DeadLetter(
            receiver="audit",
            position=3,
            part=1,
            job=4,
            attempts=8,
            error="timed out",
            failed_at=AT,
            next_attempt_at=AT,
            version=2,
        ),
    ]


def _resolving_comment() -> Comment:
    """Return a comment with a value in every field."""
    return Comment(
        job=4,
        id=9,
        package=1,
        task=1,
        thread=8,
        annotation="r1",
        member=2,
        at=AT,
        text="no",
        action=CommentAction.RESOLVE,
        erased=True,
    )


def _replies() -> list[Reply]:
    ring = [(0, 0), (9, 0), (9, 9.25)]
    joints = [
        Keypoint("nose", 3, 4),
        Keypoint("tail", visibility=0),
        Keypoint("ear", 5, 6.5, visibility=1),
    ]
    regions = (
        Box(1.5, 2, 3, 4, labels={"Kind": "car", "Marks": ("a", "b")}, id="r1", color="#239125"),
        RotatedBox(5, 5, 4, 2, 30.5, label="car"),
        Polygon(ring),
        Polygon(ring, holes=[[(1, 1), (2, 1), (2, 2)]]),
        Polyline(ring),
        Point(1, 2.5),
        Keypoints(joints),
        Mask([4, 2, 94]),
    )
    spans = [TextSpan(0, 4, "Acme", labels={"Kind": ("a",)}), TextSpan(5, 6, label="猫")]
    return [
        Choice("猫"),
        Choices(["a", "b"]),
        Text('"x" \\ \n 😀'),
        Regions(regions, width=640, height=480, rotation=90),
        Spans(spans, relations=[Relation(0, 1, label="buys", id="x")]),
        Segments([Segment(0, 2.5, label="agent")], duration=12.5),
        Ranking(["b", "a"]),
        Rating(4.5),
        Preference(None),
        Preference(None, tie="both bad"),
        Preference("a", degree=2),
    ]


def change(entity: E, **fields: Any) -> E:
    """Return *entity* with these fields, one version newer."""
    return attrs.evolve(entity, version=entity.version + 1, **fields)
