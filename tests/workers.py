"""What other processes do in the tests; in a module of its own, so that they can import it."""

from __future__ import annotations

from pathlib import Path

import itagflow
from itagflow import Choice, Flow, JobPart, Stage
from itagflow.model.entity import changed
from itagflow.model.event import Event
from itagflow.model.package import Package
from itagflow.store import Query
from itagflow.stores import SqliteStore
from itagflow.testing import a_package, an_event


def open_and_add(given: tuple[str, int]) -> None:
    store = SqliteStore(given[0])
    with store.write() as writer:
        writer.add(a_package(given[1]))
    store.close()


def count_up(path: str) -> None:
    store = SqliteStore(path, synchronous="NORMAL")
    for _ in range(50):
        with store.write() as writer:
            held = writer.hold(Package, (4, 1))
            writer.save(changed(held, size=held.size + 1))
    store.close()


def write(store: SqliteStore) -> None:
    with store.write() as writer:
        writer.add(a_package(9))


def write_in_child(store: SqliteStore) -> None:
    with store.write() as writer:
        writer.add(an_event("child"))
    store.close()


def look(store: SqliteStore) -> None:
    with store.read() as reader:
        reader.count(Query(Event))


def claim_all(flow: Flow, job: int, name: str) -> list[tuple[int, int]]:
    """Claim until nothing is there, and return (turn, package) of each."""
    turns = iter(lambda: flow.claim(name, job, Stage.LABEL), None)
    return [(turn.id, turn.package) for turn in turns]


def claim_in_process(given: tuple[str, int, str]) -> list[tuple[int, int]]:
    path, job, name = given
    with itagflow.open(f"sqlite:///{path}?synchronous=normal") as flow:
        return claim_all(flow, job, name)


def finish_in_process(given: tuple[str, int, str]) -> int:
    path, job, name = given
    done = 0
    with itagflow.open(f"sqlite:///{path}?synchronous=normal") as flow:
        while turn := flow.claim(name, job, Stage.LABEL):
            for work in flow.tasks(turn):
                flow.save(turn, work, Choice("cat"))
            flow.submit(turn)
            done += 1
    return done


def count_cats(path: Path, part: JobPart) -> int:
    with itagflow.open(path) as flow:
        return sum(1 for _ in flow.find_tasks(part, label="cat"))
