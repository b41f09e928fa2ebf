"""A soak: everybody does anything on PostgreSQL, while connections are cut and the server is restarted.

Nobody gets what somebody else has, and whatever a verb had returned is there.  ``ITAGFLOW_SOAK`` says for how many
seconds; 60 unless set.  Above that it is the long form: 16 processes and three restarts.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import invariants
import postgres
import psycopg
from scenes import rows
from soaking import PEOPLE, Soak, soak

import itagflow
from itagflow import Accept, Assignment, FixedSize, Flow, Inspect, Job, Label, Role, Stage, Workflow, codec, templates
from itagflow.model.package import LIVE, TurnState
from itagflow.model.task import Answer
from itagflow.store import Query

SECONDS = float(os.environ.get("ITAGFLOW_SOAK", "60"))
LONG = SECONDS > 60
PROCESSES = 16 if LONG else 4
RESTARTS = ("fast", "immediate", "fast") if LONG else ("immediate",)
"""How the server is stopped each time: orderly, or as in a crash."""
SETTINGS = ("fsync=off",)
"""The server crashes, the machine does not: what the server had written, the machine still has."""
WORKFLOW = Workflow(
    Label(votes=2, limit=3, lease=timedelta(seconds=1)), Inspect(limit=2, allow_own_work=True), Accept()
)
SPAWN = multiprocessing.get_context("spawn")


def order(flow: Flow) -> Job:
    home = flow.create_workspace("street", admin="ada")
    for name in PEOPLE:
        flow.add_member(home, name, Role.OPERATOR, by="ada")
    return flow.create_job(
        home,
        "soak",
        template=templates.image_classification(["cat", "dog"]),
        data=rows(16),
        workflow=WORKFLOW,
        packaging=FixedSize(2),
        workforce=dict.fromkeys(WORKFLOW.stages, PEOPLE),
        by="ada",
    )


def disturb(server: postgres.Server, draw: random.Random) -> int:
    """Cut connections at random moments, restart the server now and then, and return how many were cut."""
    began, cuts = time.monotonic(), 0
    for number, mode in enumerate((*RESTARTS, None), 1):
        until = began + SECONDS * number / (len(RESTARTS) + 1)
        with closing(psycopg.connect(server.url, autocommit=True)) as connection:
            while time.monotonic() < until:
                time.sleep(draw.uniform(0, 0.5))
                cuts += cut_one(connection, draw)
        if mode:
            server.stop(mode)
            server.start()
    return cuts


def cut_one(connection: psycopg.Connection[Any], draw: random.Random) -> bool:
    """Cut a connection that is in the middle of an act, and return whether there was one."""
    others = "backend_type = 'client backend' AND pid <> pg_backend_pid() AND state <> 'idle'"
    pids = connection.execute(f"SELECT pid FROM pg_stat_activity WHERE {others} ORDER BY pid").fetchall()
    return bool(pids) and connection.execute("SELECT pg_terminate_backend(%s)", draw.choice(pids)).fetchone() == (True,)


def test_nothing_is_lost_and_nobody_gets_what_another_has(tmp_path: Path) -> None:
    with postgres.running(SETTINGS) as server:
        with itagflow.open(server.url) as flow:
            job = order(flow)
        given = [Soak(server.url, job.id, seed, SECONDS, tmp_path / f"{seed}") for seed in range(PROCESSES)]
        with SPAWN.Pool(PROCESSES) as pool:
            working = pool.map_async(soak, given, 1)
            while not working.ready() and sum(1 for _ in tmp_path.iterdir()) < PROCESSES:
                time.sleep(0.1)  # until everybody is there
            cuts = disturb(server, random.Random(PROCESSES))
            done = sum(working.get(timeout=SECONDS + 300), Counter[str]())
        with itagflow.open(server.url) as flow:
            found = Found(flow, job, list(notes(tmp_path)))
            print(f"{PROCESSES} processes, {SECONDS:g} s, {len(RESTARTS)} restarts, {cuts} cuts", found.figures(), done)
            assert cuts
            assert done["called again"]
            found.check_answers()
            found.check_turns()
            found.check_slots()
            found.check_hands()
            invariants.check(flow)


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
        self.noted, self.history = noted, list(flow.history(job))
        with flow.store.read() as reader:
            self.turns = {turn.id: turn for turn in reader.find(Query(Assignment, {"job": job.id}))}
            self.answers = list(reader.find(Query(Answer, {"job": job.id})))

    def of(self, *verbs: str) -> list[dict[str, Any]]:
        return [body for verb, body in self.noted if verb in verbs]

    def figures(self) -> str:
        return f"{len(self.history)} events, {len(self.turns)} turns, noted: {Counter(verb for verb, _ in self.noted)}"

    def check_answers(self) -> None:
        """Each answer that was saved is there, word for word, or in the history as what another has replaced."""
        kept = {text(codec.to_json(answer)) for answer in self.answers}
        kept |= {text(was) for event in self.history for was in event.data.get("was", {}).values()}
        saved = {text(body) for body in self.of("save_many", "modify")}
        assert saved
        assert saved - kept == set()

    def check_turns(self) -> None:
        """Each turn is still its member's, and one that has ended stays as it ended."""
        claims = self.of("claim")
        assert claims
        stored = {id: json.loads(text(codec.to_json(turn))) for id, turn in self.turns.items()}
        for field in ("member", "package", "stage", "round", "made_at", "scope"):
            assert [turn for turn in claims if stored.get(turn["id"], {}).get(field) != turn.get(field)] == []
        tokens = Counter((turn.member, turn.token) for turn in self.turns.values() if turn.token)
        assert set(tokens.values()) == {1}, "a claim that was sent again got another turn"
        ended = self.of("submit", "review", "accept", "reject", "release")
        assert [turn for turn in ended if stored.get(turn["id"]) != turn] == []

    def check_slots(self) -> None:
        """No stage of a round had more turns than it needs, and nobody votes twice."""
        kept = [turn for turn in self.turns.values() if turn.member and turn.state is not TurnState.RETURNED]
        slots = Counter((turn.package, turn.round, turn.stage) for turn in kept)
        assert [slot for slot, count in slots.items() if count > needed(slot[-1])] == []
        votes = Counter((turn.package, turn.round, turn.member) for turn in kept if turn.stage is Stage.LABEL)
        assert set(votes.values()) == {1}

    def check_hands(self) -> None:
        """At no moment was a package in more hands than its stage needs."""
        hands = defaultdict[int, set[Assignment]](set)
        for event in self.history:
            for move in event.changes:
                if (move.kind, move.field) == ("turn", "state"):
                    turn = self.turns[move.key[-1]]
                    here = hands[turn.package]
                    (here.add if TurnState(move.after) in LIVE else here.discard)(turn)
            here = hands[event.package]
            assert all(len(here) <= needed(turn.stage) for turn in here), event


def needed(stage: Stage) -> int:
    """How many turns a stage needs for one package."""
    return WORKFLOW.label.votes if stage is Stage.LABEL else 1
