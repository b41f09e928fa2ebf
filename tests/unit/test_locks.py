"""Transactions lock rows in one order, and refuse every other one."""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.scenes import Clock, cats, labeled, rows, taken
from toy_store import ToyStore

import itagflow
from itagflow import (
    AssignmentState,
    Flow,
    Job,
    Label,
    NotFound,
    PackageCount,
    Stage,
    Workflow,
)
from itagflow.core.transaction import LOCK_ORDER, LockOrder, LockOrderError, Transaction
from itagflow.model.copying import evolve
from itagflow.model.delivery import DeliveryCursor
from itagflow.model.entity import Entity, Key, advance
from itagflow.model.event import Event
from itagflow.model.jobcounter import JobCounter
from itagflow.model.lot import AcceptanceLot
from itagflow.model.package import Assignment, ClaimCounter, Package
from itagflow.model.plan import LotEntry
from itagflow.model.task import Answer, Task
from itagflow.model.template import Template
from itagflow.model.workspace import Member, Workspace
from itagflow.storage.port import Query
from itagflow.testing.builders import make_assignment

HOME = Path(itagflow.__file__).parent
SERVICES = [
    file
    for file in sorted(HOME.rglob("*.py"))
    if file.relative_to(HOME).parts[0] not in ("api", "flow.py", "storage", "testing")
    and file != HOME / "core/transaction.py"
]
"""All but stores, their contract, and what only delegates."""
BY_PLACE = {"maintenance/copying.py": {"writer.remove"}}  # from a store that is only filled by it
LIMITED = Workflow(Label(limit=5))
Step = Callable[[Transaction, Job], object]


@pytest.fixture
def memory(clock: Clock) -> Iterator[Flow]:
    with itagflow.open("memory:", clock=clock) as flow:
        yield flow


@pytest.fixture
def job(memory: Flow) -> Job:
    """A job with three packages; ben holds the first and the second, and has a claim counter."""
    job = cats(memory, tasks=3, size=1, workflow=LIMITED)
    for _ in range(2):
        taken(memory, "ben", job)
    return job


def package(number: int) -> Step:
    return lambda transaction, job: transaction.lock(Package, (job.id, number))


def numbered(*numbers: int) -> Step:
    return lambda transaction, job: transaction.lock_numbered(job.id, numbers)


def replaced(*numbers: int) -> Step:
    return lambda transaction, job: transaction.replace_numbered(job.id, numbers, lambda: promote)


def promote(package: Package) -> Package:
    """Give a package another priority."""
    return evolve(package, priority=package.priority + 1)


def assignment(number: int) -> Step:
    """Lock the assignment on a package by itself."""

    def lock(transaction: Transaction, job: Job) -> object:
        query = Query(Assignment, {"job": job.id, "package": number})
        return transaction.lock(Assignment, next(iter(transaction.store.find(query))).key)

    return lock


def counter(transaction: Transaction, job: Job) -> object:
    (found,) = transaction.store.find(Query(ClaimCounter, {"job": job.id}))
    return transaction.lock(ClaimCounter, found.key)


def task(transaction: Transaction, job: Job) -> object:
    return transaction.lock(Task, (job.id, 1))


def event(transaction: Transaction, job: Job) -> object:
    return transaction.lock(
        Event, next(iter(transaction.store.find(Query(Event, {"job": job.id})))).key
    )


def the_job(transaction: Transaction, job: Job) -> object:
    return transaction.lock_job(job)


def shared_job(transaction: Transaction, job: Job) -> object:
    return transaction.lock(Job, job.key, shared=True)


def member(name: str, *, shared: bool = True) -> Step:
    return lambda transaction, job: transaction.lock(
        Member, transaction.member(job.workspace, name).key, shared=shared
    )


def workspace(transaction: Transaction, job: Job) -> object:
    return transaction.lock(Workspace, (job.workspace,))


def job_counter(transaction: Transaction, job: Job) -> object:
    return transaction.lock_job_counter(job.id)


def saved_job(transaction: Transaction, job: Job) -> object:
    return transaction.replace(transaction.job(job), job)


def take_first(number: int) -> Step:
    return lambda transaction, job: transaction.lock_first(
        Query(Package, {"job": job.id, "number": number}, limit=1)
    )


LAWFUL: dict[str, list[Step]] = {
    "all kinds": [
        package(1),
        package(2),
        task,
        assignment(1),
        assignment(2),
        counter,
        job_counter,
        the_job,
        member("ada"),
        member("ben"),
        event,
    ],
    "members by one who changes them": [workspace, member("ben", shared=False), event],
    "again what is locked": [package(1), counter, the_job, package(1), counter, the_job],
    "shared what is locked exclusively": [the_job, shared_job, the_job],
    "a package that is free": [
        package(2),
        counter,
        the_job,
        take_first(1),
        assignment(1),
        take_first(3),
    ],
    "assignments of a locked package": [
        package(1),
        package(2),
        assignment(2),
        assignment(1),
        counter,
    ],
    "an assignment alone": [assignment(1)],
    "packages by their numbers": [numbered(1, 3), assignment(1), counter, the_job],
    "packages that are locked already": [package(1), numbered(1, 2, 3), replaced(1, 3)],
    "packages as they are replaced": [replaced(1, 2), package(3), counter, the_job],
}
UNLAWFUL: dict[str, list[Step]] = {
    "a counter behind its job": [the_job, job_counter],
    "a claim counter behind that of the job": [job_counter, counter],
    "numbered packages behind a job": [the_job, numbered(1, 2)],
    "a package behind numbered ones": [numbered(1, 3), package(2)],
    "replaced packages behind a job": [the_job, replaced(1, 2)],
    "a package behind replaced ones": [replaced(1, 3), package(2)],
    "replaced packages again": [replaced(1, 3), replaced(1, 3)],
    "a lower package": [package(2), package(1)],
    "a package behind a task": [package(1), task, package(2)],
    "a package behind an assignment": [package(1), assignment(1), package(2)],
    "a package behind a lone assignment": [assignment(1), package(1)],
    "a claim counter behind a lone assignment": [assignment(1), counter],
    "a job behind a lone assignment": [assignment(1), the_job],
    "two lone assignments": [assignment(1), assignment(2)],
    "an assignment of a package that is not locked": [package(1), assignment(2)],
    "an assignment behind a claim counter": [counter, assignment(1)],
    "a package behind a claim counter": [counter, package(1)],
    "a package behind a job": [the_job, package(1)],
    "a package behind one that was taken": [take_first(2), package(1)],
    "a claim counter behind a job": [the_job, counter],
    "a job behind a member": [member("ada"), the_job],
    "members not by key": [member("ben"), member("ada")],
    "a workspace behind a package": [package(1), workspace],
    "a package behind an event": [event, package(1)],
    "a shared job, then exclusively": [shared_job, the_job],
    "a shared job, then saved": [shared_job, saved_job],
    "a member exclusively behind a job": [the_job, member("ada", shared=False)],
}


@pytest.mark.parametrize("name", LAWFUL)
def test_rows_are_locked_in_order(memory: Flow, job: Job, name: str) -> None:
    with memory._engine.transaction() as transaction:
        for step in LAWFUL[name]:
            step(transaction, job)


@pytest.mark.parametrize("name", UNLAWFUL)
def test_another_order_is_refused_at_the_step_that_breaks_it(
    memory: Flow, job: Job, name: str
) -> None:
    *before, wrong = UNLAWFUL[name]
    with memory._engine.transaction() as transaction:
        for step in before:
            step(transaction, job)
        with pytest.raises(LockOrderError):
            wrong(transaction, job)


def test_a_kind_without_a_place_in_the_order_is_refused(memory: Flow, job: Job) -> None:
    with (
        memory._engine.transaction() as transaction,
        pytest.raises(LockOrderError, match=r"Template .* is not in LOCK_ORDER"),
    ):
        transaction.lock(Template, (job.template,))


def test_an_error_names_both_rows() -> None:
    locks = LockOrder()
    locks.require_next(ClaimCounter, (4, "label", 2), shared=False)
    with pytest.raises(
        LockOrderError, match=r"Package \(4, 1\) is locked behind ClaimCounter \(4, 'label', 2\)"
    ):
        locks.require_next(Package, (4, 1), shared=False)
    with pytest.raises(LockOrderError, match="locked without its package"):
        locks.require_package(make_assignment(), is_locked=False)


def test_every_kind_that_is_locked_has_one_place() -> None:
    kinds: set[type[Entity]] = {
        Workspace,
        Package,
        AcceptanceLot,
        Task,
        Assignment,
        ClaimCounter,
        JobCounter,
        Job,
        Member,
        Event,
        DeliveryCursor,
    }
    assert set(LOCK_ORDER) == kinds
    assert len(LOCK_ORDER) == len(kinds)
    order = [LOCK_ORDER.index(kind) for kind in (Package, Assignment, ClaimCounter, Job, Member)]
    assert order == sorted(order)
    assert not kinds.intersection({Answer, Template})


def test_the_authors_of_rejected_work_are_locked_by_key(flow: Flow) -> None:
    """Both authors get an offer, also where the one with the higher key came first."""
    workflow = Workflow(Label(votes=2), itagflow.Accept())
    job = cats(flow, tasks=1, size=1, workflow=workflow, accept=["ada"])
    for name in ("cy", "ben"):
        labeled(flow, name, job)
    flow.reject(taken(flow, "ada", job, Stage.ACCEPT), comment="blurred", whole=True)
    for name in ("cy", "ben"):
        assert [one.state for one in flow.assignments.list(name, job=job)] == [
            AssignmentState.OFFERED
        ]


class TestNumbered:
    """Packages are replaced by their numbers, in whatever way the store does it."""

    @pytest.fixture(params=["memory", "toy"])
    def filled(self, request: pytest.FixtureRequest, memory: Flow) -> Iterator[tuple[Flow, Job]]:
        flow = memory if request.param == "memory" else Flow(ToyStore())
        yield flow, cats(flow, tasks=4, size=1)
        flow.close()

    def test_what_changes_has_its_next_version(self, filled: tuple[Flow, Job]) -> None:
        flow, job = filled

        def change(package: Package) -> Package:
            if package.number == 2:
                return package
            new = promote(package)
            # one that is advanced already is not advanced again
            return advance(new) if package.number == 3 else new

        with flow._engine.transaction() as transaction:
            transaction.replace_numbered(job.id, [1, 2, 3], lambda: change)
        found = [(package.priority, package.version) for package in flow.packages.list(job)]
        assert found == [(1, 1), (0, 0), (1, 1), (0, 0)]

    @pytest.mark.parametrize("step", [numbered, replaced])
    def test_the_first_that_is_not_there_is_named(
        self, filled: tuple[Flow, Job], step: Callable[..., Step]
    ) -> None:
        flow, job = filled
        with (
            pytest.raises(NotFound, match=rf"no Package \({job.id}, 5\)"),
            flow._engine.transaction() as transaction,
        ):
            step(1, 2, 5, 7)(transaction, job)
        assert {package.priority for package in flow.packages.list(job)} == {0}

    def test_jobs_whose_lots_are_touched_are_noted(self, filled: tuple[Flow, Job]) -> None:
        flow, job = filled
        with flow._engine.transaction() as transaction:
            transaction.replace_numbered(
                job.id,
                [1],
                lambda: lambda package: evolve(package, in_lots=True, lot_entry=LotEntry()),
            )
            assert transaction.changed_lots == {job.id}
            transaction.changed_lots.clear()

    def test_a_batch_replaces_only_what_it_has_locked(self, filled: tuple[Flow, Job]) -> None:
        """It locks all its packages at its beginning: none later."""
        flow, job = filled
        for step in (numbered(2, 3), replaced(2, 3)):
            with flow._engine.transaction() as transaction:
                transaction.begin_operation()
                with pytest.raises(NotFound):
                    step(transaction, job)

    def test_no_numbers_are_no_question(self, filled: tuple[Flow, Job]) -> None:
        flow, job = filled
        with flow._engine.transaction() as transaction:
            transaction.replace_numbered(job.id, [], lambda: promote)
            assert transaction.lock_numbered(job.id, []) == []


class TestABatch:
    """Operations one after another in one transaction."""

    def test_its_next_operation_locks_its_job_behind_the_members_of_the_last(
        self, memory: Flow, job: Job
    ) -> None:
        with memory._engine.transaction() as transaction:
            for step in (package(1), package(2), shared_job, member("ben")):
                step(transaction, job)
            with pytest.raises(LockOrderError):
                member("ada")(transaction, job)
            transaction.begin_operation()
            member("ada")(transaction, job)
            shared_job(transaction, job)

    def test_its_next_operation_locks_no_earlier_job(self) -> None:
        locks = LockOrder()
        steps: list[tuple[type[Entity], Key]] = [(Package, (4, 1)), (Job, (4,)), (Member, (9,))]
        for kind, key in steps:
            locks.require_next(kind, key, shared=True)
        locks.begin_operation()
        for kind, key in ((Job, (3,)), (ClaimCounter, (4, "label", 2)), (Package, (5, 1))):
            with pytest.raises(LockOrderError):
                locks.require_next(kind, key, shared=True)
        locks.require_next(Job, (5,), shared=True)
        locks.require_next(Member, (2,), shared=True)

    def test_a_package_that_is_not_there_is_reported_and_the_others_are_done(
        self, memory: Flow, job: Job
    ) -> None:
        done = memory.assignments.assign_many(
            [(job.id, 99), (job.id, 3), (job.id, 98)], "cy", by="ada"
        )
        assert [type(one.error) for one in done] == [NotFound, type(None), NotFound]
        assert [str(done[at].error) for at in (0, 2)] == [
            f"no Package ({job.id}, {n})" for n in (99, 98)
        ]

    def test_jobs_of_several_people_are_rejected_together(self, flow: Flow) -> None:
        """The authors of one package come before those of the last: members are locked again in each operation."""
        flow.workspaces.create("street", admin="ada")
        for name in ("ben", "cy"):
            flow.members.add("street", name, itagflow.Role.OPERATOR, by="ada")
        held = list[Assignment]()
        for name, people in (("first", "cy"), ("second", "ben")):
            job = flow.jobs.create(
                "street",
                name,
                template=itagflow.templates.image_classification(["cat", "dog"]),
                data=rows(2),
                packaging=itagflow.FixedSize(1),
                workflow=Workflow(Label(), itagflow.Accept()),
                workforce={Stage.LABEL: [people], Stage.ACCEPT: ["ada"]},
                by="ada",
            )
            for _ in range(2):
                labeled(flow, people, job)
            held += flow.claim_many("ada", job, Stage.ACCEPT, 2)
        done = flow.reject_many(held, comment="blurred", whole=True, by="ada")
        assert [one.error for one in done] == [None] * 4
        for name in ("ben", "cy"):
            offers = [
                one for one in flow.assignments.list(name) if one.state is AssignmentState.OFFERED
            ]
            assert len(offers) == 2


def test_who_loads_a_draft_locks_its_packages_before_the_job(postgres_url: str) -> None:
    """Who prelabels the draft holds a package and then wants the job: with the job locked that is a deadlock."""
    with itagflow.open(postgres_url) as flow:
        job = cats(flow, tasks=3, packaging=PackageCount(2), draft=True)
        reports = list[itagflow.model.LoadReport]()
        loading = threading.Thread(
            target=lambda: reports.append(flow.jobs.load(job, rows(5), by="ada"))
        )
        with flow.store.write() as other:
            other.lock(Package, (job.id, 2))
            loading.start()
            loading.join(1.0)  # it cannot end: the package is locked
            assert loading.is_alive()
            assert other.lock(Job, job.key).id == job.id
        loading.join(30.0)
        assert [report.loaded for report in reports] == [2]


def test_services_lock_and_write_through_the_transaction() -> None:
    """Nothing but `Transaction` calls these verbs of a store; what has no Transaction is listed."""
    for file in SERVICES:
        place = file.relative_to(HOME).as_posix()
        assert direct_calls(file) - BY_PLACE.get(place, set()) == set(), place


def direct_calls(file: Path) -> set[str]:
    """The calls in a file that lock or write without a Transaction."""
    verbs = {"lock", "lock_first", "save", "remove"}
    calls = {
        f"{ast.unparse(node.func.value)}.{node.func.attr}"
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in verbs
    }
    return {call for call in calls if not call.startswith(("transaction.", "self._transaction."))}


def test_the_transaction_is_the_place_where_they_are_called() -> None:
    source = (HOME / "core/transaction.py").read_text("utf-8")
    assert all(
        f"self._writer.{verb}(" in source for verb in ("lock", "lock_first", "save", "remove")
    )
