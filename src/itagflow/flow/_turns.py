"""How turns end and packages move on: what several families of verbs share."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from itagflow.claiming import rules as claiming
from itagflow.flow._act import Block
from itagflow.flow._cases import cases_in, numbers_in, said_about
from itagflow.flow._find import MemberRef, TurnRef, first
from itagflow.flow._following import follow
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment, Outcome, Package, TurnState
from itagflow.model.task import Answer, Verdict
from itagflow.rules import access, carrying, holding, jobs, reviewing
from itagflow.rules.access import Action
from itagflow.rules.change import Act, Saved, record
from itagflow.rules.lifecycles import JOB
from itagflow.rules.results import counted
from itagflow.rules.sampling import needs_tasks
from itagflow.storage.port import Query


@attrs.frozen
class Held:
    """A turn that its holder acts on, with its package and job, both held."""

    job: Job
    """The job."""
    package: Package
    """The package."""
    turn: Assignment
    """The turn."""
    act: Act
    """Who acts: the holder."""


def held(block: Block, ref: TurnRef, verb: str, by: MemberRef | None) -> Held:
    """Return the turn, held with its package, after checking that its holder may act on it.

    Raises:
        NotHeld: when it is not held, or not by the member *by*.
        NotAllowed: when its job does not let work go on, or the policy does not let its holder work there.
    """
    package, turn = block.hold_turn(ref)
    job = block.store.get(Job, (turn.job,))
    act = block.holder(job, turn, verb, by)
    if job.following is not None:  # votes can only be merged when all of them answer the same template
        package = follow(block, job, package, carrying.again(job.following), block.act(job.workspace))
    return Held(job, package, turn, act)


def held_unless(block: Block, ref: TurnRef, verb: str, outcome: Outcome, by: MemberRef | None) -> Held | Assignment:
    """Return the same, or the turn if it has ended with this outcome: a request sent again changes nothing."""
    _, turn = block.hold_turn(ref)
    if turn.outcome is not outcome:
        return held(block, ref, verb, by)
    if by is not None:
        job = block.store.get(Job, (turn.job,))
        who = block.member(job.workspace, by)
        holding.must_be_of(turn, who)
        access.check(block.policy, who, Action.at(turn.stage), job, turn.stage)
    return turn


def recall(block: Block, package: Package, turn: Assignment, by: int, reason: str, *, free: bool) -> None:
    """Take *turn*, held with its package, back in the name of *by*; with *free* its slot goes back to the pool."""
    job = block.store.get(Job, (turn.job,))
    act = block.act(job.workspace, by)
    block.do(claiming.recall(package, turn, act, reason=reason, free=free, seats=left(block, job, turn)))


def left(block: Block, job: Job, turn: Assignment) -> tuple[Saved, ...]:
    """Return the seat of the turn's member, who does not hold it any more."""
    return block.seats(job, turn.stage, (turn.member, -int(turn.state is TurnState.HELD)))


def passed(
    block: Block, held: Held, turns: Sequence[Assignment], new: Sequence[Answer] = (), disputes: tuple[int, ...] = ()
) -> Package:
    """Return the package as it is at the next stage; *turns* and *new* answers are as they will be stored."""
    job, package = held.job, held.package
    target = next_stage(job, package)
    drawing = target is not None and (bool(package.erased) or needs_tasks(job, package, target))
    tasks = numbers_in(block.store, package) if drawing else ()
    first = all(turn.stage is not target for turn in turns)
    after = reviewing.passed(job, package, held.act, tasks=tasks, first=first, disputes=disputes)
    return recounted(block, job, after, turns, new, passing=held.turn)


def next_stage(job: Job, package: Package) -> Stage | None:
    """Return the stage that *package* comes to when it passes."""
    stages = job.workflow.stages
    later = stages[stages.index(holding.stage_of(package)) + 1 :]
    return later[0] if later else None


def recounted(
    block: Block,
    job: Job,
    package: Package,
    turns: Sequence[Assignment],
    new: Sequence[Answer] = (),
    *,
    passing: Assignment | None = None,
) -> Package:
    """Return *package* with its counts of abandoned, wrong and corrected tasks.

    Where *passing* is a turn that sends nothing back, answers are read only if there may be something to
    count: it has pre-labels, some were counted before, or one of the turn's or the *new* answers gives a task
    up or finds it wrong.
    """
    counting = package.abandoned or package.wrong or package.prelabeled
    troubled = counting or any(answer.dropped or answer.wrong for answer in new)
    if passing is not None and not troubled and not _troubled(block, passing):
        return package
    said = said_about(block.store, job.id, numbers_in(block.store, package))
    for answer in new:
        said[answer.task][answer.assignment] = answer
    return counted(package, cases_in(job, package, turns, said))


def _troubled(block: Block, turn: Assignment) -> bool:
    return any(dropped or verdict == Verdict.WRONG.value for _, dropped, verdict in block.said(turn))


def with_finish(block: Block, package: Package) -> tuple[Saved, ...]:
    """Return the job, held and finished, if *package*, about to be saved, was its last open one.

    The job itself is only held to finish it: claims wait for whoever does.
    """
    if package.stage is not None:
        return ()
    if block.holds_open(package.job, but=package.number):
        return ()  # nobody else can end that one, and what ends it here looks again
    # of two blocks that end the last two packages, the second waits here, and then sees what the first has done
    block.hold_counter(package.job)
    others = block.store.find(Query(Package, {"job": package.job, "open": True}, order=("number",), limit=2))
    if any(other.number != package.number for other in others):
        return ()
    job = block.hold(Job, (package.job,))
    if job.state not in JOB.sources("finish"):
        return ()
    return ((job, jobs.stepped(job, "finish")),)


def finish_if_done(block: Block, job: Job, act: Act) -> None:
    """Finish *job* if it goes on and no open package is left: for acts that move several packages."""
    block.hold_counter(job.id)
    if first(block.store, Query(Package, {"job": job.id, "open": True}, order=("number",), limit=1)) is not None:
        return
    home = block.hold(Job, job.key)
    if home.state in JOB.sources("finish"):
        done = jobs.stepped(home, "finish")
        block.do(record(act, "finish", about=done, save=((home, done),), data={"name": home.name}))
