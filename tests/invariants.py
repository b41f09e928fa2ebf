"""What must hold at any time, checked on everything that a Flow can show."""

from __future__ import annotations

from collections import Counter

from itagflow import Flow, Job, JobState, Outcome, Package, PackageState, TaskState, TurnState
from itagflow.model.package import Assignment, Seat
from itagflow.model.task import Answer
from itagflow.rules.history import replay
from itagflow.rules.results import Case, corrected, sort_turns, state
from itagflow.store import Query


def check(flow: Flow) -> None:
    """Check every job of the store, and that the history comes to what is stored."""
    with flow.store.read() as reader:
        jobs = list(reader.find(Query(Job)))
    for job in jobs:
        _check_job(flow, job)
    _check_history(flow, jobs)


def _check_job(flow: Flow, job: Job) -> None:
    packages = list(flow.packages(job))
    with flow.store.read() as reader:
        turns = list(reader.find(Query(Assignment, {"job": job.id}, order=("id",))))
        answers = list(reader.find(Query(Answer, {"job": job.id})))
        seats = list(reader.find(Query(Seat, {"job": job.id})))
    open_packages = [package for package in packages if package.stage is not None]
    if job.state is JobState.FINISHED:
        assert not open_packages
    if job.state is JobState.RUNNING and job.loaded:
        assert open_packages, "a running job whose work is all done finishes by itself"
    for package in packages:
        here = [turn for turn in turns if turn.package == package.number]
        if job.state is not JobState.ARCHIVED:
            _check_slots(job, package, here)
    results = list(flow.results(job))
    assert [result.task.number for result in results] == list(range(1, job.loaded + 1))
    for package in packages:
        here = sort_turns([turn for turn in turns if turn.package == package.number])
        numbers = [result.task.number for result in results if result.task.package == package.number]
        said = {n: {a.assignment: a for a in answers if a.task == n} for n in numbers}
        cases = [Case(job, package, here, said[n], n) for n in numbers]
        states = Counter(state(case, live=False) for case in cases)
        assert package.size == len(numbers)
        assert package.abandoned == states[TaskState.ABANDONED], (package, states)
        assert package.wrong == states[TaskState.WRONG], (package, states)
        assert package.prelabeled == sum(case.prelabel is not None for case in cases)
        assert package.corrected == sum(corrected(case) for case in cases)
    for seat in seats:
        if job.workflow.rule(seat.stage).limit is not None:
            held = [t for t in turns if t.member == seat.member and t.stage is seat.stage and t.state is TurnState.HELD]
            assert seat.held == len(held)


def _check_slots(job: Job, package: Package, turns: list[Assignment]) -> None:
    state, stage, round = package.state, package.stage, package.round
    live = [turn for turn in turns if turn.live]
    if stage is None:
        assert not live, "nobody works on what is done or discarded"
        assert package.free == 0
        return
    votes = job.workflow.label.votes if state is PackageState.LABEL else 1
    in_ = [t for t in turns if t.stage is stage and t.round == round and t.outcome is Outcome.SUBMITTED]
    assert all(turn.stage is stage and turn.round == round for turn in live)
    assert package.free + len(live) + len(in_) == votes, (package, turns)
    members = [turn.member for turn in (*live, *in_)]
    assert len(set(members)) == len(members), "nobody votes twice"


def _check_history(flow: Flow, jobs: list[Job]) -> None:
    alive = {job.id for job in jobs}
    replayed = replay(flow.events())
    with flow.store.read() as reader:
        for job in jobs:
            assert replayed.fields["job", job.key]["state"] == job.state.value
            for turn in reader.find(Query(Assignment, {"job": job.id})):
                fields = replayed.fields["turn", turn.key]
                assert fields == {"state": turn.state.value, "member": turn.member, "round": turn.round}
        answers = {answer.key: answer.version + 1 for answer in reader.find(Query(Answer)) if answer.member}
    for job in jobs:
        for package in flow.packages(job):
            fields = replayed.fields["package", package.key]
            assert fields == {"state": package.state.value, "round": package.round}
    assert {key: times for key, times in replayed.saves.items() if key[0] in alive} == answers
