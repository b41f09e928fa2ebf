"""A process forks while its threads work: each child writes, or says at once that it cannot; nobody waits for ever."""

from __future__ import annotations

import multiprocessing
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import itagflow
from itagflow import (
    AlreadyExists,
    Choice,
    Flow,
    Job,
    StoreFailed,
    WrongState,
    templates,
)
from support.reliability.children import (
    MEMORY,
    REFUSED,
    TIMEOUT,
    WROTE,
    Children,
    House,
    is_refusal,
)
from support.reliability.street import (
    AT_ONCE,
    LABELS,
    Ledger,
    Worker,
    check,
    check_locks,
    descriptors,
    file_of,
    is_file,
    noted,
    start,
    tasks_of,
)
from support.reliability.trials import SETTINGS
from support.scenes import rows


def write(flow: Flow, job: Job, account: str = "p7") -> list[Any]:
    """Write and read, as a child does, and return what was acknowledged."""
    assignment = next(flow.assignments.list(account, job=job), None) or flow.claim(
        account, job, itagflow.Stage.LABEL
    )
    assert assignment
    answers = list[Any]()
    for task in (*tasks_of(assignment), *tasks_of(assignment)):
        answers += [
            noted(flow.save(assignment, task, Choice(random.choice(LABELS)))) for _ in range(2)
        ]
    flow.workspaces.create(f"of-{account}-{os.getpid()}-{secrets.token_hex(2)}", admin="ada")
    assert (
        sum(1 for _ in flow.results.list(job, snapshot=True)) == flow.jobs.progress(job).total > 0
    )
    if is_file(flow.store.name):
        check_locks(flow, flow.store.name)
    return answers


def count_events(flow: Flow, verb: str) -> int:
    """Return how many events of one kind there are."""
    return sum(event.type == verb for event in flow.events.since())


def fate_of_most(url: str) -> tuple[str, ...]:
    """Return what may become of a child that was forked outside of any act of its own."""
    return (REFUSED,) if url == MEMORY else (WROTE,)


def during_writes(url: str, forks: int) -> str:
    """Forks while three threads write: every child writes."""
    house, draw = House(url), random.Random(1)
    children = Children(house.ledger)
    before = count_events(house.flow, "create_workspace")
    house.begin()
    for number in range(forks):
        time.sleep(draw.uniform(0, 0.02))
        children.fork(lambda: write(house.flow, house.job))
        if number % 3 == 2:
            children.wait_all()
    said = children.only(*fate_of_most(url))
    house.end()
    made = count_events(house.flow, "create_workspace") - before
    assert made == children.fates[WROTE], (
        f"{children.fates[WROTE]} children wrote, {made} workspaces are there"
    )
    return f"{said}, {house.writes} acts of the parent, {house.close()} answers kept"


def inside_a_policy(url: str, forks: int) -> str:
    """A policy call forks: the act that was under way fails in the child, which then writes, or refuses at once."""
    house = House(url)
    children, worker = Children(house.ledger), house.worker("p5")
    before = count_events(house.flow, "add_member")
    house.begin()
    for number in range(forks):
        refused, verb = False, worker.claim if number % 4 < 2 else house.invite
        house.inside = (
            children.fork_on
            if number % 2
            else lambda: children.fork(lambda: write(house.flow, house.job))
        )
        try:
            verb()
        except StoreFailed:
            refused = True
        if children.is_child:
            children.tell(lambda refused=refused: _after(refused, house))
        assert not refused, "the parent's own act was refused"
        children.wait_all()
    said = children.only(WROTE, REFUSED)
    house.end()
    assert count_events(house.flow, "add_member") == before + house.invited
    return f"{said}, {house.close()} answers kept"


def _after(refused: bool, house: House) -> list[Any]:
    """Write after the act in which the fork happened; it must not have seemed to succeed in the child as well."""
    assert refused, "an act of the parent seems to have been stored by the child"
    return write(house.flow, house.job)


def inside_a_signal_handler(url: str, forks: int) -> str:
    """A signal handler forks wherever the main thread is; half of the children go on from there."""
    house, draw = House(url), random.Random(2)
    children, worker = Children(house.ledger), house.worker("p5")
    forked = list[int]()
    house.begin()
    for number in range(forks):
        act = (
            children.fork_on
            if number % 2
            else lambda: children.fork(lambda: write(house.flow, house.job))
        )
        signal.signal(signal.SIGALRM, lambda *_, act=act: forked.append(act()))
        signal.setitimer(signal.ITIMER_REAL, draw.uniform(0.0002, 0.01))
        while len(forked) == number:
            try:
                worker.work()
            except (AlreadyExists, WrongState):
                continue  # a child that goes on draws the same names, and it was faster
            except StoreFailed:
                if not children.is_child:
                    raise
        if children.is_child:
            children.tell(lambda: write(house.flow, house.job))
        children.wait_all()
    said = children.only(WROTE, REFUSED)
    house.end()
    return f"{said}, {house.close()} answers kept"


def with_two_flows(url: str, other: str, forks: int) -> str:
    """Forks while threads write to two stores, or twice to the same: every child writes through both Flows."""
    house = House(url)
    second = House(other, ledger=house.ledger if other == url != MEMORY else Ledger())
    # each child takes its turn twice, behind the writers of two stores
    children, draw = Children(Ledger(), limit=4 * AT_ONCE), random.Random(3)
    house.begin(2)
    second.begin(2)
    for number in range(forks):
        time.sleep(draw.uniform(0, 0.02))
        children.fork(
            lambda: (write(house.flow, house.job), write(second.flow, second.job, "p6"))[0]
        )
        if number % 3 == 2:
            children.wait_all()
    said = children.only(*fate_of_most(url))
    house.end()
    second.end()
    # closed first: what is open for either store would be taken for the other's
    kept = check(second.flow, second.ledger)
    second.flow.close()
    return f"{said}, {kept} and {house.close()} answers kept"


def inside_an_act_on_another_flow(url: str, other: str, forks: int) -> str:
    """A policy of one Flow forks; the child writes through the other Flow: it may refuse only on the same store."""
    house = House(url)
    second = House(other, ledger=house.ledger if other == url != MEMORY else Ledger())
    children = Children(second.ledger)
    second.begin(2)
    for _ in range(forks):
        house.inside = lambda: children.fork(lambda: write(second.flow, second.job))
        house.invite()
        children.wait_all()
    said = children.only(WROTE, *((REFUSED,) if other == url else ()), *fate_of_most(url))
    second.end()
    kept = check(second.flow, second.ledger)
    second.flow.close()
    return f"{said}, {kept} and {house.close()} answers kept"


def during_a_load(url: str, size: int) -> str:
    """Forks while a thread loads: every child writes, and all rows are there in the end."""
    house, draw = House(url), random.Random(5)
    children, reports, errors = Children(house.ledger), list[Any](), list[BaseException]()
    draft = _draft(house)
    loaded = start(lambda: _load(house, draft, rows(size), reports, errors))
    while not loaded.wait(draw.uniform(0.0, size / 60_000)):
        children.fork(lambda: write(house.flow, house.job))
        children.wait_all()
    assert not errors, errors
    assert house.flow.jobs.progress(draft).total == reports[0].loaded == size
    said = children.only(*fate_of_most(url))
    return f"{size} rows, {said}, {house.close()} answers kept"


def by_the_data(url: str, size: int) -> str:
    """The rows that are loaded come from an iterator that forks, between two acts of the load: the child writes."""
    house = House(url)
    children, reports, errors = Children(house.ledger), list[Any](), list[BaseException]()

    def forking() -> Iterator[Any]:
        for number, row in enumerate(rows(size)):
            if number % (size // 5) == 1:
                children.fork(lambda: write(house.flow, house.job))
            yield row

    draft = _draft(house)
    _load(house, draft, forking(), reports, errors)
    assert not errors, errors
    said = children.only(*fate_of_most(url))
    assert house.flow.jobs.progress(draft).total == size
    return f"{said}, {house.close()} answers kept"


def _draft(house: House) -> Job:
    return house.flow.jobs.create(
        "street",
        f"big-{secrets.token_hex(4)}",
        template=templates.image_classification(LABELS),
        by="ada",
        draft=True,
    )


def _load(
    house: House, draft: Job, data: Any, reports: list[Any], errors: list[BaseException]
) -> None:
    try:
        reports.append(house.flow.jobs.load(draft, data, by="ada"))
    except BaseException as error:
        errors.append(error)


def that_exit(url: str, forks: int) -> str:
    """Children end as programs do, by `sys.exit` through the `with` of the Flow: the parent does not notice."""
    house = House(url)
    children = Children(house.ledger)
    house.begin()
    with house.flow:
        worker, frozen = house.worker("p5"), house.flow.results.list(house.job, snapshot=True)
        next(frozen)
        acts = (
            lambda: write(house.flow, house.job),
            lambda: None,
            lambda: house.flow.close() and None,
        )
        for number in range(forks):
            if children.fork_on() == 0:
                children.tell(acts[number % 3], sys.exit)
            children.wait_all()
            worker.save()
        assert sum(1 for _ in frozen) == house.flow.jobs.progress(house.job).total - 1, (
            "the parent's own snapshot has ended"
        )
        said = children.only(WROTE, REFUSED)
        house.end()
        kept = check(house.flow, house.ledger)
    assert url == MEMORY or not descriptors(url), descriptors(url)
    return f"{said}, {kept} answers kept"


def with_a_half_read_snapshot(url: str, forks: int) -> str:
    """A snapshot is half read at the fork: the child cannot read it on, the parent reads it to its end."""
    house = House(url, packages=300)
    children = Children(house.ledger, limit=30)
    for number in range(forks):
        frozen = house.flow.results.list(house.job, snapshot=True)
        next(frozen)

        def act(frozen: Iterator[object] = frozen) -> list[Any]:
            with suppress(StoreFailed):
                raise AssertionError(
                    f"the child reads {len(list(frozen))} more in the snapshot of its parent"
                )
            return write(house.flow, house.job)

        if number % 2:  # the thread that forks is another one
            assert start(lambda act=act: children.fork(act)).wait(TIMEOUT), "the fork hangs"
        else:
            children.fork(act)
        children.wait_all()
        assert sum(1 for _ in frozen) == house.flow.jobs.progress(house.job).total - 1
    said = children.only(WROTE, REFUSED)
    return f"{said}, {house.close()} answers kept"


def of_children(url: str, forks: int) -> str:
    """Children fork again: the grandchildren write as well."""
    house = House(url)
    children = Children(house.ledger)
    house.begin()
    for _ in range(forks):
        if children.fork_on() == 0:
            children.tell(lambda: _have_a_child(house))
        children.wait_all()
    said = children.only(*fate_of_most(url))
    house.end()
    return f"{said}, {house.close()} answers kept"


def _have_a_child(house: House) -> list[Any]:
    answers = write(house.flow, house.job)
    grandchildren = Children(house.ledger)
    grandchildren.fork(lambda: write(house.flow, house.job, "p6"))
    grandchildren.only(WROTE)
    return answers


def by_multiprocessing(url: str, way: str, count: int) -> str:
    """Processes of the standard library: forked ones use the Flow of their parent, others open their own."""
    house = House(url)
    context: Any = multiprocessing.get_context(way)
    fates = context.Queue()
    house.begin(2)
    given = (house.flow if way == "fork" else None, url, house.job.id, fates)
    processes = [context.Process(target=in_process, args=given) for _ in range(count)]
    for process in processes:
        process.start()
    told = [fates.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(TIMEOUT)
        assert process.exitcode == 0, f"a child ended with {process.exitcode}"
    assert {fate for fate, _ in told} <= set(fate_of_most(url)), told
    for _, answers in told:
        for line in answers:
            house.ledger.note(*line)
    house.end()
    return (
        f"{count} processes {dict(Counter(fate for fate, _ in told))}, {house.close()} answers kept"
    )


def in_process(flow: Flow | None, url: str, job: int, fates: Any) -> None:
    """Write in a process of `multiprocessing`."""
    try:
        if flow is None:
            with itagflow.open(url) as opened:
                fates.put((WROTE, write(opened, opened.jobs.get(job))))
        else:
            fates.put((WROTE, write(flow, flow.jobs.get(job))))
    except StoreFailed as error:
        fates.put((REFUSED if is_refusal(error) else str(error), []))


HOLDER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("COMMIT")
"""


def while_another_process_holds_the_file(url: str, seconds: float) -> str:
    """Another program holds the file's lock for long, and the parent's threads wait for it: the fork does not."""
    house = House(url)
    children = Children(house.ledger, limit=seconds + AT_ONCE)
    house.begin()
    command = [sys.executable, "-c", HOLDER, file_of(url), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=SETTINGS) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        for _ in range(3):
            time.sleep(0.1)
            children.fork(lambda: write(house.flow, house.job))
        said = children.only(WROTE, REFUSED)
    assert children.longest_fork < 6, f"a fork took {children.longest_fork:.1f} s"
    house.end()
    return f"{said}, {house.close()} answers kept"


def while_it_is_closed(url: str, forks: int) -> str:
    """Forks while another thread closes the Flow: the child finds it closed or works; nobody waits for ever."""
    fates, draw = Counter[str](), random.Random(6)
    longest = 0.0
    for _ in range(forks):
        house = House(url)
        children, said = Children(house.ledger), list[object]()
        ended = [start(partial(_until_closed, house.worker(f"p{at}"))) for at in range(2)]
        time.sleep(0.02)
        closer = start(lambda house=house, said=said: said.append(house.flow.close()))
        time.sleep(draw.uniform(0, 0.003))
        children.fork(lambda house=house: _unless_closed(house))
        assert closer.wait(TIMEOUT), "closing waits for ever"
        assert said == [True], said
        assert all(one.wait(TIMEOUT) for one in ended)
        children.only(WROTE, *fate_of_most(url), REFUSED)
        fates += children.fates
        longest = max(longest, children.longest_fork)
        assert url == MEMORY or not descriptors(url), descriptors(url)
    return f"children {dict(fates)}, slowest fork {longest:.3f} s"


def _unless_closed(house: House) -> list[Any]:
    try:
        return write(house.flow, house.job)
    except StoreFailed as error:
        if "closed" in error.reason:
            return []
        raise


def _until_closed(worker: Worker) -> None:
    with suppress(StoreFailed):
        while True:
            worker.work()
