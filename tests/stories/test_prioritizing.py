"""Priorities in bulk: one for each task, stored block by block, all of them or none."""

from __future__ import annotations

from typing import Any

import pytest
from support.refusals import everything
from support.scenes import Clock, cats, labeled, rows, taken

from itagflow import (
    Flow,
    Inspect,
    InvalidData,
    Job,
    Label,
    NotAllowed,
    NotFound,
    Stage,
    Workflow,
    maintenance,
)
from itagflow.errors import StoreFailed
from itagflow.jobs import priorities as priority_slice

PAGE = 200
"""How many packages a transaction gives priorities here, so that the edges are soon reached."""
EDGES = [PAGE - 1, PAGE, PAGE + 1]
"""How many packages fill a transaction, except for one or with one more."""
MANY = PAGE + 1
"""So many that the last one has a transaction of its own."""


def keyed(flow: Flow, tasks: int) -> Job:
    """A job with a package for each row, which has its source as its key."""
    return cats(flow, tasks=tasks, size=1, row_key="source")


def priorities(flow: Flow, job: Job) -> list[float]:
    return [package.priority for package in flow.packages.list(job)]


def blocks(flow: Flow, job: Job) -> list[int]:
    """How many packages each transaction gave a priority."""
    events = [event for event in flow.events.list(job) if event.type == "prioritize"]
    return [len(event.data["packages"]) for event in events]


class TestPriorities:
    def test_each_task_has_its_own(self, flow: Flow) -> None:
        job = cats(flow, tasks=6, size=2)
        scores = {1: 0.25, 2: 0.5, 3: 0.75, 5: -1, 6: float(2**53)}
        assert flow.packages.prioritize(job, scores, by="ada") == 3
        found = [package.priority for package in flow.packages.list(job)]
        assert found == [0.5, 0.75, 2**53], "a package has the greatest of its tasks"
        assert [type(priority) for priority in found] == [float, float, int]
        order = [taken(flow, "ben", job).package for _ in range(3)]
        assert order == [3, 2, 1]

    def test_by_task_or_by_key(self, flow: Flow) -> None:
        job = keyed(flow, tasks=3)
        task = flow.results.get(job, 1).task
        flow.packages.prioritize(job, {task: 1, "1.jpg": 2, 3: 0.5}, by="ada")
        assert flow.packages.get((job, 1)).priority == 2
        with pytest.raises(NotFound):
            flow.packages.prioritize(job, {1: 1, "9.jpg": 2}, by="ada")
        with pytest.raises(NotFound):
            flow.packages.prioritize(job, {1: 9, 4: 2}, by="ada")
        assert flow.packages.get((job, 1)).priority == 2, "all are found before one is stored"

    def test_what_is_missing_is_passed_over_where_that_is_asked_for(self, flow: Flow) -> None:
        job = keyed(flow, tasks=3)
        maintenance.erase_task(flow, (job, 2), by="ada")
        # the row key of task 2 was erased with its data
        scores = {1: 4, 7: 1, "2.jpg": 3, "3.jpg": 5, "9.jpg": 5, "": 6}
        before = everything(flow)
        with pytest.raises(NotFound):
            flow.packages.prioritize(job, scores, by="ada")
        for none in (None, 2.5):
            wrong: Any = {1: 4, none: 1}
            with pytest.raises(NotFound):
                flow.packages.prioritize(job, wrong, ignore_missing=True, by="ada")
        with pytest.raises(InvalidData, match="is for a mapping"):
            flow.packages.prioritize(job, 1, packages=[1], ignore_missing=True, by="ada")
        assert everything(flow) == before
        assert flow.packages.prioritize(job, scores, ignore_missing=True, by="ada") == 2
        assert priorities(flow, job) == [4, 0, 5]

    def test_thousands_are_stored_block_by_block(
        self, flow: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("itagflow.jobs.priorities.BLOCK", 1_600)
        job = cats(flow, tasks=1_700, size=1)
        scores = {n: n / 7 for n in range(1, 1_701)}
        assert flow.packages.prioritize(job, scores, by="ada") == 1_700
        assert blocks(flow, job) == [1_600, 100]
        assert flow.packages.prioritize(job, scores, by="ada") == 1_700
        assert blocks(flow, job) == [1_600, 100], "what is so already is not stored again"
        assert taken(flow, "ben", job).package == 1_700

    def test_what_is_no_priority_is_refused(self, flow: Flow) -> None:
        job = cats(flow)
        for wrong in (float("nan"), float("inf"), "1", True, None, 2**53 + 1):
            with pytest.raises(InvalidData):
                flow.packages.prioritize(job, wrong, by="ada")  # type: ignore[arg-type]
            with pytest.raises(InvalidData, match="the priority of 1"):
                flow.packages.prioritize(job, {1: wrong}, by="ada")  # type: ignore[dict-item]
        with pytest.raises(InvalidData, match="give one"):
            flow.packages.prioritize(job, {1: 1}, packages=[1], by="ada")
        assert all(package.priority == 0 for package in flow.packages.list(job))

    def test_who_may_not_assign_gives_none(self, flow: Flow) -> None:
        job = cats(flow)
        with pytest.raises(NotAllowed):
            flow.packages.prioritize(job, {1: 1}, by="ben")

    def test_fractions_are_in_order_behind_a_cursor(self, flow: Flow, clock: Clock) -> None:
        """With votes a member's scan begins at what they had last: fractions above it come first."""
        job = cats(flow, tasks=6, size=1, workflow=Workflow(Label(votes=2), Inspect()))
        flow.packages.prioritize(job, {n: n / 10 for n in range(1, 7)}, by="ada")
        assert [taken(flow, "ben", job).package for _ in range(2)] == [6, 5]
        flow.packages.prioritize(job, {1: 0.55}, by="ada")
        flow.packages.prioritize(job, {2: 0.5000000000000001}, by="ada")
        assert [taken(flow, "ben", job).package for _ in range(4)] == [1, 2, 4, 3]
        assert taken(flow, "cy", job).package == 6

    def test_what_has_waited_for_long_comes_first_again(self, flow: Flow, clock: Clock) -> None:
        """The scan of the queue begins with the oldest that a member may have: it begins again."""
        workflow = Workflow(Label(), Inspect())
        job = cats(flow, tasks=30, size=1, workflow=workflow, inspect=("ben", "cy"))
        for number in range(30):
            clock.forward(hours=2)
            labeled(flow, "ben" if number < 20 else "cy", job)
        # ben inspects what cy has labeled: 21 to 30
        flow.packages.prioritize(job, -5, packages=[21], by="ada")
        assert taken(flow, "ben", job, Stage.INSPECT).package == 22
        flow.packages.prioritize(job, 0, packages=[21], by="ada")
        assert taken(flow, "ben", job, Stage.INSPECT).package == 21


@pytest.fixture
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("itagflow.jobs.priorities.BLOCK", PAGE)
    monkeypatch.setattr("itagflow.jobs.task_places.PAGE", PAGE)


@pytest.mark.usefixtures("short_blocks")
class TestBlocks:
    """Each transaction holds some packages; what is refused is refused before the first."""

    @pytest.mark.parametrize("count", EDGES)
    @pytest.mark.parametrize("way", ["task", "key", "packages", "all"])
    def test_blocks_end_where_they_are_full(self, flow: Flow, count: int, way: str) -> None:
        job = keyed(flow, tasks=MANY + 1)
        numbers = range(1, count + 1)
        given: Any = {number: number / 8 for number in numbers}
        packages: Any = None
        if way == "key":
            given = {f"{number}.jpg": number / 8 for number in numbers}
        elif way != "task":
            given, packages = 7, list(numbers) if way == "packages" else None
        stored = count if way != "all" else MANY + 1
        assert flow.packages.prioritize(job, given, packages=packages, by="ada") == stored
        assert blocks(flow, job) == [PAGE] * (stored // PAGE) + [stored % PAGE] * (
            stored % PAGE > 0
        )
        wanted = [number / 8 if way in ("task", "key") else 7 for number in range(1, stored + 1)]
        assert priorities(flow, job) == wanted + [0] * (MANY + 1 - stored)

    @pytest.mark.parametrize("count", EDGES)
    def test_only_what_has_changed_is_stored(self, flow: Flow, count: int) -> None:
        job = keyed(flow, tasks=count)
        scores: dict[Any, float] = dict.fromkeys(range(1, count + 1), 1)
        flow.packages.prioritize(job, scores, by="ada")
        before = [package.version for package in flow.packages.list(job)]
        assert flow.packages.prioritize(job, {**scores, count: 2}, by="ada") == count
        after = [package.version for package in flow.packages.list(job)]
        assert after == [*before[:-1], before[-1] + 1]
        assert blocks(flow, job)[-1] == 1

    def test_tasks_of_one_package_in_two_blocks(self, flow: Flow) -> None:
        """The greatest score counts wherever it stands, and of a task or a key."""
        job = cats(flow, tasks=2 * MANY, size=2 * MANY, row_key="source")
        scores: dict[Any, float] = {number: -number for number in range(1, MANY + 1)}
        scores |= {f"{number}.jpg": -number for number in range(MANY + 1, 2 * MANY)}
        assert flow.packages.prioritize(job, scores, by="ada") == 1
        assert priorities(flow, job) == [-1]
        scores[f"{2 * MANY}.jpg"] = 0.5
        flow.packages.prioritize(job, scores, by="ada")
        assert priorities(flow, job) == [0.5]

    def test_packages_may_be_named_in_all_ways_at_once(self, flow: Flow) -> None:
        job = keyed(flow, tasks=MANY)
        numbers: list[Any] = list(range(1, PAGE))
        named = [flow.packages.get((job, MANY)), *numbers, (job, PAGE), 1, ("cats", 2)]
        assert flow.packages.prioritize(job, 5, packages=named, by="ada") == MANY
        assert priorities(flow, job) == [5] * MANY

    def test_nothing_given_changes_nothing(self, flow: Flow) -> None:
        job = keyed(flow, tasks=2)
        before = everything(flow)
        assert flow.packages.prioritize(job, {}, by="ada") == 0
        assert flow.packages.prioritize(job, 5, packages=[], by="ada") == 0
        assert everything(flow) == before


@pytest.mark.usefixtures("short_blocks")
class TestRefused:
    """One bad entry, wherever it stands, and nothing is stored."""

    @pytest.mark.parametrize("place", ["first", "last"])
    @pytest.mark.parametrize(
        ("bad", "error"),
        [
            ((MANY + 1, 1), NotFound),
            ((0, 1), NotFound),
            ((2**70, 1), NotFound),
            ((True, 1), NotFound),
            (("nobody.jpg", 1), NotFound),
            (("", 1), NotFound),
            (("x" * 3_000, 1), NotFound),
            ((1, float("nan")), InvalidData),
            (("1.jpg", "1"), InvalidData),
            ((1, 2**53 + 1), InvalidData),
        ],
        ids=repr,
    )
    def test_a_bad_entry(self, flow: Flow, place: str, bad: Any, error: type[Exception]) -> None:
        job = keyed(flow, tasks=MANY)
        name, score = bad
        # those named as packages are of the same page of look-ups as the bad one, and of others
        good: list[tuple[Any, float]] = [(f"{n}.jpg", n) for n in range(2, MANY + 1)]
        good += [(n, n) for n in range(2, MANY + 1)]
        entries = [(name, score), *good] if place == "first" else [*good, (name, score)]
        before = everything(flow)
        with pytest.raises(error):
            flow.packages.prioritize(job, dict(entries), by="ada")
        assert everything(flow) == before

    @pytest.mark.parametrize("place", ["first", "last"])
    @pytest.mark.parametrize("bad", [MANY + 1, 0, 2**70, True, "1", ("cats", 99_999)], ids=repr)
    def test_a_bad_package(self, flow: Flow, place: str, bad: Any) -> None:
        job = keyed(flow, tasks=MANY)
        numbers: list[Any] = list(range(1, MANY + 1))
        named = [bad, *numbers] if place == "first" else [*numbers, bad]
        before = everything(flow)
        with pytest.raises(NotFound):
            flow.packages.prioritize(job, 5, packages=named, by="ada")
        assert everything(flow) == before

    def test_what_is_of_another_job(self, flow: Flow) -> None:
        job = keyed(flow, tasks=MANY)
        other = flow.jobs.clone(job, "others", by="ada")
        flow.jobs.load(other, rows(MANY), by="ada")
        theirs: Any = flow.results.get((other, 1)).task
        before = everything(flow)
        with pytest.raises(NotFound):
            scores: Any = {**dict.fromkeys(range(2, MANY + 1), 1), theirs: 1}
            flow.packages.prioritize(job, scores, by="ada")
        with pytest.raises(NotFound):
            flow.packages.prioritize(job, 1, packages=[1, (other, 1)], by="ada")
        assert everything(flow) == before

    @pytest.mark.parametrize("way", ["task", "packages"])
    def test_a_package_at_a_stage_that_is_not_theirs(self, flow: Flow, way: str) -> None:
        """In the last block, and none of the blocks before it is stored."""
        workflow = Workflow(Label(), Inspect())
        job = cats(flow, tasks=MANY, size=1, workflow=workflow)
        home = flow.workspaces.get("street")
        flow.members.add(home, "lea", "leader", by="ada")
        flow.jobs.set_workforce(job, {Stage.LABEL: ["ben", "cy", "lea"]}, by="ada")
        flow.packages.prioritize(job, 1, packages=[MANY], by="ada")
        labeled(flow, "ben", job)
        assert flow.packages.get((job, MANY)).stage is Stage.INSPECT
        before = everything(flow)
        numbers = list(range(1, MANY + 1))
        with pytest.raises(NotAllowed, match="inspect"):
            if way == "task":
                flow.packages.prioritize(job, dict.fromkeys(numbers, 5), by="lea")
            else:
                flow.packages.prioritize(job, 5, packages=numbers, by="lea")
        assert everything(flow) == before
        assert flow.packages.prioritize(job, 5, packages=numbers[:-1], by="lea") == PAGE

    def test_a_package_that_moves_to_such_a_stage_meanwhile(
        self, flow: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its block is refused as a whole; blocks before it are stored by then."""
        job = cats(flow, tasks=2 * PAGE, size=1, workflow=Workflow(Label(), Inspect()))
        home = flow.workspaces.get("street")
        flow.members.add(home, "lea", "leader", by="ada")
        flow.jobs.set_workforce(job, {Stage.LABEL: ["ben", "cy", "lea"]}, by="ada")
        flow.packages.prioritize(job, 1, packages=[2 * PAGE], by="ada")
        authorize = priority_slice._authorize_all

        def authorize_and_move(*given: Any) -> None:
            authorize(*given)
            labeled(flow, "ben", job)

        monkeypatch.setattr(priority_slice, "_authorize_all", authorize_and_move)
        with pytest.raises(NotAllowed, match="inspect"):
            flow.packages.prioritize(job, dict.fromkeys(range(1, 2 * PAGE + 1), 5), by="lea")
        assert flow.packages.get((job, 2 * PAGE)).stage is Stage.INSPECT
        assert priorities(flow, job) == [*[5] * PAGE, *[0] * (PAGE - 1), 1]
        assert blocks(flow, job) == [1, PAGE]

    def test_a_stage_that_is_lost_meanwhile_is_left_alone(
        self, flow: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where nothing is named, packages at other stages stay as they are."""
        job = cats(flow, tasks=3, size=1, workflow=Workflow(Label(), Inspect()))
        flow.members.add(flow.workspaces.get("street"), "lea", "leader", by="ada")
        both = {Stage.LABEL: ["ben", "lea"], Stage.INSPECT: ["cy", "lea"]}
        flow.jobs.set_workforce(job, both, by="ada")
        labeled(flow, "ben", job)
        authorize = priority_slice._authorize_all

        def authorize_and_lose(*given: Any) -> None:
            authorize(*given)
            flow.jobs.set_workforce(job, {**both, Stage.INSPECT: ["cy"]}, by="ada")

        monkeypatch.setattr(priority_slice, "_authorize_all", authorize_and_lose)
        assert flow.packages.prioritize(job, 3, by="lea") == 2
        assert priorities(flow, job) == [0, 3, 3]

    def test_an_archived_job_has_no_new_priorities(self, flow: Flow) -> None:
        job = keyed(flow, tasks=2)
        flow.jobs.finish(job, discard_open=True, by="ada")
        flow.jobs.archive(job, by="ada")
        before = everything(flow)
        attempts: list[dict[str, Any]] = [
            {"priority": 5},
            {"priority": 5, "packages": [1]},
            {"priority": {1: 5}},
            {"priority": {"1.jpg": 5}},
            {"priority": {}},
            {"priority": 5, "packages": []},
        ]
        for attempt in attempts:
            with pytest.raises(NotAllowed, match="archived"):
                flow.packages.prioritize(job, **attempt, by="ada")
        assert everything(flow) == before

    def test_a_job_that_is_archived_meanwhile(
        self, flow: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = keyed(flow, tasks=2)
        authorize = priority_slice._authorize_all

        def authorize_and_archive(*given: Any) -> None:
            authorize(*given)
            flow.jobs.finish(job, discard_open=True, by="ada")
            flow.jobs.archive(job, by="ada")

        monkeypatch.setattr(priority_slice, "_authorize_all", authorize_and_archive)
        with pytest.raises(NotAllowed, match="archived"):
            flow.packages.prioritize(job, 5, packages=[1, 2], by="ada")
        assert priorities(flow, job) == [0, 0]

    def test_one_that_breaks_off_is_sent_again(
        self, flow: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The blocks before it are stored; the same call stores the rest, and nothing twice."""
        job = keyed(flow, tasks=2 * PAGE)
        scores: dict[Any, float] = {number: number for number in range(1, 2 * PAGE + 1)}
        write, begun = flow.store.write, list[int]()

        def write_for_a_while() -> Any:
            begun.append(len(begun) + 1)
            if len(begun) == 3:  # the first asks whether they may, the second is the first block
                raise StoreFailed("the store", "the disk is full", "Make room")
            return write()

        with monkeypatch.context() as patched:
            patched.setattr(flow.store, "write", write_for_a_while)
            with pytest.raises(StoreFailed):
                flow.packages.prioritize(job, scores, by="ada")
        assert priorities(flow, job) == [*range(1, PAGE + 1), *[0] * PAGE]
        assert flow.packages.prioritize(job, scores, by="ada") == 2 * PAGE
        assert priorities(flow, job) == [*range(1, 2 * PAGE + 1)]
        assert blocks(flow, job) == [PAGE, PAGE]
