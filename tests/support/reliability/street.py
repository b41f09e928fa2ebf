"""Where the trials happen: a job that eight people label, and a ledger of what the store has acknowledged."""

from __future__ import annotations

import os
import random
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from io import BytesIO
from typing import Any

import attrs

import itagflow
from itagflow import (
    AlreadyExists,
    Assignment,
    Choice,
    FixedSize,
    Flow,
    Job,
    Label,
    Role,
    Stage,
    Workflow,
    maintenance,
    templates,
)
from itagflow.model.task import Answer
from itagflow.storage import Query
from support.scenes import rows

PEOPLE = tuple(f"p{number}" for number in range(8))
LABELS = ("cat", "dog")
PACKAGES = 32
AT_ONCE = 5.0
"""For how many seconds anybody may wait for an act, on a machine that is busy with other things."""


def lay_out(flow: Flow, *, packages: int = PACKAGES) -> Job:
    """Return another job of packages of two tasks, in a workspace with ada and the eight people."""
    with suppress(AlreadyExists):
        home = flow.workspaces.create("street", admin="ada")
        for account in PEOPLE:
            flow.members.add(home, account, Role.OPERATOR, by="ada")
    return flow.jobs.create(
        "street",
        f"cats-{secrets.token_hex(4)}",
        template=templates.image_classification(LABELS),
        data=rows(2 * packages),
        workflow=Workflow(Label()),
        packaging=FixedSize(2),
        workforce={Stage.LABEL: [*PEOPLE, "ada"]},
        by="ada",
    )


class Ledger:
    """What the store has acknowledged, from any thread or process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._noted: dict[tuple[int, int, int], tuple[int, str]] = {}

    def note(self, key: Sequence[int], version: int, label: str) -> None:
        """Note an answer: its key, its version, and what it says."""
        job, assignment, task = key
        with self._lock:
            known = self._noted.get((job, assignment, task), (0, ""))
            self._noted[job, assignment, task] = max(known, (version, label))

    def check(self, flow: Flow) -> int:
        """Check that each answer is stored as it was acknowledged, or was replaced later; return how many there are."""
        with flow.store.read() as reader:
            for key, (version, label) in self._noted.items():
                stored = reader.get(Answer, key)
                assert stored.version >= version, (
                    f"{stored} is older than version {version}, which was acknowledged"
                )
                if stored.version == version:
                    assert stored.replies == {"1": Choice(label)}, f"{stored} should say {label}"
        return len(self._noted)


@attrs.define
class Worker:
    """One of the eight, who does any of the verbs, and notes what was acknowledged."""

    flow: Flow
    job: Job
    account: str
    ledger: Ledger
    draw: random.Random
    assignment: Assignment | None = None

    verbs: Sequence[Callable[[], object]] = ()
    """What they do, one as often as the other; anything unless given."""

    def __attrs_post_init__(self) -> None:
        reading = (self.look, self.list_results, self.freeze_results, self.export)
        self.verbs = self.verbs or (
            self.claim,
            self.save,
            self.save_many,
            self.release,
            self.load,
            *reading,
        )

    def work(self) -> None:
        """Do one of them."""
        self.draw.choice(self.verbs)()

    def held(self) -> Assignment:
        """Return what the worker holds: claimed before, or now."""
        return self.assignment or self.claim()

    def claim(self) -> Assignment:
        """Claim a package; what was held before is given back, also when its claim was interrupted."""
        for assignment in list(self.flow.assignments.list(self.account, job=self.job)):
            self.flow.release(assignment)
        self.assignment = self.flow.claim(self.account, self.job, Stage.LABEL)
        assert self.assignment is not None, "there are more packages than people"
        return self.assignment

    def release(self) -> None:
        """Give it back, if something is held."""
        assignment, self.assignment = self.assignment, None
        if assignment:
            self.flow.release(assignment)

    def save(self) -> Answer:
        """Label one task."""
        assignment = self.held()
        return self._noted(
            self.flow.save(assignment, self.draw.choice(tasks_of(assignment)), self._label())
        )

    def save_many(self) -> None:
        """Label all that is held in one act."""
        assignment = self.held()
        for answer in self.flow.save_many(
            assignment, [(task, self._label()) for task in tasks_of(assignment)]
        ):
            self._noted(answer)

    def look(self) -> None:
        """See how far the job is."""
        progress = self.flow.jobs.progress(self.job)
        assert progress.total == 2 * sum(progress.packages.values())

    def list_results(self) -> None:
        """Read all results, page by page."""
        assert (
            sum(1 for _ in self.flow.results.list(self.job))
            == self.flow.jobs.progress(self.job).total
        )

    def freeze_results(self) -> None:
        """Read all results of one moment."""
        assert (
            sum(1 for _ in self.flow.results.list(self.job, snapshot=True))
            == self.flow.jobs.progress(self.job).total
        )

    def export(self) -> None:
        """Write them to a file."""
        self.flow.results.export(self.job, "itag", BytesIO())

    def load(self) -> None:
        """Order another job, load its data, and delete it."""
        self.tidy()
        draft = self.flow.jobs.create(
            "street",
            f"{self.account}-{self.draw.getrandbits(40)}",
            template=templates.image_classification(LABELS),
            by="ada",
            draft=True,
        )
        assert self.flow.jobs.load(draft, rows(20), by="ada").loaded == 20
        self.flow.jobs.delete(draft, by="ada")

    def tidy(self) -> None:
        """Delete the jobs whose load was interrupted; one whose deletion was interrupted is in the way of `verify`."""
        for job in [
            job for job in self.flow.jobs.list("street") if job.name.startswith(f"{self.account}-")
        ]:
            self.flow.jobs.delete(job, by="ada")

    def _label(self) -> Choice:
        return Choice(self.draw.choice(LABELS))

    def _noted(self, answer: Answer) -> Answer:
        self.ledger.note(*noted(answer))
        return answer


def noted(answer: Answer) -> tuple[tuple[int, int, int], int, str]:
    """Return what a ledger notes of an answer."""
    assert answer.replies is not None
    reply = answer.replies["1"]
    assert isinstance(reply, Choice)
    return answer.key, answer.version, reply.key


def tasks_of(assignment: Assignment) -> tuple[int, int]:
    """Return the numbers of its two tasks."""
    return 2 * assignment.package - 1, 2 * assignment.package


def workers(flow: Flow, job: Job, ledger: Ledger, seed: int) -> Iterator[Worker]:
    """Return the eight."""
    return (
        Worker(flow, job, name, ledger, random.Random(seed + at)) for at, name in enumerate(PEOPLE)
    )


def is_closed(error: BaseException) -> bool:
    """Return whether it is our word that the store is closed."""
    return isinstance(error, itagflow.StoreFailed) and "closed" in error.reason


def descriptors(url: str) -> list[str]:
    """Return what this process has open for the store: files of the database, or connections to a server."""
    server, path = url.startswith("postgresql"), os.path.realpath(file_of(url))
    return [
        place
        for place in _open_files()
        if (place.startswith("socket:") if server else place.startswith(path))
    ]


def _open_files() -> Iterator[str]:
    for number in os.listdir("/proc/self/fd"):
        try:
            yield os.readlink(f"/proc/self/fd/{number}")
        except FileNotFoundError:
            continue  # it was the listing itself


def file_of(url: str) -> str:
    """Return the path of a store in a file."""
    return url.removeprefix("sqlite:///").partition("?")[0]


def is_file(url: str) -> bool:
    """Return whether the store is a file."""
    return not url.startswith(("memory", "postgresql"))


def check_locks(flow: Flow, url: str) -> None:
    """Check that this process takes the system's locks when it reads the file: a fork can make SQLite forget them."""
    found = os.stat(f"{file_of(url)}-shm")
    with flow.store.read() as reader:
        reader.count(Query(Job))
        with open("/proc/locks") as locks:
            mine = [
                line for line in locks if f" {os.getpid()} " in line and f":{found.st_ino} " in line
            ]
    assert mine, "this process reads the file without a lock"


def check_whole(url: str, ledger: Ledger) -> int:
    """Open the store again and check that it is sound and has all that was acknowledged; return how many answers."""
    with itagflow.open(url) as flow:
        found = check(flow, ledger)
    if is_file(url):
        with closing(sqlite3.connect(file_of(url))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return found


def check(flow: Flow, ledger: Ledger) -> int:
    """Check that the store is sound and has all that was acknowledged; return how many answers that are."""
    found = [str(difference) for difference in maintenance.verify(flow)]
    assert not found, found[:5]
    return ledger.check(flow)


def start(act: Callable[[], object], way: str = "threading") -> threading.Event:
    """Run *act* in a new thread of one kind, and return what tells that it has ended."""
    ended = threading.Event()

    def run() -> None:
        try:
            act()
        finally:
            ended.set()

    if way == "threading":
        threading.Thread(target=run, daemon=True).start()
    else:
        import _thread  # as C programs start them: the threading module does not know them

        _thread.start_new_thread(run, ())
    return ended


def everything(
    flow: Flow, job: Job, assignment: Assignment
) -> dict[str, Callable[[], Iterator[Any]]]:
    """Return every iterator of a Flow that may be left half read, each with two things to yield at least."""
    return {
        "results": lambda: flow.results.list(job),
        "frozen results": lambda: flow.results.list(job, snapshot=True),
        "found tasks": lambda: flow.results.find(job),
        "packages": lambda: flow.packages.list(job),
        "history": lambda: flow.events.list(job),
        "events": lambda: flow.events.since(),
        "listen": lambda: flow.events.follow(timeout=30),
        "tasks": lambda: flow.tasks(assignment),
        "assignments": lambda: flow.assignments.list("ada", job=job),
        "jobs": lambda: flow.jobs.list("street"),
        "members": lambda: flow.members.list("street"),
    }
