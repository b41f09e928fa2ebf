"""What is given as a key, number or position names something, or is refused by our errors."""

from __future__ import annotations

import inspect
import math
import os
import re
import typing
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import Any

import pytest
from support.foreigners import public_names, public_verbs
from support.optional import skip_without
from support.refusals import everything
from support.scenes import START, cats, labeled, rows, street, taken

import itagflow
from itagflow import (
    Choice,
    FixedSize,
    Flow,
    InvalidData,
    ItagflowError,
    Job,
    Label,
    NotFound,
    PreLabel,
    Role,
    Selection,
    Stage,
    Workflow,
    templates,
)
from itagflow.access import Action
from itagflow.model import JobPartition, Lot
from itagflow.model.number import LEAST, MOST
from itagflow.quality import SinglePlan
from itagflow.storage import Query, Span

L, I = Stage.LABEL, Stage.INSPECT
ASKED = templates.image_classification(["cat", "dog"])

FAR: list[Any] = [2**63, 2**70, -(2**63) - 1, 10**5_000, -(10**5_000)]
"""What no database keeps as a number."""
NONE: list[Any] = [*FAR, MOST, LEAST, -1, 0, 999]
"""What is a number, and no key of anything."""
ODD: list[Any] = [True, False, 1.0, float("nan"), None, b"1", [], {}, (), (1,), (1, 2, 3), object]
"""What is no key of anything either; ``True`` and ``1.0`` equal 1, which is."""


class Scene:
    """A job at work: ben holds package 2, di inspects package 1; another job is archived."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.job = cats(
            flow,
            tasks=6,
            workflow=Workflow(Label(limit=5), itagflow.Inspect()),
            packaging=FixedSize(2),
            guideline="look",
        )
        labeled(flow, "ben", self.job)
        self.assignment = taken(flow, "ben", self.job)
        self.review = taken(flow, "di", self.job, I)
        flow.jobs.set_workforce(self.job, {"experts": ["ada"]}, by="ada")
        self.lapsed = flow.assignments.assign((self.job.id, 3), "cy", by="ada")
        home = self.job.workspace
        self.thread = flow.comments.add((self.job.id, 1), "is it one?", by="ada")
        rule = itagflow.Accept(plan=SinglePlan(1, 0), lot=Lot(packages=1))
        gathering = flow.jobs.create(
            home,
            "lots",
            template=ASKED,
            data=rows(1),
            workflow=Workflow(Label(), rule),
            workforce={L: ["ben"], "accept": ["ada"]},
            by="ada",
        )
        labeled(flow, "ben", gathering)
        self.in_lots = gathering.id
        self.draft = flow.jobs.create(home, "draft", template=ASKED, by="ada", draft=True).id
        flow.members.remove(home, flow.members.add(home, "gone", Role.OPERATOR, by="ada"), by="ada")


def good(scene: Scene) -> dict[str, list[dict[str, Any]]]:
    """Good arguments for each public verb; several sets where one does not reach everything."""
    job, home = scene.job.id, scene.job.workspace
    assignment, review = scene.assignment.key, scene.review.key
    by, first = {"by": "ada"}, {"expected_version": 0}
    export = {
        "job": job,
        "format": "itag",
        "target": "never.manifest",
        "partitions": 2,
        "by": "ada",
    }
    create = {"workspace": home, "name": "new", "template": ASKED, **by}
    return {
        "abandon": [{"assignment": assignment, "task": 3, "reason": "dark", **first, "by": "ben"}],
        "accept": [{"assignment": review, "by": "di"}],
        "acknowledge": [{"member": "ben", "job": job, "version": 1}],
        "accept_many": [{"assignments": [review], **by}],
        "members.add": [{"workspace": home, "account": "new", "role": Role.OPERATOR, **by}],
        "templates.add": [{"workspace": home, "template": ASKED, "name": "new", **by}],
        "jobs.add_workers": [{"job": job, "stage": L, "workers": ["ben"], **by}],
        "jobs.append": [{"job": job, "data": rows(1), **by}],
        "jobs.add": [{"job": job, "data": {"source": "1"}, **by}],
        "jobs.withdraw": [{"job": job, "tasks": [1], **by}],
        "jobs.archive": [{"job": job, **by}],
        "assignments.assign": [{"package": (job, 2), "member": "cy", **by}],
        "assignments.assign_many": [{"packages": [(job, 2)], "member": "cy", **by}],
        "available": [{"member": "ben", "workspace": home, **by}],
        "can": [{"member": "ben", "action": Action.LABEL, "entity": home, **by}],
        "jobs.change_template": [{"job": job, "to": [], **by}],
        "claim": [
            {"member": "ben", "job": job, "stage": L},
            {"member": "cy", "job": job, "stage": L, "package": 3},
            {"member": "cy", "workspace": home, "resume": True},
        ],
        "claim_many": [
            {"member": "ben", "job": job, "stage": L, "count": 1},
            {"member": "ben", "workspace": home, "count": 1},
        ],
        "maintenance.copy": [{"to": itagflow.storage.MemoryStore(), "workspace": home, **by}],
        "jobs.create": [
            {**create, "seed": 3},
            {**create, "workflow": Workflow(Label(rework="ben"))},
        ],
        "workspaces.create": [],
        "workspaces.get": [{"workspace": home, **by}],
        "workspaces.rename": [{"workspace": home, "name": "new", **by}],
        "workspaces.list": [{"limit": 1, **by}],
        "jobs.delete": [{"job": job, **by}],
        "packages.discard": [{"package": (job, 3), **by}],
        "maintenance.erase_member": [{"workspace": home, "member": "gone", **by}],
        "maintenance.erase_task": [{"task": (job, 5), **by}],
        "maintenance.erase_where": [
            {"workspace": home, "field": "source", "equals": "5.jpg", **by},
        ],
        "events.since": [{"after": 0, "workspace": home, "limit": 1, **by}],
        "assignments.expire": [{"job": job, **by}],
        "explain": [
            {"member": "ben", "job": job, "stage": L, **by},
            {"member": "ben", "workspace": home, **by},
        ],
        "results.export": [
            export,
            {**export, "format": "jsonl", "partitions": None, "since": 0},
        ],
        "results.snapshot": [{"job": job, "name": "new", "target": os.devnull, **by}],
        "results.snapshots": [{"job": job, "limit": 2, **by}],
        "results.drop_snapshot": [{"job": job, "snapshot": "first", **by}],
        "results.exports": [
            {"job": (job, 1), "limit": 1, **by},
            {"job": job, "task": 1, **by},
        ],
        "results.find": [{"job": job, "member": "ben", "limit": 1, **by}],
        "jobs.finish": [{"job": job, **by}],
        "events.list": [{"job": job, "package": 1, "limit": 1, **by}],
        "jobs.import_results": [{**create, "data": [{"data": {}, "label-7": {"results": []}}]}],
        "jobs.get": [{"job": job, **by}],
        "jobs.list": [{"workspace": home, "limit": 1, **by}],
        "judge": [{"assignment": review, "task": 1, **first, "by": "di"}],
        "events.follow": [{"after": 0, "workspace": home, "timeout": 0, **by}],
        "jobs.load": [{"job": scene.draft, "data": rows(1), **by}],
        "members.list": [{"workspace": home, "limit": 1, **by}],
        "members.get": [{"workspace": home, "member": "cy", **by}],
        "modify": [{"assignment": review, "task": 1, "reply": Choice("dog"), **first, "by": "di"}],
        "comments.add": [{"task": (job, 1), "text": "so", "thread": scene.thread, **by}],
        "comments.list": [{"job": job, "task": 1, "limit": 1, **by}],
        "comments.resolve": [{"thread": scene.thread, **by}],
        "comments.reopen": [{"thread": scene.thread, **by}],
        "packages.list": [{"job": job, "limit": 1, **by}],
        "packages.get": [{"package": (job, 1), **by}],
        "plan_verdict": [{"assignment": review, "by": "di"}],
        "packages.ask_again": [{"tasks": [(job, 3)], "votes": 1, **by}],
        "escalate": [{"assignment": assignment, "task": 3, "by": "ben"}],
        "results.partition": [{"job": job, "count": 2, **by}],
        "jobs.pause": [{"job": job, **by}],
        "jobs.prelabel": [
            {
                "job": job,
                "predict": lambda tasks: [PreLabel(Choice("cat"))] * len(tasks),
                "batch": 2,
                **by,
            }
        ],
        "packages.prioritize": [{"job": job, "priority": 1, "packages": [1], **by}],
        "jobs.progress": [{"job": job, **by}],
        "jobs.load_report": [{"job": job, **by}],
        "jobs.guidelines": [{"job": job, **by}],
        "lots.list": [{"job": scene.in_lots, "limit": 1, **by}],
        "lots.get": [{"job": scene.in_lots, "number": 1, **by}],
        "lots.resume": [{"job": scene.in_lots, **by}],
        "lots.close": [{"job": scene.in_lots, **by}],
        "jobs.blocked": [{"job": job, "limit": 1, **by}],
        "jobs.queue": [{"job": job, **by}],
        "packages.set_due": [{"job": job, "due": START, "packages": [1], **by}],
        "tick": [{"job": job, **by}, {"workspace": home, **by}],
        "jobs.clone": [{"job": job, "name": "clone", **by}],
        "jobs.check": [{**create, "name": "checked", "seed": 3}],
        "jobs.publish": [{"job": job, **by}],
        "assignments.reassign": [{"assignment": assignment, "member": "cy", **by}],
        "reject": [{"assignment": review, "tasks": [1], "comment": "no", "by": "di"}],
        "reject_many": [{"assignments": [review], "by": "di"}],
        "release": [{"assignment": assignment, "by": "ben"}],
        "release_many": [{"assignments": [assignment], "by": "ben"}],
        "members.remove": [{"workspace": home, "member": "cy", **by}],
        "members.pause": [{"workspace": home, "member": "cy", **by}],
        "members.resume": [{"workspace": home, "member": "cy", **by}],
        "jobs.remove_workers": [{"job": job, "stage": L, "workers": ["ben"], **by}],
        "renew": [{"assignment": assignment, "by": "ben"}],
        "packages.reopen": [{"package": (job, 1), **by}],
        "jobs.reopen": [
            {"job": job, "where": Selection(member="ben", package=1), "assign": "ben", **by}
        ],
        "restore": [{"assignment": assignment, "task": 3, **first, "by": "ben"}],
        "results.get": [{"job": (job, 1), **by}, {"job": job, "task": 1, **by}],
        "results.versions": [{"job": (job, 1), **by}, {"job": job, "task": 1, **by}],
        "results.restore_version": [
            {"assignment": assignment, "task": 3, "version": 1, **first, "by": "ben"}
        ],
        "quality.agreement": [{"job": job, "bootstrap": 0, "seed": 1, **by}],
        "quality.error_left": [{"job": job, **by}],
        "quality.labels": [{"job": job, **by}],
        "quality.statistics": [{"job": job, **by}],
        "quality.truth": [{"job": job, **by}],
        "quality.forecast": [{"job": job, "level": 0.9, **by}],
        "quality.work": [{"workspace": home, **by}],
        "quality.statement": [{"workspace": home, "rates": {}, "after": 0, "until": 1, **by}],
        "quality.position_bias": [{"job": job, **by}],
        "results.list": [{"job": job, "limit": 1, **by}],
        "results.rows": [{"job": job, "limit": 1, **by}],
        "results.to_arrow": [{"job": job, **by}],
        "results.votes": [{"job": job, "limit": 1, **by}],
        "results.follow": [
            {"place": job, "after": 0, "timeout": 0, **by},
            {"place": home, "timeout": 0, **by},
        ],
        "results.wait": [{"job": (job, 1), "timeout": 0, **by}, {"job": job, "task": 1, **by}],
        "jobs.resume": [{"job": job, **by}],
        "review": [{"assignment": review, "by": "di"}],
        "review_many": [{"assignments": [review], "by": "di"}],
        "save": [
            {"assignment": assignment, "task": 3, "reply": Choice("cat"), **first, "by": "ben"}
        ],
        "save_many": [
            {"assignment": assignment, "replies": [(3, Choice("cat"))], **first, "by": "ben"}
        ],
        "jobs.set_validator": [{"job": job, "validator": None, **by}],
        "members.set_role": [{"workspace": home, "member": "cy", "role": Role.LEADER, **by}],
        "members.set_skills": [{"workspace": home, "member": "cy", "skills": {"lang:de": 1}, **by}],
        "jobs.set_workforce": [{"job": job, "workforce": {L: ["ben"]}, **by}],
        "submit": [{"assignment": assignment, "by": "ben"}],
        "tasks": [{"assignment": assignment, "by": "ben"}],
        "templates.get": [{"job": job, **by}],
        "templates.list": [{"workspace": home, "limit": 1, **by}],
        "assignments.get": [{"assignment": assignment, **by}],
        "assignments.list": [
            {"member": "ben", "limit": 1},
            {"member": "ben", "job": job, **by},
            {"member": "ben", "workspace": home, **by},
        ],
        "jobs.update": [{"job": job, **by}],
        "maintenance.verify": [{"place": home, **by}],
        "close": [],
    }


SEVERAL = {"assignments", "packages", "tasks", "workers"}
"""Parameters that take several references."""
INSIDE = {"replies", "data", "workforce", "workflow"}
"""Parameters that have references somewhere in them."""
MAY_BE_NONE = {
    "by",
    "workspace",
    "package",
    "packages",
    "job",
    "place",
    "parts",
    "partitions",
    "tasks",
    "seed",
    "member",
    "limit",
    "expected_version",
}
OPTIONAL = {
    ("results.exports", "task"),  # those of the whole job
    ("comments.list", "task"),
    ("comments.add", "thread"),
    ("acknowledge", "version"),
    ("quality.statement", "until"),
    ("results.export", "since"),
}
"""Parameters that may be None in these verbs only."""
COUNTS = {
    "votes",
    "after",
    "batch",
    "bootstrap",
    "count",
    "expected_version",
    "limit",
    "partitions",
    "priority",
    "seed",
    "since",
    "until",
}
"""Parameters that take a number which is no key."""


def takes_a_number(verb: str) -> Iterator[str]:
    """The parameters of a verb whose annotation, written out, has an int in it."""
    hints = typing.get_type_hints(public_verbs()[verb], localns={"Executor": Executor})
    for name, hint in hints.items():
        if name != "return" and re.search(r"\bint\b", str(hint).replace("<class 'int'>", "int")):
            yield name


def ways(name: str, given: Any, bad: Any) -> Iterator[Any]:
    """The wrong values for a parameter: alone, and where it takes a pair, in each of its places."""
    if name not in INSIDE:
        yield [bad] if name in SEVERAL else bad
    inner = given[0] if name in SEVERAL and given else given
    if isinstance(inner, tuple):
        for pair in ((bad, inner[1]), (inner[0], bad), (bad, bad)):
            yield [pair] if name in SEVERAL else pair
    if name == "workforce":
        yield {L: [bad]}
    if name == "replies":
        yield [(bad, Choice("cat"))]
        if isinstance(bad, int | float):
            yield {bad: Choice("cat")}
    if name == "workflow" and isinstance(bad, int) and not isinstance(bad, bool):
        yield Workflow(Label(rework=bad))


def tried(flow: Flow, verb: str, arguments: dict[str, Any]) -> BaseException | None:
    """The error of a call, if any; iterators are read to their end, bulk calls give their first."""
    try:
        found = public_names(flow)[verb](**arguments)
        if isinstance(found, Iterator):
            found = list(found)
        if (
            verb.endswith("_many")
            and isinstance(found, list)
            and found
            and hasattr(found[0], "error")
        ):
            return found[0].error
    except BaseException as error:
        return error
    return None


def test_every_verb_that_takes_a_number_has_good_arguments(flow: Flow) -> None:
    scene = Scene(flow)
    known = good(scene)
    assert sorted(known) == sorted(public_verbs())
    for verb, calls in known.items():
        given = {name for call in calls for name in call}
        missing = {name for name in takes_a_number(verb) if name not in given}
        assert missing <= {
            "executor",
            "stages",
            "packaging",
            "workforce",
            "workflow",
            "min_confidence",
            "after",  # of lists: a reference, which the tests of pages give
            "key",
            "keys",
        }, verb


def is_wrong(verb: str, name: str, bad: Any) -> bool:
    """Whether a value says nothing sensible in this place."""
    if bad is None:
        return name not in MAY_BE_NONE and (verb, name) not in OPTIONAL
    if (verb, name) == ("save_many", "expected_version") and bad == {}:
        return False  # it takes the versions of several tasks, by number
    if name == "expected_version" or (verb, name) == ("acknowledge", "version"):
        # one that another version overtook is refused, too, but says something sensible
        return bad in FAR or not isinstance(bad, int) or isinstance(bad, bool) or bad < 0
    if name in ("until", "since") and bad == 0 and not isinstance(bad, bool | float):
        return False  # the position before the first event
    if name == "priority" and isinstance(bad, float):
        return not math.isfinite(bad)
    if name == "bootstrap" and isinstance(bad, int) and not isinstance(bad, bool):
        return bad in FAR or bad in (MOST, LEAST, -1)
    if name == "after" or name in ("priority", "seed"):
        return bad in FAR or not isinstance(bad, int) or isinstance(bad, bool)
    if (
        name in ("count", "batch", "partitions", "limit", "votes")
        and isinstance(bad, int)
        and not isinstance(bad, bool)
    ):
        return bad in FAR or (bad < 1 and verb != "claim_many")
    return True


@pytest.mark.parametrize("verb", [verb for verb in public_verbs() if list(takes_a_number(verb))])
def test_what_is_no_key_is_not_found_and_what_is_no_number_is_refused(
    flow: Flow, verb: str
) -> None:
    skip_without(verb)
    scene = Scene(flow)
    before = everything(flow)
    wrong = list[str]()
    for call in good(scene)[verb]:
        for name in takes_a_number(verb):
            for bad in (*NONE, *ODD) if name in call else ():
                for value in ways(name, call[name], bad):
                    error = (
                        tried(flow, verb, {**call, name: value})
                        if is_wrong(verb, name, bad)
                        else InvalidData("", ())
                    )
                    wanted = InvalidData if name in COUNTS else (NotFound, InvalidData)
                    if not isinstance(error, wanted):
                        wrong.append(
                            f"{name}={str(type(value)) if bad in FAR else value!r}: {error!r:.200}"
                        )
                    elif isinstance(error, ItagflowError):
                        assert "\n" not in str(error)
    assert wrong == []
    assert everything(flow) == before


PAIRED = ("AssignmentRef", "PackageRef", "TaskPlace")
"""References to what may be named by its job and a number."""


def takes_a_pair(verb: str) -> list[str]:
    """The parameters of a verb that take an assignment, a package, or a task of a job."""
    parameters = inspect.signature(public_verbs()[verb]).parameters.values()
    return [
        parameter.name
        for parameter in parameters
        if parameter.name != "after" and any(kind in str(parameter.annotation) for kind in PAIRED)
    ]


def in_pairs(given: Any, job: Any) -> Any:
    """What is *given*, with *job* as the first of each pair; a number alone becomes a pair."""
    if isinstance(given, list):
        return [in_pairs(each, job) for each in given]
    return (job, given[1] if isinstance(given, tuple) else given)


@pytest.mark.parametrize("verb", [verb for verb in public_verbs() if takes_a_pair(verb)])
@pytest.mark.parametrize("way", ["object", "name", "workspace and name", "both names"])
def test_a_job_in_a_pair_is_named_in_any_way(verb: str, way: str) -> None:
    """``(job, 3)`` was found where a package was asked for, and no assignment where one was."""

    def find_outcome(parameter: str, *, by_key: bool) -> str:
        ids = iter(range(1, 10_000))
        with itagflow.open("memory:", clock=lambda: START, ids=lambda: next(ids)) as flow:
            scene = Scene(flow)
            job = flow.jobs.get(scene.job)
            home = flow.workspaces.get(job.workspace)
            ways: dict[str, Any] = {
                "object": job,
                "name": job.name,
                "workspace and name": (home, job.name),
                "both names": (home.name, job.name),
            }
            (call,) = [call for call in good(scene)[verb] if parameter in call]
            named = in_pairs(call[parameter], job.id if by_key else ways[way])
            return repr(tried(flow, verb, {**call, parameter: named}))

    for parameter in takes_a_pair(verb):
        outcome = find_outcome(parameter, by_key=False)
        assert outcome == find_outcome(parameter, by_key=True)
        assert "NotFound('Assignment'" not in outcome


def test_true_is_not_the_first_of_anything() -> None:
    ids = iter(range(1, 10_000))
    with itagflow.open("memory:", ids=lambda: next(ids)) as flow:
        home = street(flow, "ben")
        assert home.id == 1
        for bad in (True, 1.0):
            assert isinstance(tried(flow, "jobs.list", {"workspace": bad}), NotFound)
        job = flow.jobs.create(
            home, "cats", template=ASKED, data=[{"data": {"source": "1"}}], by="ada"
        )
        seen = flow.claim("ada", job, L)
        assert seen is not None
        for bad in (float(job.id), True):
            assert isinstance(
                tried(flow, "claim", {"member": "ada", "job": bad, "stage": L}), NotFound
            )
            assert isinstance(
                tried(flow, "save", {"assignment": seen, "task": bad, "reply": Choice("cat")}),
                NotFound,
            )


class TestStores:
    """A query may compare with any number; one that no database keeps equals nothing."""

    def test_a_key(self, flow: Flow) -> None:
        job = cats(flow)
        with flow.store.read() as reader:
            for far in FAR[:3]:
                for kind, key in (
                    (Job, (far,)),
                    (itagflow.Task, (job.id, far)),
                    (itagflow.Task, (far, 1)),
                ):
                    with pytest.raises(NotFound):
                        reader.get(kind, key)
        with flow.store.write() as writer, pytest.raises(NotFound):
            writer.lock(Job, (2**70,))

    @pytest.mark.parametrize(
        ("condition", "numbers"),
        [
            (2**70, []),
            ((2**70, 2), [2]),
            ((2**70, -(2**70)), []),
            (Span(2**70, None), []),
            (Span(None, -(2**70)), []),
            (Span(None, 2**70), [1, 2, 3, 4]),
            (Span(-(2**70), 2), [1, 2]),
            (Span(3, 2**63), [3, 4]),
            (Span(-(2**63) - 1, 2**63), [1, 2, 3, 4]),
        ],
    )
    def test_a_condition(self, flow: Flow, condition: Any, numbers: list[int]) -> None:
        job = cats(flow)
        query = Query(itagflow.Task, {"job": job.id, "number": condition}, order=("number",))
        with flow.store.read() as reader:
            assert [task.number for task in reader.find(query)] == numbers
            assert reader.count(query) == len(numbers)
            assert sum(count for (count,) in reader.tally(query, by=("package",)).values()) == len(
                numbers
            )

    @pytest.mark.parametrize(
        ("order", "after", "numbers"),
        [
            (("number",), (2**70,), []),
            (("number",), (-(2**70),), [1, 2, 3, 4]),
            (("-number",), (2**70,), [4, 3, 2, 1]),
            (("-number",), (-(2**70),), []),
            (("package", "number"), (1, 2**70), [3, 4]),
            (("package", "number"), (2, -(2**70)), [3, 4]),
            (("package", "number"), (2**70, 1), []),
            (("-package", "number"), (2, 2**70), [1, 2]),
            (("-package", "number"), (2, -(2**70)), [3, 4, 1, 2]),
        ],
    )
    def test_a_page_after_what_cannot_be(
        self, flow: Flow, order: Any, after: Any, numbers: list[int]
    ) -> None:
        job = cats(flow)
        ends = (*after[: len(order)], job.id, after[-1])
        query = Query(itagflow.Task, {"job": job.id}, order=order, after=ends)
        with flow.store.read() as reader:
            assert [task.number for task in reader.find(query)] == numbers


MAKE: list[Callable[[Any], object]] = [
    FixedSize,
    itagflow.PackageCount,
    lambda bad: Label(votes=bad),
    lambda bad: Label(votes=2, min_votes=bad),
    lambda bad: Label(limit=bad),
    lambda bad: itagflow.Inspect(task_count=bad),
    lambda bad: JobPartition(job=1, first=bad, last=1),
    lambda bad: JobPartition(job=1, first=1, last=bad),
]


@pytest.mark.parametrize("make", MAKE, ids=range(len(MAKE)))
@pytest.mark.parametrize(
    "bad", [*FAR, -1, True, "1", [], float("nan")], ids=lambda bad: str(type(bad))
)
def test_values_of_rules_are_whole_numbers_of_63_bits(
    make: Callable[[Any], object], bad: Any
) -> None:
    with pytest.raises(InvalidData):
        make(bad)
