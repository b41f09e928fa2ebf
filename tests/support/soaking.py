"""What the processes of a soak do and note, and what must be found in the end; here, so that they can import it."""

from __future__ import annotations

import inspect
import json
import logging
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any, TextIO

import attrs
import psycopg

import itagflow
from itagflow import (
    Accept,
    AlreadyExists,
    Assignment,
    FixedSize,
    Flow,
    Inspect,
    InvalidData,
    Job,
    Label,
    NotFound,
    Role,
    Stage,
    StoreFailed,
    Workflow,
    templates,
)
from itagflow.errors import RuleError
from itagflow.model.package import LIVE, AssignmentState
from itagflow.model.task import Answer
from itagflow.storage import Query, codec
from support import invariants
from support.scenes import rows
from support.workers import PEOPLE, VERBS, erase

CUT = (
    "the connection was lost",
    "the server stopped the statement",
    "the server is starting or stopping",
)
"""Why a call is made again; whatever else the store says is no fault of the server, and ends the soak."""
NOTED = frozenset(
    {"claim", "save_many", "modify", "submit", "review", "accept", "reject", "release"}
)
"""The verbs of those who work: what these return is noted."""
WORKFLOW = Workflow(
    Label(votes=2, limit=3, lease=timedelta(seconds=1)),
    Inspect(limit=2, allow_own_work=True),
    Accept(),
)
KEEPING = tuple(verb for verb in VERBS if verb is not erase)
"""What they do; nothing is erased, for every answer is looked for in the end."""


@attrs.frozen
class Soak:
    """One process of it."""

    url: str
    job: int
    seed: int
    seconds: float
    notes: Path
    """Where it notes what the store has promised to keep; the second thread and those behind it add their number."""
    threads: int = 1
    """How many threads work in it, over one Flow."""


def without_author(assignment: dict[str, Any]) -> dict[str, Any]:
    """*assignment* without what still changes after its end.

    An inspector is no author any more once the package is labeled as a whole again.
    """
    return {key: value for key, value in assignment.items() if key not in ("authored", "version")}


class Insistent:
    """Calls a Flow until the store has answered, and notes what it has said."""

    def __init__(self, open: Callable[[], Flow], notes: TextIO) -> None:
        self.again = 0
        """How many calls were made again."""
        self._notes = notes
        self.flow: Flow = self._insist(open)

    def __getattr__(self, name: str) -> Any:
        if inspect.isfunction(getattr(Flow, name, None)):
            return partial(self.call, name)
        return InsistentNamespace(self, name)

    def call(self, verb: str, *given: Any, **more: Any) -> Any:
        """Call a verb by its name, such as ``claim`` or ``jobs.pause``."""
        said = self._insist(lambda: read(attrgetter(verb)(self.flow)(*given, **more)))
        for entity in said if isinstance(said, list) else [said]:
            if verb in NOTED and entity is not None:
                print(json.dumps([verb, codec.to_json(entity)]), file=self._notes, flush=True)
        return said

    def _insist(self, call: Callable[[], Any]) -> Any:
        while True:
            try:
                return call()
            except StoreFailed as error:
                if not error.reason.startswith(CUT):
                    raise
                self.again += 1
                time.sleep(0.02)


class InsistentNamespace:
    """Calls the verbs of one namespace of a Flow in the same way."""

    def __init__(self, insistent: Insistent, name: str) -> None:
        self._insistent, self._name = insistent, name

    def __getattr__(self, verb: str) -> Any:
        return partial(self._insistent.call, f"{self._name}.{verb}")


def read(said: Any) -> Any:
    """All of what is said bit by bit."""
    return list(said) if isinstance(said, Iterator) else said


def carry_on(flow: Flow, job: int, name: str, draw: random.Random) -> None:
    """Resume: who called again to pause was told that it is paused, and left it so."""
    flow.jobs.resume(job, by="ada")


def soak(given: Soak) -> Counter[str]:
    """Do anything as anybody until the time is over, and return how often each verb was done, refused, called again."""
    # it warns of each connection that is cut
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    until = time.monotonic() + given.seconds
    with given.notes.open("w") as notes:
        first = Insistent(partial(itagflow.open, given.url), notes)
        with ThreadPoolExecutor(given.threads) as pool:
            more = [
                pool.submit(_work_beside, first.flow, given, number, until)
                for number in range(1, given.threads)
            ]
            done = _work(first, given, random.Random(given.seed), until)
            done = sum((other.result() for other in more), done)
        first.flow.close()
    return done


def _work_beside(flow: Flow, given: Soak, number: int, until: float) -> Counter[str]:
    """Work in another thread of the process."""
    with given.notes.with_name(f"{given.notes.name}-{number}").open("w") as notes:
        draw = random.Random(given.seed * 1_000 + number)
        return _work(Insistent(lambda: flow, notes), given, draw, until)


def _work(flow: Any, given: Soak, draw: random.Random, until: float) -> Counter[str]:
    done = Counter[str]()
    while time.monotonic() < until:
        verb = draw.choice((*KEEPING, carry_on))
        try:
            verb(flow, given.job, draw.choice(PEOPLE), draw)
            done[verb.__name__] += 1
        except (RuleError, InvalidData, AlreadyExists, NotFound):
            done["refused"] += 1
    done["called again"] = flow.again
    return done


def order(flow: Flow) -> Job:
    home = flow.workspaces.create("street", admin="ada")
    for name in PEOPLE:
        flow.members.add(home, name, Role.OPERATOR, by="ada")
    return flow.jobs.create(
        home,
        "soak",
        template=templates.image_classification(["cat", "dog"]),
        data=rows(16),
        workflow=WORKFLOW,
        packaging=FixedSize(2),
        workforce=dict.fromkeys(WORKFLOW.stages, PEOPLE),
        by="ada",
    )


def cut_one(connection: psycopg.Connection[Any], draw: random.Random) -> bool:
    """Cut a connection that is in the middle of an act, and return whether there was one."""
    others = "backend_type = 'client backend' AND pid <> pg_backend_pid() AND state <> 'idle'"
    pids = connection.execute(
        f"SELECT pid FROM pg_stat_activity WHERE {others} ORDER BY pid"
    ).fetchall()
    return bool(pids) and connection.execute(
        "SELECT pg_terminate_backend(%s)", draw.choice(pids)
    ).fetchone() == (True,)


def notes(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """What verbs had returned, by the processes' own word."""
    for path in sorted(folder.iterdir()):
        for line in path.read_text().splitlines():
            verb, body = json.loads(line)
            yield verb, body


def text(body: Any) -> str:
    return json.dumps(body, sort_keys=True)


class Found:
    """What the store has in the end, beside what its verbs had returned."""

    def __init__(self, flow: Flow, job: Job, noted: list[tuple[str, dict[str, Any]]]) -> None:
        self.flow, self.noted, self.history = flow, noted, list(flow.events.list(job))
        with flow.store.read() as reader:
            self.assignments = {
                assignment.id: assignment
                for assignment in reader.find(Query(Assignment, {"job": job.id}))
            }
            self.answers = list(reader.find(Query(Answer, {"job": job.id})))

    def of(self, *verbs: str) -> list[dict[str, Any]]:
        return [body for verb, body in self.noted if verb in verbs]

    def figures(self) -> str:
        noted = Counter(verb for verb, _ in self.noted)
        return f"{len(self.history)} events, {len(self.assignments)} assignments, noted: {noted}"

    def check(self) -> None:
        """Check all that there is to check."""
        self.check_answers()
        self.check_assignments()
        self.check_slots()
        self.check_hands()
        invariants.check(self.flow)

    def check_answers(self) -> None:
        """Each answer that was saved is there, word for word, or in the history as what another has replaced."""
        kept = {text(codec.to_json(answer)) for answer in self.answers}
        kept |= {
            text(replaced)
            for event in self.history
            for replaced in event.data.get("previous", {}).values()
        }
        saved = {text(body) for body in self.of("save_many", "modify")}
        assert saved
        assert saved - kept == set()

    def check_assignments(self) -> None:
        """Each assignment is still its member's, and one that has ended stays as it ended."""
        claims = self.of("claim")
        assert claims
        stored = {
            id: json.loads(text(codec.to_json(assignment)))
            for id, assignment in self.assignments.items()
        }
        for field in ("member", "package", "stage", "round", "made_at", "scope"):
            assert [
                assignment
                for assignment in claims
                if stored.get(assignment["id"], {}).get(field) != assignment.get(field)
            ] == []
        tokens = Counter(
            (assignment.member, assignment.token)
            for assignment in self.assignments.values()
            if assignment.token
        )
        # a short trial on a busy machine may have none
        assert set(tokens.values()) <= {1}, f"one claim, two assignments: {tokens.most_common(3)}"
        ended = self.of("submit", "review", "accept", "reject", "release")
        assert [
            assignment
            for assignment in ended
            if without_author(stored.get(assignment["id"], {})) != without_author(assignment)
        ] == []

    def check_slots(self) -> None:
        """No stage of a round had more assignments than it needs, and nobody votes twice."""
        kept = [
            assignment
            for assignment in self.assignments.values()
            if assignment.member and assignment.state is not AssignmentState.RETURNED
        ]
        slots = Counter(
            (assignment.package, assignment.round, assignment.stage) for assignment in kept
        )
        assert [slot for slot, count in slots.items() if count > needed(slot[-1])] == []
        votes = Counter(
            (assignment.package, assignment.round, assignment.member)
            for assignment in kept
            if assignment.stage is Stage.LABEL
        )
        assert set(votes.values()) == {1}

    def check_hands(self) -> None:
        """At no moment was a package in more hands than its stage needs."""
        hands = defaultdict[int, set[Assignment]](set)
        for event in self.history:
            for move in event.changes:
                if (move.kind, move.field) == ("assignment", "state"):
                    assignment = self.assignments[move.key[-1]]
                    here = hands[assignment.package]
                    (here.add if AssignmentState(move.after) in LIVE else here.discard)(assignment)
            here = hands[event.package]
            assert all(len(here) <= needed(assignment.stage) for assignment in here), event


def needed(stage: Stage) -> int:
    """How many assignments a stage needs for one package."""
    return WORKFLOW.label.votes if stage is Stage.LABEL else 1
