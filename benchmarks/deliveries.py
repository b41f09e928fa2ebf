"""Events delivered in a second by a Worker, beside a loop written by hand that sends the same.

``python -m benchmarks.deliveries [NORMAL FULL PG]``, NORMAL and PG unless named.  Both read the
same log from its beginning, and take turns.  They post each event, or a hundred at once, to a
server in another process, signed as Standard Webhooks and over one connection; or call a function
that does nothing.  The loop reads `flow.events.since`; after each message it stores by hand, in a
table of the same database, how far it has come, as nothing is delivered at least once without that.
It knows no other worker, no delays and no dead letters.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import multiprocessing
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from multiprocessing.connection import Connection
from typing import Any

import attrs
import psycopg
import urllib3

from benchmarks.appends import databases
from benchmarks.shared.databases import Database, tidy
from benchmarks.shared.jobs import create_job
from benchmarks.shared.timing import show, timed
from itagflow import Event, Flow, delivery
from itagflow.delivery import Function, Webhook, Worker

EVENTS = 2_000
JOBS = 10
"""How many jobs the events are of, in turns."""
BATCH = 100
ROUNDS = 3
DATABASES = ("NORMAL", "PG")
TABLE = "CREATE TABLE bare (name VARCHAR(20) PRIMARY KEY, position BIGINT)"

Send = Callable[[Sequence[Event]], object]
"""Sends some events as one message."""


class Handler(BaseHTTPRequestHandler):
    """Answers every post that it takes it, and keeps the connection."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Read the message, and answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def serve(tell: Connection) -> None:
    """Serve on a port that is told to the process that began this one."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    tell.send(server.server_port)
    server.serve_forever()


@attrs.frozen
class Cursor:
    """How far the loop by hand has come, kept in a table of its own."""

    save: Callable[[str, int], object]


def open_cursor(database: Database, url: str, stack: ExitStack) -> Cursor:
    """Return what stores a position by hand, as durably as the database does."""
    if url.startswith("postgresql"):
        server = stack.enter_context(psycopg.connect(url, autocommit=True))
        server.execute(TABLE)
        text = "INSERT INTO bare VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET position = excluded.position"
        return Cursor(lambda name, position: server.execute(text, (name, position)))
    path = url.removeprefix("sqlite:///").partition("?")[0]
    file = stack.enter_context(closing(sqlite3.connect(path, isolation_level=None)))
    file.execute(f"PRAGMA synchronous = {database.name}")
    file.execute(TABLE)
    return Cursor(
        lambda name, position: file.execute(
            "INSERT OR REPLACE INTO bare VALUES (?, ?)", (name, position)
        )
    )


@contextmanager
def open_posts(url: str, secret: str, *, is_batch: bool) -> Iterator[Send]:
    """Yield what posts events by hand, over one connection."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    pool = urllib3.PoolManager(maxsize=1)

    def post(events: Sequence[Event]) -> None:
        payloads = [describe(event) for event in events]
        body = json.dumps(payloads if is_batch else payloads[0]).encode()
        id, at = f"msg_{events[0].position}", str(int(time.time()))
        digest = hmac.new(key, b".".join((id.encode(), at.encode(), body)), hashlib.sha256).digest()
        headers = {
            "content-type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": at,
            "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        }
        answer = pool.request("POST", url, body=body, headers=headers)
        assert answer.status == 204

    yield post
    pool.clear()


def describe(event: Event) -> dict[str, Any]:
    """Return the JSON of an event, with the same fields as that of the library."""
    return {
        "id": f"msg_{event.position}",
        "type": event.type,
        "position": event.position,
        "at": event.at.isoformat(),
        "workspace": str(event.workspace),
        "job": str(event.job),
        "package": event.package or None,
        "tasks": list(event.tasks),
        "became": event.became,
        "outcomes": {became: list(tasks) for became, tasks in event.outcomes.items()},
        "account": event.account,
        "data": dict(event.data),
    }


def send_by_hand(flow: Flow, cursor: Cursor, name: str, send: Send, size: int) -> None:
    """Send all events of the log, and note after each message how far that is."""
    log = flow.events.since()
    while events := list(islice(log, size)):
        send(events)
        cursor.save(name, events[-1].position)


def deliver(flow: Flow, name: str, receiver: Webhook | Function) -> None:
    """Deliver all events of the log to a receiver that has had none."""
    Worker(flow, {name: receiver}).run_once()
    assert delivery.status(flow, name).lag == 0


def compare(database: Database, events: int, rounds: int, hook: str) -> None:
    """Print how many events a second a Worker delivers, and the loop by hand."""
    secret = delivery.make_secret()
    with ExitStack() as stack:
        flow, url = stack.enter_context(database.open("deliveries"))
        cursor = open_cursor(database, url, stack)
        jobs = [create_job(flow, f"job-{n}", 1, 1) for n in range(JOBS)]
        for number in range(events):
            flow.jobs.update(jobs[number % JOBS], by="ada", remark=f"change {number}")
        total = flow.store.high_water_mark()
        tidy(url)
        one = stack.enter_context(open_posts(hook, secret, is_batch=False))
        many = stack.enter_context(open_posts(hook, secret, is_batch=True))
        ways: dict[str, tuple[Webhook | Function, Send, int]] = {
            "a post each": (Webhook(hook, secret=secret), one, 1),
            f"posts of {BATCH}": (Webhook(hook, secret=secret, batch=BATCH), many, BATCH),
            "a call each": (Function(ignore), ignore, 1),
        }
        for way, (receiver, send, size) in ways.items():
            workers, by_hand = list[float](), list[float]()
            for turn in range(rounds):
                name = f"{way.replace(' ', '-')}-{turn}"
                workers.append(timed(partial(deliver, flow, name, receiver)))
                by_hand.append(timed(partial(send_by_hand, flow, cursor, name, send, size)))
            worker, hand = total / statistics.median(workers), total / statistics.median(by_hand)
            figure = f"by hand {hand:,.0f} /s"
            show(database.name, way, worker / hand, f"{worker:,.0f} /s", figure)


def ignore(_: object) -> None:
    """Do nothing."""


def main() -> None:
    """Print a line for each way to send, on each database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("databases", nargs="*", help="NORMAL and PG unless named")
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    hear, tell = context.Pipe(duplex=False)
    server = context.Process(target=serve, args=(tell,), daemon=True)
    server.start()
    hook = f"http://127.0.0.1:{hear.recv()}/hook"
    with ExitStack() as stack:
        for database in databases(asked.databases or list(DATABASES), stack):
            compare(database, asked.events, asked.rounds, hook)
    server.terminate()


if __name__ == "__main__":
    main()
