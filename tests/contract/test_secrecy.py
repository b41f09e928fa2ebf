"""Votes are secret: no reader tells a voter, before they have voted, what the others say."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import attrs
import pytest
from support import invariants
from support.foreigners import READERS, Args, came_to
from support.scenes import Clock, rows, street, taken

import itagflow
from itagflow import (
    Assignment,
    Choice,
    Crew,
    Event,
    FixedSize,
    Flow,
    Inspect,
    Job,
    Label,
    NotAllowed,
    Package,
    Rating,
    Result,
    Role,
    Stage,
    TaskState,
    Template,
    Text,
    Workflow,
    access,
    templates,
)
from itagflow.errors import Problem
from itagflow.formats import FormatContext, WriteReport
from itagflow.model import Export, Outcome, Purpose, Row, Snapshot
from itagflow.quality import Statement

pytestmark = pytest.mark.usefixtures("equal_keys")

VOTERS = ["ben", "cy", "lea", "dan"]
Vote = Callable[[Flow, Assignment], object]
Pair = tuple[Vote, Vote]


def says(answer: str) -> Vote:
    def vote(flow: Flow, assignment: Assignment) -> None:
        for work in flow.tasks(assignment):
            flow.save(assignment, work, Choice(answer))
        flow.submit(assignment)

    return vote


def gives_one_up(flow: Flow, assignment: Assignment) -> None:
    one, other = flow.tasks(assignment)
    flow.abandon(assignment, one, "dark")
    flow.save(assignment, other, Choice("cat"))
    flow.submit(assignment)


def thinks_again(flow: Flow, assignment: Assignment) -> None:
    for work in flow.tasks(assignment):
        flow.save(assignment, work, Choice("dog"))
    says("cat")(flow, assignment)


def hesitates(flow: Flow, assignment: Assignment) -> None:
    flow.save(assignment, 1, Choice("dog"))
    flow.save(assignment, 2, Choice("cat"))


def begins(flow: Flow, assignment: Assignment) -> None:
    flow.save(assignment, 1, Choice("dog"), draft=True, seconds=1)


def says_nothing(flow: Flow, assignment: Assignment) -> None:
    """Only holds the assignment."""


def goes_and_comes_again(flow: Flow, assignment: Assignment) -> None:
    hesitates(flow, assignment)
    flow.release(assignment)
    says("dog")(flow, taken(flow, "cy", flow.jobs.get(assignment.job)))


def says_and_writes(answer: str) -> Vote:
    def vote(flow: Flow, assignment: Assignment) -> None:
        for item in flow.tasks(assignment):
            flow.comments.add(item, f"I see a {answer}", by="cy")
        says(answer)(flow, assignment)

    return vote


def says_as_a_program(score: float) -> Vote:
    def vote(flow: Flow, assignment: Assignment) -> None:
        for item in flow.tasks(assignment):
            flow.save(assignment, item, Choice("cat"), score=score, model="vit")
        flow.submit(assignment)

    return vote


def asks_an_expert(task: int, comment: str) -> Vote:
    def vote(flow: Flow, assignment: Assignment) -> None:
        flow.escalate(assignment, task, comment=comment, reason=comment)
        flow.save(assignment, 3 - task, Choice("cat"))
        flow.submit(assignment)

    return vote


def says_and_writes_once(flow: Flow, assignment: Assignment) -> None:
    """The comment takes a key, as what is handed to an expert does."""
    flow.comments.add((assignment.job, 1), "a fox?", by="cy")
    says("cat")(flow, assignment)


def changes_a_draft(flow: Flow, assignment: Assignment) -> None:
    begins(flow, assignment)
    flow.save(assignment, 1, Choice("cat"))
    flow.save(assignment, 1, Choice("dog"), draft=True)


PAIRS = [
    (says_and_writes("cat"), says_and_writes("dog")),
    (says("cat"), says("dog")),
    (says("cat"), gives_one_up),
    (says("cat"), thinks_again),
    (says_nothing, hesitates),
    (says_nothing, begins),
    (says_nothing, says("dog")),
]
MORE_PAIRS = [
    (says_as_a_program(0.5), says_as_a_program(0.75)),
    (says_and_writes_once, asks_an_expert(1, "a fox?")),
    (asks_an_expert(1, "a fox?"), asks_an_expert(2, "a wolf?")),
    (says_nothing, changes_a_draft),
]
"""What else there is of a vote; in memory alone, as on the others every store agrees with it."""
UNFINISHED = frozenset({hesitates, begins, changes_a_draft})
"""What is still in the hands of the voter."""
HOLDING = frozenset(
    {
        *("explain", "available", "jobs.queue", "what I find"),
        *("quality.forecast", "quality.statement", "quality.work"),
    }
)
"""What tells how many hold an assignment, and so that somebody has handed theirs in, but not with what."""


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def new(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Flow]]:
    """Opens stores in which the same acts come to the same keys."""
    databases = request.getfixturevalue("databases") if request.param == "postgres" else None
    flows, lent = list[Flow](), list[str]()

    def open_one() -> Flow:
        url = "memory:" if request.param == "memory" else str(tmp_path / f"{len(flows)}.db")
        if databases is not None:
            url = databases.new()
            lent.append(url)
        flows.append(itagflow.open(url, clock=Clock(), ids=count(1).__next__))
        return flows[-1]

    yield open_one
    for flow in flows:
        invariants.check(flow)
        flow.close()
    for url in lent:
        databases.give_back(url)


def a_poll(flow: Flow, *, again: bool, experts: bool = True) -> Job:
    """A package on which three vote; with *again* it was voted on and sent back whole."""
    home = street(flow, "ben", "cy", "dan", "di", "eda")
    flow.members.add(home, "lea", Role.LEADER, by="ada")
    flow.members.add(home, "eve", Role.VIEWER, by="ada")
    workforce: dict[Any, list[str]] = {Stage.LABEL: VOTERS, Stage.INSPECT: ["di"]}
    if experts:
        workforce[Crew.EXPERTS] = ["eda"]
    job = flow.jobs.create(
        home,
        "cats",
        template=templates.image_classification(["cat", "dog"]),
        data=rows(2),
        workflow=Workflow(Label(votes=3, min_votes=2), Inspect()),
        packaging=FixedSize(2),
        workforce=workforce,
        by="ada",
    )
    if again:
        for name in ("ben", "cy", "lea"):
            says("cat")(flow, taken(flow, name, job))
        flow.reject(taken(flow, "di", job, Stage.INSPECT), comment="look again", whole=True)
    return job


def world(flow: Flow, vote: Vote, *, again: bool = False, experts: bool = True) -> Args:
    """One in which cy has voted, and ben and lea have an assignment each."""
    job = a_poll(flow, again=again, experts=experts)
    cy = taken(flow, "cy", job)
    vote(flow, cy)
    ben = taken(flow, "ben", job)
    taken(flow, "lea", job)
    (task, _) = flow.results.list(job)
    return Args(
        job=job,
        in_lots=job,
        member="cy",
        assignment=cy,
        review=ben,
        free=(job.id, 1),
        closed=1,
        task=task.task,
    )


def stuck_world(flow: Flow, vote: Vote) -> Args:
    """One in which a vote is missing that nobody can give, so that the package is blocked."""
    args = world(flow, vote, again=False, experts=False)
    (lea,) = flow.assignments.list("lea", job=args.job)
    flow.release(lea)
    for name in ("lea", "dan", "ada"):
        flow.members.pause("street", name, by="ada")
    return args


def seen(flow: Flow, args: Args, by: str) -> dict[str, Any]:
    """Everything that *by* is shown; without the places in the history, which only tell that something happened."""
    args = attrs.evolve(args, by=by)
    shown = {
        name: came_to(lambda case=case: case.call(flow, args))
        for name, case in READERS.items()
        if name not in NOT_READ
    }
    file = io.BytesIO()
    for name, call in {
        "export": lambda: (flow.results.export(args.job, "itag", file, by=by), file.getvalue()),
        "tables": lambda: (flow.results.export(args.job, "csv", file, by=by), file.getvalue()),
        "own tasks": lambda: list(flow.tasks(args.review, by=by)),
        "own assignment": lambda: flow.assignments.get(args.review, by=by),
        "own assignments": lambda: list(flow.assignments.list(by, live=False, by=by)),
        "all assignments": lambda: list(flow.assignments.list("cy", live=False, by=by)),
        "open offers": lambda: list(flow.assignments.list(None, job=args.job, by=by)),
        "all offers": lambda: list(flow.assignments.list(None, job=args.job, live=False, by=by)),
        "comments on a task": lambda: list(flow.comments.list(args.job, task=1, by=by)),
        "open comments": lambda: list(flow.comments.list(args.job, is_resolved=False, by=by)),
        "versions of the other task": lambda: flow.results.versions(args.job, 2, by=by),
        "packages at label": lambda: list(flow.packages.list(args.job, state="label", by=by)),
        "one task": lambda: flow.results.get(args.job, 1, by=by),
        "cats": lambda: list(flow.results.find(args.job, label="cat", by=by)),
        "all history": lambda: list(flow.events.list(args.job, by=by)),
        **{
            state.value: lambda state=state: list(flow.results.find(args.job, state=state, by=by))
            for state in TaskState
        },
        "dogs": lambda: list(flow.results.find(args.job, label="dog", by=by)),
        "some results": lambda: list(
            flow.results.list(flow.results.partition(args.job, 2)[0], by=by, snapshot=True)
        ),
        "what I find": lambda: flow.explain(by, args.job, Stage.LABEL, by=by),
        "what there is": lambda: list(flow.available(by, by=by)),
    }.items():
        shown[name] = came_to(call)
    return {name: plain(value) for name, value in shown.items()}


class WritesEverything:
    """A format of the application, which writes all that a result has."""

    CONCATENABLE = True

    def read(self, source: Any, context: FormatContext, /) -> Iterator[Row | Problem]:
        raise NotImplementedError

    def write(
        self, results: Iterable[Result], target: Any, context: FormatContext, /
    ) -> WriteReport:
        seen = list(results)
        target.write("".join(f"{plain(result)}\n" for result in seen).encode())
        return WriteReport(rows=len(seen), blocks={}, abandoned=0, unfinished=0)


def test_nor_from_the_workers_of_an_export(new: Callable[[], Flow]) -> None:
    written = list[bytes]()
    for vote in (says("cat"), says("dog")):
        flow, file = new(), io.BytesIO()
        args = world(flow, vote, again=False)
        with ThreadPoolExecutor(1) as executor:
            flow.results.export(
                args.job, WritesEverything(), file, by="ada", executor=executor, partitions=2
            )
            written.append(file.getvalue())
            flow.results.export(args.job, WritesEverything(), file, executor=executor, partitions=2)
            assert len(file.getvalue()) > 2 * len(written[-1]), (
                "the application does not see the votes"
            )
    assert written[0] == written[1]


def plain(value: Any) -> Any:
    if isinstance(value, Exception):
        return f"{type(value).__name__}: {value}"
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, Statement):
        return attrs.evolve(value, until=0)
    if isinstance(value, Event):
        data = {name: each for name, each in value.data.items() if name != "complete_to"}
        return attrs.evolve(value, position=0, data=data)
    if isinstance(value, Export | Snapshot):
        return attrs.evolve(value, position=0, complete_to=0)
    return attrs.evolve(value, complete_to=0) if isinstance(value, WriteReport) else value


def require_alike(worlds: Callable[[Vote], tuple[Flow, Args]], by: str, pair: Pair) -> None:
    """Check that *by* is shown the same, whichever vote of the two was given."""
    one, other = [seen(*worlds(vote), by) for vote in pair]
    handed_in = says_nothing in pair and UNFINISHED.isdisjoint(pair)
    assert {name for name in one if one[name] != other[name]} <= (
        HOLDING if handed_in else frozenset()
    )


def make_in_memory(vote: Vote, build: Callable[[Flow, Vote], Args] = world) -> tuple[Flow, Args]:
    flow = itagflow.open("memory:", clock=Clock(), ids=count(1).__next__)
    return flow, build(flow, vote)


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("by", ["ben", "lea", "dan", "ada"])
def test_a_voter_learns_nothing_of_other_votes(
    new: Callable[[], Flow], by: str, pair: Pair, again: bool
) -> None:
    def make(vote: Vote) -> tuple[Flow, Args]:
        flow = new()
        return flow, world(flow, vote, again=again)

    require_alike(make, by, pair)


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("pair", MORE_PAIRS)
@pytest.mark.parametrize("by", ["ben", "lea", "dan", "ada"])
def test_nor_of_programs_experts_and_drafts(by: str, pair: Pair, again: bool) -> None:
    build = partial(world, again=again)
    require_alike(lambda vote: make_in_memory(vote, build), by, pair)


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("by", ["lea", "ada"])
def test_nor_where_the_package_is_blocked(by: str, pair: Pair) -> None:
    for vote in pair:
        flow, args = make_in_memory(vote, stuck_world)
        assert list(flow.jobs.blocked(args.job)) != []
    require_alike(lambda vote: make_in_memory(vote, stuck_world), by, pair)


NOT_READ = {
    "maintenance.copy": "it shows nothing: it writes all into another store",
    "lots.get": "a lot has packages at ACCEPT, whose votes are merged; there is none before",
}


def test_every_reader_is_looked_at(new: Callable[[], Flow]) -> None:
    """Whatever can be read is compared, and is there to be compared."""
    flow = new()
    args = world(flow, says_and_writes("dog"), again=False)
    for by in ("ben", "lea", "dan", "ada"):
        assert set(seen(flow, args, by)) >= set(access.READERS) - set(NOT_READ)
    assert set(READERS) == set(access.READERS)
    # to the application each shows something, or the comparison would be one of refusals
    shown = {
        name: came_to(lambda case=case: case.call(flow, attrs.evolve(args, by=None)))
        for name, case in READERS.items()
        if name not in NOT_READ
    }
    assert [name for name, value in shown.items() if isinstance(value, Exception)] == []


@pytest.mark.parametrize("again", [False, True])
def test_the_application_and_who_cannot_vote_see_them(new: Callable[[], Flow], again: bool) -> None:
    """Or else the test before would say nothing."""
    one, other = new(), new()
    here, there = world(one, says("cat"), again=again), world(other, gives_one_up, again=again)
    told, differ = seen(one, here, "eve"), seen(other, there, "eve")
    assert {name for name in told if told[name] != differ[name]} >= {
        "results.list",
        "results.get",
        "results.votes",
        "all history",
        "abandoned",
    }
    assert list(one.results.list(here.job)) != list(other.results.list(there.job))
    assert one.assignments.get(here.assignment, by="eve") == one.assignments.get(here.assignment)


def test_who_has_voted_sees_the_others_if_they_may_see_results(new: Callable[[], Flow]) -> None:
    flow = new()
    args = world(flow, says("dog"), again=False)
    for name in ("ben", "lea"):
        with pytest.raises(NotAllowed):
            flow.assignments.get(args.assignment, by=name)
        (assignment,) = flow.assignments.list(name, job=args.job)
        says("cat")(flow, assignment)
    with pytest.raises(NotAllowed, match="the role operator does not include it"):
        flow.assignments.get(args.assignment, by="ben")
    assert flow.assignments.get(args.assignment, by="lea").outcome is Outcome.SUBMITTED


def test_what_waits_for_an_expert_is_shown_to_those_who_cannot_vote(
    new: Callable[[], Flow],
) -> None:
    flow = new()
    args = world(flow, asks_an_expert(2, "a fox?"), again=False)
    for name in ("ada", "lea"):
        assert list(flow.assignments.list(None, job=args.job, by=name)) == []
    (offer,) = flow.assignments.list(None, job=args.job, by="eve")
    assert (offer.purpose, offer.scope) == (Purpose.ESCALATION, (2,))
    assert list(flow.assignments.list(None, job=args.job)) == [offer]
    with pytest.raises(NotAllowed, match="votes are secret"):
        flow.assignments.get(offer, by="ada")
    # neither is it told why nothing is there for a voter, but the expert finds it
    assert "part" not in flow.explain("ben", args.job, Stage.LABEL)
    assert taken(flow, "eda", args.job).id == offer.id


def test_an_extra_vote_is_given_without_a_look_at_the_others(new: Callable[[], Flow]) -> None:
    shown = list[Any]()
    for vote in (says_and_writes("cat"), says_and_writes("dog")):
        flow = new()
        args = world(flow, vote, again=False)
        flow.packages.ask_again([(args.job, 1)], by="ada")
        extra = taken(flow, "dan", args.job)
        assert extra.purpose is Purpose.EXTRA_VOTE
        shown.append(list(flow.tasks(extra, by="dan")))
    assert shown[0] == shown[1]
    assert [(item.votes, item.comments) for item in shown[0]] == [((), ())]


def test_to_whom_an_extra_vote_was_given_is_told_to_nobody_who_votes(
    new: Callable[[], Flow],
) -> None:
    flow = new()
    job = a_poll(flow, again=False)
    (offer,) = flow.packages.ask_again([(job, 1)], by="ada")
    flow.assignments.reassign(offer, "dan", by="ada")

    def is_told(by: str | None) -> bool:
        return any("to" in event.data for event in flow.events.list(job, by=by))

    told = {by: is_told(by) for by in ("lea", "eve", None)}
    # lea may still vote, and eve, who reads only, may not
    assert told == {"lea": False, "eve": True, None: True}


def test_a_leader_sees_the_votes_behind_their_own(new: Callable[[], Flow]) -> None:
    flow = new()
    args = world(flow, says("dog"), again=False)
    assert [result.state for result in flow.results.list(args.job, by="lea")] == [
        TaskState.TODO
    ] * 2
    assert list(flow.assignments.list("cy", by="lea")) == []
    (assignment,) = flow.assignments.list("lea", job=args.job)
    says("cat")(flow, assignment)
    (package,) = flow.packages.list(args.job)
    assert package.state.value == "label"
    assert [one.member for one in flow.assignments.list("cy", live=False, by="lea")] == [
        args.assignment.member
    ]
    assert {event.assignment for event in flow.events.list(args.job, by="lea")} > {
        args.assignment.id
    }
    assert list(flow.events.list(args.job, by="ada")) != list(flow.events.list(args.job))


def test_a_package_counts_votes_when_they_are_merged(new: Callable[[], Flow]) -> None:
    flow = new()
    job = a_poll(flow, again=False)
    before: Package | None = None
    for name in ("cy", "lea", "ben"):
        (package,) = flow.packages.list(job)
        assert before in (None, attrs.evolve(package, free=before.free if before else 0, version=2))
        assert flow.jobs.progress(job).abandoned == 0
        gives_one_up(flow, taken(flow, name, job))
    assert flow.jobs.progress(job).abandoned == 1


def test_everybody_who_may_sees_them_when_the_package_has_left(new: Callable[[], Flow]) -> None:
    flow = new()
    args = world(flow, says("dog"), again=False)
    for name in ("ben", "lea"):
        (assignment,) = flow.assignments.list(name, job=args.job)
        says("cat")(flow, assignment)
    for name in ("ada", "lea", "eve"):
        assert [len(result.provenance) for result in flow.results.list(args.job, by=name)] == [4, 4]
        assert flow.assignments.get(args.assignment, by=name).outcome is Outcome.SUBMITTED


def test_an_archived_job_keeps_no_secrets(new: Callable[[], Flow]) -> None:
    flow = new()
    args = world(flow, says("dog"), again=False)
    assert not list(flow.assignments.list("cy", live=False, by="ada"))
    flow.jobs.archive(args.job, by="ada")
    assert list(flow.assignments.list("cy", live=False, by="ada"))


def test_a_draft_is_shown_to_its_voter_alone(new: Callable[[], Flow]) -> None:
    flow = new()
    job = a_poll(flow, again=False)
    assignment = taken(flow, "cy", job)
    hesitates(flow, assignment)
    flow.save(assignment, 2, Choice("dog"), draft=True)
    flow.release(assignment)
    assert [work.previous for work in flow.tasks(taken(flow, "ben", job), by="ben")] == [None, None]
    drafts = [work.previous for work in flow.tasks(taken(flow, "cy", job), by="cy")]
    assert [draft and draft.reply for draft in drafts] == [Choice("dog"), Choice("dog")]


def test_nor_is_what_was_given_back_and_taken_again(new: Callable[[], Flow]) -> None:
    one, other = new(), new()
    here, there = (
        world(one, says("cat"), again=False),
        world(other, goes_and_comes_again, again=False),
    )
    for by in ("ben", "lea", "dan", "ada"):
        mine, theirs = seen(one, here, by), seen(other, there, by)
        for name in (
            "results.list",
            "results.find",
            "jobs.progress",
            "assignments.list",
            "all assignments",
            "export",
            "abandoned",
            "answered",
        ):
            assert mine[name] == theirs[name], (by, name)


ASKS = Template(
    questions=(
        templates.Question("1", "RATING", "Fluency"),
        templates.Question("2", "INPUT", "Remark", required=False),
    ),
    views=(),
)


def remarks(flow: Flow, name: str, job: Job, remark: str) -> None:
    assignment = taken(flow, name, job)
    for item in flow.tasks(assignment):
        flow.save(assignment, item, {"1": Rating(4), "2": Text(remark)})
    flow.submit(assignment)


def rated_by_two(flow: Flow) -> Job:
    home = street(flow, "ben", "cy", "di")
    flow.members.add(home, "eve", Role.VIEWER, by="ada")
    return flow.jobs.create(
        home,
        "fluent",
        template=ASKS,
        data=rows(1),
        workflow=Workflow(Label(votes=2), Inspect()),
        workforce={Stage.LABEL: ["ben", "cy"], Stage.INSPECT: ["di"]},
        by="ada",
    )


def test_kept_replies_are_secret_like_any_vote(new: Callable[[], Flow]) -> None:
    flow = new()
    job = rated_by_two(flow)
    remarks(flow, "ben", job, "fluent")
    # ada and cy may still vote; eve only reads
    assert list(flow.results.votes(job, by="ada")) == []
    assert [result.votes for result in flow.results.list(job, by="ada")] == [()]
    assert [vote["Remark"] for vote in flow.results.votes(job, by="eve")] == ["fluent"]
    with pytest.raises(NotAllowed):
        list(flow.results.votes(job, by="cy"))
    remarks(flow, "cy", job, "stiff")
    for name in ("ada", "eve"):
        assert [vote["by"] for vote in flow.results.votes(job, by=name)] == ["ben", "cy"]
    for name in ("ben", "cy", "di"):
        with pytest.raises(NotAllowed):
            list(flow.results.votes(job, by=name))


def test_who_votes_once_more_is_not_told_how_the_others_voted(new: Callable[[], Flow]) -> None:
    flow = new()
    job = rated_by_two(flow)
    for name in ("ben", "cy"):
        remarks(flow, name, job, f"by {name}")
    review = taken(flow, "di", job, Stage.INSPECT)
    (item,) = flow.tasks(review)
    assert [vote.replies["2"] for vote in item.votes if vote.replies] == [
        Text("by ben"),
        Text("by cy"),
    ]
    assert item.submitted is not None
    assert item.submitted.merge is not None
    flow.reject(review, comment="rate it again", whole=True)
    (item,) = flow.tasks(taken(flow, "ben", job))
    assert item.votes == ()
    assert item.submitted is not None
    assert (item.submitted.replies, item.submitted.merge) == ({"1": Rating(4)}, None)


def test_a_package_that_one_member_labels_has_no_secrets(new: Callable[[], Flow]) -> None:
    flow = new()
    job = flow.jobs.create(
        street(flow, "ben", "cy"),
        "cats",
        template=templates.image_classification(["cat", "dog"]),
        data=rows(40),
        workflow=Workflow(Label(votes=2, on_dispute="keep", votes_package_share=0.5)),
        packaging=FixedSize(1),
        workforce={Stage.LABEL: ["ben", "cy"]},
        seed=1,
        by="ada",
    )
    votes = {package.number: package.votes for package in flow.packages.list(job)}
    assert set(votes.values()) == {1, 2}
    while (assignment := flow.claim("ben", job, Stage.LABEL)) is not None:
        says("cat")(flow, assignment)
    shown = {result.task.number: result.state for result in flow.results.list(job, by="ada")}
    assert {number for number, state in shown.items() if state is TaskState.TODO} == {
        number for number, count in votes.items() if count == 2
    }
