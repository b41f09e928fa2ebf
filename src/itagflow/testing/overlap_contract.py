"""A part of `StoreContract`: what happens when two operations run at the same time.

Where a store lets two write transactions be open at once, the first stands right before its end
while the second runs; where it does not, the second waits.  The promises are the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any

import attrs

from itagflow import templates
from itagflow.errors import Incomplete, ItagflowError, NotHeld
from itagflow.flow import Flow
from itagflow.model.event import Event
from itagflow.model.job import (
    Accept,
    Inspect,
    Job,
    JobState,
    Label,
    Stage,
    Workflow,
)
from itagflow.model.package import (
    LIVE,
    Assignment,
    Outcome,
    Package,
    PackageState,
)
from itagflow.model.packaging import (
    FixedSize,
)
from itagflow.model.reply import Choice
from itagflow.model.workspace import Member, Role
from itagflow.storage import (
    Query,
    Reader,
    Store,
    Writer,
)
from itagflow.testing.builders import AT, change, make_package
from itagflow.testing.part import ContractPart
from itagflow.testing.threads import often_switched

MOMENT = 0.2
"""Seconds that the second operation may run before the first goes on: it may be waiting."""
TIMEOUT = 60.0
"""After how many seconds an operation that stands still is a failure."""


Act = Callable[[Flow], Any]
"""Something done with a Flow."""


@attrs.define
class PausingStore:
    """A store whose first write transaction pauses right before its end, until it is released."""

    store: Store
    """Where everything is kept."""
    reached: threading.Event = attrs.field(factory=threading.Event)
    """Set when a transaction stands before its end."""
    go: threading.Event = attrs.field(factory=threading.Event)
    """To be set to let it end."""

    @property
    def name(self) -> str:
        """What errors call it."""
        return self.store.name

    def read(self, *, snapshot: bool = False) -> AbstractContextManager[Reader]:
        """Open a transaction that only asks."""
        return self.store.read(snapshot=snapshot)

    @contextmanager
    def write(self) -> Generator[Writer]:
        """Open a transaction that pauses right before its end."""
        with self.store.write() as writer:
            yield writer
            self.reached.set()
            assert self.go.wait(TIMEOUT), "nobody let the transaction go on"

    def high_water_mark(self) -> int:
        """Return the position up to which the history is complete."""
        return self.store.high_water_mark()

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self.store.is_closed

    def close(self, timeout: float = 10.0) -> bool:
        """Leave the store open: it is another's."""
        del timeout
        return True


def run_overlapping(store: Store, first: Act, second: Act) -> tuple[Any, Any]:
    """Run two operations at once, and return the outcome of each: a value or an error of ours."""
    paused, came = PausingStore(store), dict[int, Any]()

    def run(place: int, act: Act, where: Store) -> None:
        try:
            came[place] = act(Flow(where, clock=lambda: AT))
        except ItagflowError as error:
            came[place] = error
        finally:
            paused.reached.set()  # also when it has refused before any transaction

    # only the first is paused, so that it is open for as long as the second runs
    one = threading.Thread(target=run, args=(1, first, paused))
    two = threading.Thread(target=run, args=(2, second, store))
    one.start()
    assert paused.reached.wait(TIMEOUT)
    two.start()
    # a store with one writer makes the second wait for the first: then it never ends here
    two.join(MOMENT)
    paused.go.set()
    for thread in (one, two):
        thread.join(TIMEOUT)
        assert not thread.is_alive(), "an operation stands still"
    return came[1], came[2]


def ends_of(flow: Flow, job: Job) -> list[Event]:
    """Return the events that have finished *job*."""
    return [
        e
        for e in flow.events.list(job)
        if any(m.kind == "job" and m.after == "finished" for m in e.changes)
    ]


class OverlapContract(ContractPart):
    """What every store promises when operations meet."""

    def test_the_last_two_votes(self) -> None:
        """Both are stored, and exactly one of them brings the votes together."""
        store, job = self._order_job(Workflow(Label(votes=2, min_votes=2), Accept()), tasks=1)
        assignments = [self._claim_and_answer(store, job, name) for name in ("ben", "cy")]
        one, two = run_overlapping(
            store,
            lambda flow: flow.submit(assignments[0]),
            lambda flow: flow.submit(assignments[1]),
        )
        assert (one.outcome, two.outcome) == (Outcome.SUBMITTED, Outcome.SUBMITTED)
        with store.read() as reader:
            assert reader.get(Package, (job.id, 1)).state is PackageState.ACCEPT
            merged = [
                assignment
                for assignment in reader.find(Query(Assignment, {"job": job.id}))
                if assignment.member is None
            ]
        assert len(merged) == 1
        store.close()

    def test_a_save_against_an_expire(self) -> None:
        """The first wins and the other is told; also when somebody else claims the lapsed one."""
        for take, backward in (
            (_expire, False),
            (_expire, True),
            (_take_over, False),
            (_take_over, True),
        ):
            store, job = self._order_job(Workflow(Label(lease=timedelta(minutes=1))), tasks=1)
            assignment = Flow(store, clock=lambda: AT - timedelta(hours=1)).claim(
                "ben", job, Stage.LABEL
            )
            assert assignment is not None
            saved, taken = self._save_meets(assignment, take, store, backward=backward)
            assert isinstance(saved, NotHeld) is bool(taken), (saved, taken)
            store.close()

    @staticmethod
    def _save_meets(
        assignment: Assignment, take: Act, store: Store, *, backward: bool
    ) -> tuple[Any, Any]:
        def save(flow: Flow) -> Any:
            return flow.save(assignment, 1, Choice("cat"))

        if not backward:
            return run_overlapping(store, save, take)
        taken, saved = run_overlapping(store, take, save)
        return saved, taken

    def test_the_last_two_packages_finish_the_job_once(self) -> None:
        """Neither sees the other's end, and yet one of them ends the job."""
        store, job = self._order_job(Workflow(Label()), tasks=2)
        assignments = [self._claim_and_answer(store, job, name) for name in ("ben", "cy")]
        run_overlapping(
            store,
            lambda flow: flow.submit(assignments[0]),
            lambda flow: flow.submit(assignments[1]),
        )
        flow = Flow(store)
        assert flow.jobs.get(job).state is JobState.FINISHED
        assert len(ends_of(flow, job)) == 1
        store.close()

    def test_the_last_package_against_finish(self) -> None:
        """A job that ends by itself is not ended again, and none is ended over open work."""
        store, job = self._order_job(Workflow(Label()), tasks=1)
        assignment = self._claim_and_answer(store, job, "ben")
        _, finished = run_overlapping(
            store,
            lambda flow: flow.submit(assignment),
            lambda flow: flow.jobs.finish(job, by="ada"),
        )
        flow = Flow(store)
        # whoever comes second decides: `finish` is refused over open work, or finds it done
        assert isinstance(finished, Incomplete) or finished == flow.jobs.get(job)
        assert flow.jobs.get(job).state is JobState.FINISHED
        assert len(ends_of(flow, job)) == 1
        store.close()

    def test_a_claim_that_is_sent_twice_at_once(self) -> None:
        """A repeated token gives the same assignment, also when both requests are under way."""
        store, job = self._order_job(Workflow(Label()), tasks=2)
        # so that the claim counter is there
        Flow(store).claim("ben", job, Stage.LABEL, token="before")

        def claim(flow: Flow) -> Assignment | None:
            return flow.claim("ben", job, Stage.LABEL, token="again")

        one, two = run_overlapping(store, claim, claim)
        assert one.key == two.key
        store.close()

    def test_a_limit_holds_for_claims_at_once(self) -> None:
        """With a limit of one assignment a member gets one."""
        store, job = self._order_job(Workflow(Label(limit=2)), tasks=3)
        # one of the two that the limit allows is taken: only one of the next two may succeed
        Flow(store).claim("ben", job, Stage.LABEL)

        def claim(flow: Flow) -> Any:
            return flow.claim("ben", job, Stage.LABEL)

        came = run_overlapping(store, claim, claim)
        assert sum(assignment is not None for assignment in came) == 1
        store.close()

    def test_who_is_removed_gets_nothing_more(self) -> None:
        """Nor does a claim that was under way leave them with an assignment."""

        def claim(flow: Flow) -> Any:
            return flow.claim("ben", "signs", Stage.LABEL)

        self._end_meets(claim, lambda flow: flow.members.remove("street", "ben", by="ada"))

    def test_an_archived_job_gives_out_nothing_more(self) -> None:
        """Nor does a concurrent claim, or the offer of a reject, leave an assignment in it."""

        def claim(flow: Flow) -> Any:
            return flow.claim("ben", "signs", Stage.LABEL)

        def reject(flow: Flow) -> Any:
            (assignment,) = flow.assignments.list("di", live=False)
            return flow.reject(assignment, comment="no good", whole=True)

        for act in (claim, reject):
            self._end_meets(act, lambda flow: flow.jobs.archive("signs", by="ada"))

    def _end_meets(self, act: Act, end: Act) -> None:
        """Check that nobody has an assignment after *act* and *end* ran at once, in any order."""
        for backward in (False, True):
            store, job = self._order_job(Workflow(Label(), Inspect()), tasks=2)
            Flow(store).submit(self._claim_and_answer(store, job, "cy"))
            # di holds a review, so that a reject has work to offer back
            Flow(store).claim("di", job, Stage.INSPECT)
            pair = (act, end)
            if backward:
                pair = (end, act)
            run_overlapping(store, *pair)
            with store.read() as reader:
                assignments = list(reader.find(Query(Assignment, {"state": LIVE})))
                people = {
                    assignment.member: reader.get(Member, (assignment.member or 0,))
                    for assignment in assignments
                }
                assert all(person.active for person in people.values())
                assert not assignments or reader.get(Job, job.key).state is not JobState.ARCHIVED
            store.close()

    def test_an_administrator_is_always_left(self) -> None:
        """Also when two of them remove each other."""
        store, job = self._order_job(Workflow(Label()), tasks=1)
        flow = Flow(store)
        flow.members.set_role(job.workspace, "ben", Role.ADMIN, by="ada")
        run_overlapping(
            store,
            lambda flow: flow.members.remove(job.workspace, "ben", by="ada"),
            lambda flow: flow.members.remove(job.workspace, "ada", by="ben"),
        )
        left = [m for m in flow.members.list(job.workspace) if m.active and m.role is Role.ADMIN]
        assert len(left) == 1
        store.close()

    def test_two_changes_of_a_workforce(self) -> None:
        """The second does not undo the first."""
        store, job = self._order_job(Workflow(Label(), Inspect()), tasks=1)
        run_overlapping(
            store,
            lambda flow: flow.jobs.set_workforce(job, {Stage.LABEL: ["cy"]}, by="ada"),
            lambda flow: flow.jobs.set_workforce(job, {Stage.INSPECT: ["cy"]}, by="ada"),
        )
        now = Flow(store).jobs.get(job)
        assert now.crew(Stage.LABEL) == now.crew(Stage.INSPECT)
        assert len(now.crew(Stage.LABEL).members) == 1
        store.close()

    def test_who_follows_the_history_misses_nothing(self) -> None:
        """Not what was begun earlier and stored later."""
        store, job = self._order_job(Workflow(Label()), tasks=2)

        def act_and_follow(flow: Flow) -> list[Event]:
            flow.claim("cy", job, Stage.LABEL)
            return list(flow.events.since())

        _, seen = run_overlapping(
            store, lambda flow: flow.claim("ben", job, Stage.LABEL), act_and_follow
        )
        flow = Flow(store)
        everything = list(flow.events.since())
        # a follower goes on from the last position that it saw: nothing may come to lie before it
        assert [*seen, *flow.events.since(after=seen[-1].position)] == everything
        assert [event.type for event in everything].count("claim") == 2
        store.close()

    def test_threads_lose_nothing(self) -> None:
        """Eight of them count one package up, each in its own transactions."""
        store = self.open_store()
        with store.write() as writer:
            writer.add(make_package(size=0))

        def count_up() -> None:
            for _ in range(25):
                with store.write() as writer:
                    held = writer.lock(Package, (4, 1))
                    writer.save(change(held, size=held.size + 1))

        _in_threads(count_up, 8)
        with store.read() as reader:
            assert reader.get(Package, (4, 1)).size == 200
        store.close()

    def test_readers_see_whole_blocks(self) -> None:
        """Two packages always change together, and no reader sees them apart."""
        store = self.open_store()
        with store.write() as writer:
            writer.add(make_package(1, size=0), make_package(2, size=0))
        seen: list[tuple[int, int]] = []

        def write_and_read() -> None:
            for _ in range(50):
                with store.write() as writer:
                    one, two = (writer.lock(Package, (4, number)) for number in (1, 2))
                    writer.save(change(one, size=one.size + 1))
                    writer.save(change(two, size=two.size + 1))
            for _ in range(50):
                with store.read() as reader:
                    seen.append(
                        (reader.get(Package, (4, 1)).size, reader.get(Package, (4, 2)).size)
                    )

        _in_threads(write_and_read, 4)
        assert all(one == two for one, two in seen)
        store.close()

    def _order_job(self, workflow: Workflow, *, tasks: int) -> tuple[Store, Job]:
        """Return a store with a running job of one-task packages: ben and cy label, di inspects."""
        store = self.open_store()
        flow = Flow(store, clock=lambda: AT)
        home = flow.workspaces.create("street", admin="ada")
        for name in ("ben", "cy", "di"):
            flow.members.add(home, name, Role.OPERATOR, by="ada")
        people = {Stage.LABEL: ["ben", "cy"], Stage.INSPECT: ["di"], Stage.ACCEPT: ["ada"]}
        job = flow.jobs.create(
            home,
            "signs",
            template=templates.image_classification(["cat", "dog"]),
            data=[{"data": {"source": f"{number}.jpg"}} for number in range(tasks)],
            workflow=workflow,
            packaging=FixedSize(1),
            workforce={stage: people[stage] for stage in workflow.stages},
            by="ada",
        )
        return store, job

    @staticmethod
    def _claim_and_answer(store: Store, job: Job, name: str) -> Assignment:
        """Return an assignment of this member with everything answered."""
        flow = Flow(store, clock=lambda: AT)
        assignment = flow.claim(name, job, Stage.LABEL)
        assert assignment is not None
        flow.save_many(assignment, [(work, Choice("cat")) for work in flow.tasks(assignment)])
        return assignment


def _expire(flow: Flow) -> Any:
    return flow.assignments.expire("signs", by="ada")


def _take_over(flow: Flow) -> Any:
    return flow.claim("cy", "signs", Stage.LABEL)


def _in_threads(work: Callable[[], object], count: int) -> None:
    """Run *work* in several threads at once, and raise what any of them raised."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    with often_switched():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if failed:
        raise failed[0]
