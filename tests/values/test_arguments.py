"""Arguments of public functions: refused before anything is stored, by name, in plain words."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from support.naming import describe
from support.refusals import everything, is_refused
from support.scenes import cats, labeled, rows, street, taken

import itagflow
from itagflow import (
    Choice,
    FixedSize,
    Flow,
    Inspect,
    InvalidData,
    ItagflowError,
    Job,
    Label,
    NotFound,
    Stage,
    StoreFailed,
    Workflow,
    templates,
)
from values.test_constructors import assert_plain


class Foreign(enum.Enum):
    LABEL = "label"


class ForeignText(enum.StrEnum):
    LABEL = "label"


class Words(str):
    __slots__ = ()


class Hostile:
    """Raises whatever is asked of it."""

    def _raise(self, *_: object) -> Any:
        raise RuntimeError("asked")

    __eq__ = __repr__ = __str__ = __len__ = __bool__ = __hash__ = _raise


NO_TEXTS: list[Any] = [None, 5, b"dark", ["dark"], True, "a\0b", "\ud800", object(), Hostile()]
NO_FLAGS: list[Any] = ["yes", 1, 0, object(), Hostile()]
NO_COUNTS: list[Any] = [None, "3", 1.5, True, 2**63, float("nan"), [], Hostile()]
NO_SEVERAL: list[Any] = [5, "night", b"night", object(), {"night": 1}, Hostile()]
NO_ENUMS: list[Any] = ["typo", 5, True, Foreign.LABEL, ForeignText.LABEL, [], Hostile()]
NO_REFS: list[Any] = [
    None,
    True,
    1.0,
    2.5,
    2**63,
    -(2**63) - 1,
    10**5_000,
    b"ben",
    [],
    {},
    (1, 2, 3),
    object(),
    "nobody",
    Words("nobody"),
    Hostile(),
    Label(),
]
GOOD_TEMPLATE = templates.image_classification(["cat", "dog"])
Call = Callable[[Flow, Job, Any], object]


def create(flow: Flow, **more: Any) -> Job:
    given: dict[str, Any] = {"template": GOOD_TEMPLATE, "data": rows(2), "by": "ada", **more}
    return flow.jobs.create("street", given.pop("name", "new"), **given)


TEXTS: dict[str, Call] = {
    "token": lambda flow, job, bad: flow.claim("ben", job, "label", token=bad),
    "release: comment": lambda flow, job, bad: flow.release(held(flow, job), comment=bad),
    "release_many: comment": lambda flow, job, bad: flow.release_many([], comment=bad),
    "reject: comment": lambda flow, job, bad: flow.reject((job.id, 1), comment=bad),
    "reject_many: comment": lambda flow, job, bad: flow.reject_many([], comment=bad),
    "reason": lambda flow, job, bad: flow.abandon((job.id, 1), 1, bad),
    "reassign: comment": lambda flow, job, bad: flow.assignments.reassign(
        (job.id, 1), "cy", by="ada", comment=bad
    ),
    "discard: comment": lambda flow, job, bad: flow.packages.discard(
        (job.id, 1), by="ada", comment=bad
    ),
    "reopen: comment": lambda flow, job, bad: flow.packages.reopen(
        (job.id, 1), by="ada", comment=bad
    ),
    "workspaces.create: name": lambda flow, job, bad: flow.workspaces.create(bad, admin="x"),
    "admin": lambda flow, job, bad: flow.workspaces.create("other", admin=bad),
    "account": lambda flow, job, bad: flow.members.add("street", bad, "operator", by="ada"),
    "templates.add: name": lambda flow, job, bad: flow.templates.add(
        "street", GOOD_TEMPLATE, name=bad, by="ada"
    ),
    "jobs.update: name": lambda flow, job, bad: flow.jobs.update(job, by="ada", name=bad),
    "remark": lambda flow, job, bad: flow.jobs.update(job, by="ada", remark=bad),
    "guideline": lambda flow, job, bad: flow.jobs.update(job, by="ada", guideline=bad),
    "create: remark": lambda flow, job, bad: create(flow, remark=bad),
    "create: guideline": lambda flow, job, bad: create(flow, guideline=bad),
    "create: name": lambda flow, job, bad: create(flow, name=bad),
    "format": lambda flow, job, bad: create(flow, format=bad),
    "import: format": lambda flow, job, bad: flow.jobs.append(job, [], by="ada", format=bad),
    "export: format": lambda flow, job, bad: flow.results.export(job, bad, "x"),
    "model": lambda flow, job, bad: flow.jobs.prelabel(job, lambda tasks: [], by="ada", model=bad),
    "tags": lambda flow, job, bad: create(flow, tags=[bad]),
    "groups": lambda flow, job, bad: flow.members.set_role(
        "street", "ben", "operator", by="ada", groups=[bad]
    ),
}
OPTIONAL_TEXTS: dict[str, Call] = {
    "wrong": lambda flow, job, bad: flow.judge((job.id, 1), 1, wrong=bad),
    "row_key": lambda flow, job, bad: create(flow, row_key=bad),
    "validator": lambda flow, job, bad: create(flow, validator=bad),
    "label": lambda flow, job, bad: list(flow.results.find(job, label=bad)),
    "of_job": lambda flow, job, bad: flow.jobs.import_results(
        "street", "new", template=GOOD_TEMPLATE, data=[], by="ada", of_job=bad
    ),
}
FLAGS: dict[str, Call] = {
    "live": lambda flow, job, bad: list(flow.assignments.list("ben", live=bad)),
    "exist_ok": lambda flow, job, bad: create(flow, exist_ok=bad),
    "members: exist_ok": lambda flow, job, bad: flow.members.add(
        "street", "new", "operator", by="ada", exist_ok=bad
    ),
    "templates: exist_ok": lambda flow, job, bad: flow.templates.add(
        "street", GOOD_TEMPLATE, name="t", by="ada", exist_ok=bad
    ),
    "workspaces: exist_ok": lambda flow, job, bad: flow.workspaces.create(
        "x", admin="y", exist_ok=bad
    ),
    "draft": lambda flow, job, bad: create(flow, draft=bad),
    "external": lambda flow, job, bad: flow.members.add(
        "street", "new", "operator", by="ada", external=bad
    ),
    "set_role: external": lambda flow, job, bad: flow.members.set_role(
        "street", "ben", "operator", by="ada", external=bad
    ),
    "discard_open": lambda flow, job, bad: flow.jobs.finish(job, by="ada", discard_open=bad),
    "dry_run": lambda flow, job, bad: flow.jobs.change_template(job, [], by="ada", dry_run=bad),
    "list: snapshot": lambda flow, job, bad: list(flow.results.list(job, snapshot=bad)),
}
COUNTS: dict[str, Call] = {
    "claim_many: count": lambda flow, job, bad: flow.claim_many("ben", job, "label", bad),
    "partition: count": lambda flow, job, bad: flow.results.partition(job, bad),
    "since: after": lambda flow, job, bad: list(flow.events.since(after=bad)),
    "follow: after": lambda flow, job, bad: list(flow.events.follow(after=bad, timeout=0)),
    "batch": lambda flow, job, bad: flow.jobs.prelabel(job, lambda tasks: [], by="ada", batch=bad),
}
OPTIONAL_COUNTS: dict[str, Call] = {
    "seed": lambda flow, job, bad: create(flow, seed=bad),
    "partitions": lambda flow, job, bad: flow.results.export(job, "itag", "x", partitions=bad),
}
SEVERAL: dict[str, Call] = {
    "release_many": lambda flow, job, bad: flow.release_many(bad),
    "review_many": lambda flow, job, bad: flow.review_many(bad),
    "accept_many": lambda flow, job, bad: flow.accept_many(bad),
    "reject_many": lambda flow, job, bad: flow.reject_many(bad),
    "assign_many": lambda flow, job, bad: flow.assignments.assign_many(bad, "ben", by="ada"),
    "tasks": lambda flow, job, bad: flow.reject((job.id, 1), tasks=bad, comment="why"),
    "packages": lambda flow, job, bad: flow.packages.prioritize(job, 1, by="ada", packages=bad),
    "groups": lambda flow, job, bad: flow.members.add(
        "street", "new", "operator", by="ada", groups=bad
    ),
    "set_role: groups": lambda flow, job, bad: flow.members.set_role(
        "street", "ben", "operator", by="ada", groups=bad
    ),
    "tags": lambda flow, job, bad: create(flow, tags=bad),
    "update: tags": lambda flow, job, bad: flow.jobs.update(job, by="ada", tags=bad),
    "workforce": lambda flow, job, bad: create(flow, workforce={"label": bad}),
    "set_workforce": lambda flow, job, bad: flow.jobs.set_workforce(job, {"label": bad}, by="ada"),
    "add_workers": lambda flow, job, bad: flow.jobs.add_workers(job, "label", bad, by="ada"),
    "remove_workers": lambda flow, job, bad: flow.jobs.remove_workers(job, "label", bad, by="ada"),
    "stages": lambda flow, job, bad: flow.results.export(job, "itag", "x", stages=bad),
}
ENUMS: dict[str, Call] = {
    "claim": lambda flow, job, bad: flow.claim("ben", job, bad),
    "claim_many": lambda flow, job, bad: flow.claim_many("ben", job, bad, 1),
    "explain": lambda flow, job, bad: flow.explain("ben", job, bad),
    "can": lambda flow, job, bad: flow.can("ben", bad, job),
    "can: stage": lambda flow, job, bad: flow.can("ben", "label", job, stage=bad),
    "role": lambda flow, job, bad: flow.members.add("street", "new", bad, by="ada"),
    "set_role": lambda flow, job, bad: flow.members.set_role("street", "ben", bad, by="ada"),
    "jobs.list": lambda flow, job, bad: list(flow.jobs.list("street", state=bad)),
    "packages.list": lambda flow, job, bad: list(flow.packages.list(job, state=bad)),
    "find": lambda flow, job, bad: list(flow.results.find(job, state=bad)),
    "add_workers": lambda flow, job, bad: flow.jobs.add_workers(job, bad, ["ben"], by="ada"),
    "remove_workers": lambda flow, job, bad: flow.jobs.remove_workers(job, bad, ["ben"], by="ada"),
}
REFERENCES: dict[str, Call] = {
    "claim: member": lambda flow, job, bad: flow.claim(bad, job, "label"),
    "claim: job": lambda flow, job, bad: flow.claim("ben", bad, "label"),
    "renew": lambda flow, job, bad: flow.renew(bad),
    "tasks": lambda flow, job, bad: list(flow.tasks(bad)),
    "jobs.get": lambda flow, job, bad: flow.jobs.get(bad),
    "jobs.pause: by": lambda flow, job, bad: flow.jobs.pause(job, by=bad),
    "jobs.create: by": lambda flow, job, bad: create(flow, by=bad),
    "jobs.create: template": lambda flow, job, bad: create(flow, template=bad),
    "jobs.create: workforce": lambda flow, job, bad: create(flow, workforce={"label": [bad]}),
    "workspaces.get": lambda flow, job, bad: flow.workspaces.get(bad),
    "members.get": lambda flow, job, bad: flow.members.get("street", bad),
    "packages.get": lambda flow, job, bad: flow.packages.get(bad),
    "prioritize": lambda flow, job, bad: flow.packages.prioritize(job, 1, by="ada", packages=[bad]),
    "assignments.get": lambda flow, job, bad: flow.assignments.get(bad),
    "results.get": lambda flow, job, bad: flow.results.get(bad),
    "can": lambda flow, job, bad: flow.can("ben", "label", bad),
    "release_many": lambda flow, job, bad: flow.release_many([bad]),
}
CALLABLES: dict[str, Call] = {
    "create: progress": lambda flow, job, bad: create(flow, progress=bad),
    "load: progress": lambda flow, job, bad: flow.jobs.load(job, [], by="ada", progress=bad),
    "append: progress": lambda flow, job, bad: flow.jobs.append(job, [], by="ada", progress=bad),
    "export: progress": lambda flow, job, bad: flow.results.export(job, "itag", "x", progress=bad),
    "prelabel: progress": lambda flow, job, bad: flow.jobs.prelabel(
        job, list, by="ada", progress=bad
    ),
    "predict": lambda flow, job, bad: flow.jobs.prelabel(job, bad, by="ada"),
}


def held(flow: Flow, job: Job) -> Any:
    return next(flow.assignments.list("ben", job=job), None) or taken(flow, "ben", job)


def all_refused(
    flow: Flow, call: Call, values: list[Any], error: type[ItagflowError] = InvalidData
) -> None:
    """Every one of the values is refused, in plain words, and nothing is changed by any of them."""
    job = cats(flow, workflow=Workflow(Label(), Inspect()))
    held(flow, job)
    before = everything(flow)
    for value in values:
        with pytest.raises(error) as refused:
            call(flow, job, value)
        assert_plain(str(refused.value))
        repr(refused.value)
    assert everything(flow) == before


def by_name(calls: dict[str, Call]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("call", calls.values(), ids=calls.keys())


@by_name(TEXTS)
def test_a_text(flow: Flow, call: Call) -> None:
    all_refused(flow, call, NO_TEXTS)


@by_name(OPTIONAL_TEXTS)
def test_a_text_that_may_be_left_out(flow: Flow, call: Call) -> None:
    all_refused(flow, call, [value for value in NO_TEXTS if value is not None], ItagflowError)


@by_name(FLAGS)
def test_a_flag(flow: Flow, call: Call) -> None:
    all_refused(flow, call, NO_FLAGS)


def test_a_snapshot_is_a_flag_or_a_name(flow: Flow) -> None:
    def export(flow: Flow, job: Any, bad: Any) -> Any:
        return flow.results.export(job, "itag", "x", snapshot=bad)

    all_refused(flow, export, [1, None, 2.5, b"x", ["x"], "", "a\0"])


@by_name(COUNTS)
def test_a_count(flow: Flow, call: Call) -> None:
    all_refused(flow, call, NO_COUNTS)


@by_name(OPTIONAL_COUNTS)
def test_a_count_that_may_be_left_out(flow: Flow, call: Call) -> None:
    all_refused(flow, call, [value for value in NO_COUNTS if value is not None])


@by_name(SEVERAL)
def test_several(flow: Flow, call: Call) -> None:
    all_refused(flow, call, NO_SEVERAL)


@by_name(ENUMS)
def test_an_enum(flow: Flow, call: Call) -> None:
    all_refused(flow, call, NO_ENUMS)


@by_name(REFERENCES)
def test_a_reference(flow: Flow, call: Call) -> None:
    # without a job a claim is one of any job
    wrong = [ref for ref in NO_REFS if ref is not None or call is not REFERENCES["claim: job"]]
    all_refused(flow, call, wrong, NotFound)


@by_name(CALLABLES)
def test_a_function(flow: Flow, call: Call) -> None:
    all_refused(flow, call, [5, "tqdm", [], object()])


@pytest.mark.parametrize(
    "progress",
    [int, lambda: None, lambda items: None, lambda items: 5],
    ids=["a class", "takes nothing", "gives nothing", "gives a number"],
)
def test_a_progress_bar_gives_the_rows_on(flow: Flow, progress: Any) -> None:
    job = cats(flow)
    is_refused(
        flow,
        InvalidData,
        "progress",
        lambda: flow.jobs.append(job, rows(2), by="ada", progress=progress),
    )


def test_what_a_function_of_the_application_raises_passes_through(flow: Flow) -> None:
    def broken(items: Any) -> Any:
        raise TypeError("my own")

    job = cats(flow)
    with pytest.raises(TypeError, match="my own"):
        flow.jobs.append(job, rows(2), by="ada", progress=broken)


@pytest.mark.parametrize(
    "on_error",
    [None, "ignore", 5, True, "", ["raise"], Hostile()],
    ids=lambda one: type(one).__name__,
)
def test_what_to_do_about_bad_rows_is_a_known_word(flow: Flow, on_error: Any) -> None:
    job = cats(flow)
    for call in (
        lambda: create(flow, on_error=on_error),
        lambda: flow.jobs.append(job, [], by="ada", on_error=on_error),
        lambda: flow.jobs.import_results(
            "street", "new", template=GOOD_TEMPLATE, data=[], by="ada", on_error=on_error
        ),
    ):
        is_refused(flow, InvalidData, "on_error: must be 'raise' or 'skip'", call)


@pytest.mark.parametrize(
    "due_at",
    ["2026-12-01", 5, 1.5, datetime(2026, 12, 1), datetime.now(UTC).date(), object()],
    ids=describe,
)
def test_a_due_time_is_a_datetime_with_its_zone(flow: Flow, due_at: Any) -> None:
    job = cats(flow)
    is_refused(flow, InvalidData, "due_at", lambda: create(flow, due_at=due_at))
    is_refused(flow, InvalidData, "due_at", lambda: flow.jobs.update(job, by="ada", due_at=due_at))


@pytest.mark.parametrize(
    "value",
    [10, 0, "50", lambda rows: rows, [FixedSize(2)], Hostile()],
    ids=lambda one: type(one).__name__,
)
def test_packaging_and_workflow_are_of_their_kinds(flow: Flow, value: Any) -> None:
    street(flow)
    is_refused(
        flow, InvalidData, "packaging: must be FixedSize", lambda: create(flow, packaging=value)
    )
    is_refused(
        flow, InvalidData, "workflow: must be a Workflow", lambda: create(flow, workflow=value)
    )


@pytest.mark.parametrize(
    "value", [5, "ben", [], ["label"], {"typo": []}, {None: []}, {Foreign.LABEL: []}], ids=describe
)
def test_a_workforce_is_a_mapping_by_stage(flow: Flow, value: Any) -> None:
    job = cats(flow)
    words = "must be a mapping by Stage|there is no Stage"
    is_refused(flow, InvalidData, words, lambda: create(flow, workforce=value))
    is_refused(flow, InvalidData, words, lambda: flow.jobs.set_workforce(job, value, by="ada"))


@pytest.mark.parametrize(
    "timeout", ["1", -1, float("nan"), float("inf"), True, 1e300, object()], ids=describe
)
def test_a_time_to_wait(timeout: Any) -> None:
    flow = itagflow.open("memory:")
    with pytest.raises(InvalidData, match=r"events.follow: timeout: must be"):
        flow.events.follow(timeout=timeout)
    with pytest.raises(InvalidData, match="close: timeout: must be"):
        flow.close(timeout)
    assert flow.close()


@pytest.mark.parametrize("executor", [5, "threads", object(), lambda: None], ids=describe)
def test_an_executor_takes_work(flow: Flow, executor: Any) -> None:
    job = cats(flow)
    is_refused(
        flow,
        InvalidData,
        "results.export: executor: must be an executor",
        lambda: flow.results.export(job, "itag", "x", executor=executor),
    )


@pytest.mark.parametrize(
    "replies", [5, "cat", [1], [(1,)], [(1, Choice("cat"), 2)], ["ab"], [None]], ids=describe
)
def test_the_answers_to_several_tasks_are_pairs(flow: Flow, replies: Any) -> None:
    assignment = taken(flow, "ben", cats(flow))
    is_refused(flow, InvalidData, "save_many: replies", lambda: flow.save_many(assignment, replies))


def test_no_transaction_is_open_while_an_iterable_of_the_caller_runs(flow: Flow) -> None:
    """What it asks the Flow was refused as a verb inside a verb."""
    job = cats(flow, workflow=Workflow(Label(), Inspect()))
    labeled(flow, "ben", job)
    assignment = taken(flow, "di", job, Stage.INSPECT)

    def numbers() -> Iterator[int]:
        yield from [item.task.number for item in flow.tasks(assignment)][:1]

    def packages() -> Iterator[Any]:
        yield from flow.packages.list(job)

    def members() -> Iterator[Any]:
        yield from flow.members.list("street")

    flow.reject(assignment, tasks=numbers(), comment="dark")
    assert flow.packages.prioritize(job, 3, by="ada", packages=packages()) == 2
    flow.jobs.add_workers(job, "label", members(), by="ada")
    create(flow, workforce={"label": members()})


def test_names_of_other_libraries_find_what_plain_ones_find(flow: Flow) -> None:
    """A subclass of `str` was taken for a number by the query."""
    job = cats(flow)
    assert flow.jobs.get(Words("cats")) == job
    assert flow.workspaces.get(Words("street")).name == "street"
    assert flow.claim(Words("ben"), Words("cats"), Words("label"), token=Words("t")) is not None
    member = flow.members.add(
        "street", Words("new"), Words("operator"), by=Words("ada"), groups=[Words("night")]
    )
    assert {type(member.account), type(member.groups[0])} == {str}


FORGED: list[dict[str, Any]] = [
    {"id": -1},
    {"id": 2**70},
    {"id": None},
    {"id": "1"},
    {"id": True},
    {"id": Hostile()},
    {"created_at": None},
    {"created_at": Hostile()},
    {"workspace": Hostile()},
    {"workspace": 5},
]


@pytest.mark.parametrize("fields", FORGED, ids=lambda fields: next(iter(fields)))
def test_a_forged_job_is_not_found(flow: Flow, fields: dict[str, Any]) -> None:
    job = attrs.evolve(cats(flow), **fields)
    is_refused(flow, NotFound, "no Job", lambda: flow.claim("ben", job, "label"))
    is_refused(flow, NotFound, "no Job", lambda: flow.jobs.pause(job, by="ada"))


@pytest.mark.parametrize(
    "number", [None, "1", 1.0, True, 2**63, "\ud800", Hostile()], ids=lambda one: type(one).__name__
)
def test_a_forged_package_assignment_or_task_is_not_found(flow: Flow, number: Any) -> None:
    job = cats(flow)
    assignment = taken(flow, "ben", job)
    item = next(flow.tasks(assignment))
    package = attrs.evolve(flow.packages.get((job.id, 1)), number=number)
    is_refused(flow, NotFound, "no Package", lambda: flow.packages.get(package))
    is_refused(flow, NotFound, "no Package", lambda: flow.packages.discard(package, by="ada"))
    forged = attrs.evolve(assignment, id=number)
    is_refused(flow, NotFound, "no Assignment", lambda: flow.release(forged))
    task = attrs.evolve(item.task, number=number)
    is_refused(flow, NotFound, "no Task", lambda: flow.results.get(task))
    is_refused(flow, NotFound, "no Task", lambda: flow.results.get(attrs.evolve(item, task=number)))


class TestOpening:
    @pytest.mark.parametrize("name", ["policy", "clock", "ids"])
    @pytest.mark.parametrize("value", [5, "now", [], object()], ids=describe)
    def test_what_is_called_can_be_called(self, name: str, value: Any, tmp_path: Any) -> None:
        file = tmp_path / "labels.db"
        with pytest.raises(InvalidData, match=rf"itagflow.open: {name}: must be a function"):
            itagflow.open(file, **{name: value})
        assert not file.exists()

    @pytest.mark.parametrize("value", [None, 5, "print", [5], {"a": print}, print], ids=describe)
    def test_listeners_are_several_functions(self, value: Any, tmp_path: Any) -> None:
        file = tmp_path / "labels.db"
        with pytest.raises(InvalidData, match=r"itagflow.open: listeners"):
            itagflow.open(file, listeners=value)
        assert not file.exists()

    @pytest.mark.parametrize("value", [int, lambda: None], ids=describe)
    def test_a_policy_that_takes_other_arguments(self, value: Any) -> None:
        with itagflow.open("memory:", policy=value) as flow:
            flow.workspaces.create("street", admin="ada")
            with pytest.raises(InvalidData, match="the policy: cannot be called as it is"):
                flow.members.add("street", "ben", "operator", by="ada")

    @pytest.mark.parametrize("value", [None, 5, "memory:", object(), dict], ids=describe)
    def test_a_flow_works_over_a_store(self, value: Any) -> None:
        with pytest.raises(InvalidData, match=r"itagflow.Flow: store: must be a store") as refused:
            Flow(value)
        assert_plain(str(refused.value))

    def test_a_folder_is_no_file(self, tmp_path: Any) -> None:
        with pytest.raises(StoreFailed):
            itagflow.open(tmp_path)
