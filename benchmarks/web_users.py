"""Prints what the web app of the examples does for 5 and for 50 users at once, who never pause.

``python -m benchmarks.web_users 60 300`` lets the 5 work for 60 seconds and the 50 for 300; the
second number is the first unless given, and that is 15.  It needs ``fastapi`` and ``uvicorn``.
Every user labels package after package as the page does it: the list of what is available, a claim,
the tasks, an answer to each, and the submission.
"""

import http.client
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import itagflow
from benchmarks.shared.databases import postgres_database
from itagflow import (
    FixedSize,
    Flow,
    Inspect,
    Label,
    Role,
    Stage,
    Workflow,
    Workspace,
    maintenance,
    templates,
)

USERS = [f"user-{n}" for n in range(50)]
GROUPS = (5, 50)
PACKAGE = 5
TASKS_PER_SECOND = 1_000
"""How many tasks there are for each second: more than a group labels, so that nobody finds none."""
REPLIES = {"1": {"kind": "choice", "key": "cat"}}


def prepare(flow: Flow, tasks: int = 0) -> Workspace:
    """Order a job with so many tasks; where it is there already, it stays as it is."""
    home = flow.workspaces.create("web", admin="ada", exist_ok=True)
    for name in USERS:
        flow.members.add(home, name, Role.OPERATOR, by="ada", exist_ok=True)
    flow.jobs.create(
        home,
        "load",
        template=templates.image_classification(["cat", "dog"]),
        data=({"data": {"source": f"{n}.jpg"}} for n in range(tasks)),
        workflow=Workflow(Label(lease=timedelta(minutes=30), limit=2), Inspect()),
        packaging=FixedSize(PACKAGE),
        workforce={Stage.LABEL: USERS, Stage.INSPECT: ["ada"]},
        by="ada",
        exist_ok=True,
    )
    return home


def serve(store: str, port: int) -> None:
    """Serve the app, in a process of its own."""
    import uvicorn
    from examples.web.app import Settings, create_app

    passwords = dict.fromkeys(USERS, "demo")
    settings = Settings(store=store, media=Path(), secret="bench", passwords=passwords)
    app = create_app(settings, prepare)
    # a connection stays while the others sign in
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", timeout_keep_alive=120)


@dataclass
class Measured:
    """What one user saw."""

    statuses: Counter[int] = field(default_factory=Counter)
    claims: list[float] = field(default_factory=list)
    packages: list[int] = field(default_factory=list)
    done: int = 0


class User:
    """Somebody with the page open: one connection, which stays."""

    def __init__(self, account: str, port: int) -> None:
        self.measured = Measured()
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._headers = {"content-type": "application/json"}
        sent = {"account": account, "password": "demo"}
        session, headers = self._send("POST", "/api/session", sent)
        self._headers["x-csrf-token"] = session["token"]
        self._headers["cookie"] = headers["set-cookie"].partition(";")[0]

    def send(self, method: str, path: str, body: object = None) -> Any:
        """Send a request, and return what it answers."""
        return self._send(method, path, body)[0]

    def _send(self, method: str, path: str, body: object) -> tuple[Any, Any]:
        content = None if body is None else json.dumps(body)
        self._connection.request(method, path, content, self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        self.measured.statuses[answer.status] += 1
        return json.loads(text) if text else None, answer.headers

    def work(self, until: float) -> None:
        """Label packages until that time."""
        while time.perf_counter() < until:
            (job,) = self.send("GET", "/api/work/label")["available"]
            begin = time.perf_counter()
            claimed = self.send("POST", f"/api/jobs/{job['id']}/claim/label", {})["assignment"]
            self.measured.claims.append(time.perf_counter() - begin)
            self.measured.packages.append(claimed["package"])
            path = f"/api/jobs/{job['id']}/assignments/{claimed['id']}"
            for item in self.send("GET", path)["items"]:
                body = {"replies": REPLIES, "expected_version": item["version"], "seconds": 1}
                self.send("PUT", f"{path}/tasks/{item['task']['number']}", body)
            self.send("POST", f"{path}/submit", {})
            self.measured.done += 1


def run_group(port: int, size: int, seconds: float) -> tuple[list[Measured], float]:
    """Have so many users work at once; return what each saw, and how long all of it took."""
    users = [User(account, port) for account in USERS[:size]]
    barrier = Barrier(size + 1)

    def begin(user: User) -> None:
        barrier.wait()
        user.work(time.perf_counter() + seconds)

    with ThreadPoolExecutor(size) as pool:
        working = [pool.submit(begin, user) for user in users]
        barrier.wait()  # signing in is not counted
        start = time.perf_counter()
        for each in working:
            each.result()  # a user who fails ends the measurement
    return [user.measured for user in users], time.perf_counter() - start


@contextmanager
def running(store: str) -> Iterator[int]:
    """Serve the app over a store, and give its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.web_users", "serve", store, str(port)]
    with subprocess.Popen(command) as server:
        try:
            while not _is_up(port) and server.poll() is None:
                time.sleep(0.1)
            yield port
        finally:
            server.terminate()


def _is_up(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def measure(name: str, store: str, periods: Sequence[float]) -> None:
    """Print one row for each group of users, and what there was of mistakes."""
    with itagflow.open(store) as flow:
        prepare(flow, int(TASKS_PER_SECOND * max(periods)))
    given: list[int] = []
    statuses: Counter[int] = Counter()
    rates: list[float] = []
    with running(store) as port:
        run_group(port, 2, 1)  # what is imported and opened once
        for size, seconds in zip(GROUPS, periods, strict=True):
            found, took = run_group(port, size, seconds)
            rates.append(sum(each.done for each in found) / took)
            claims = sorted(claim for each in found for claim in each.claims)
            given += [package for each in found for package in each.packages]
            for each in found:
                statuses += each.statuses
            p95 = statistics.quantiles(claims, n=20)[-1]
            median = statistics.median(claims)
            print(
                f"{name:8} {size:3} users: {rates[-1]:7.1f} packages/s, claim median "
                f"{median * 1000:6.1f} ms, p95 {p95 * 1000:6.1f} ms, {len(claims)} claims"
            )
    twice = len(given) - len(set(given))
    with itagflow.open(store) as flow:
        inconsistent = sum(1 for _ in maintenance.verify(flow))
    failed = sum(count for status, count in statuses.items() if status >= 500)
    refused = sum(count for status, count in statuses.items() if 400 <= status < 500)
    print(
        f"{name:8} throughput at {GROUPS[1]} over that at {GROUPS[0]}: {rates[1] / rates[0]:.2f}; "
        f"{sum(statuses.values())} requests, {failed} failed, {refused} refused, "
        f"{twice} packages given out twice, {inconsistent} inconsistencies"
    )


def main() -> None:
    """Measure both stores."""
    if sys.argv[1:2] == ["serve"]:
        serve(sys.argv[2], int(sys.argv[3]))
        return
    few, *more = [float(each) for each in sys.argv[1:]] or [15]
    periods = (few, *(more or [few]))
    with tempfile.TemporaryDirectory() as folder, postgres_database() as postgres:
        for name, store in (("SQLite", f"{folder}/web.db"), ("PG", postgres.new("web"))):
            measure(name, store, periods)


if __name__ == "__main__":
    main()
