"""Deliver every event to a webhook, in order and at least once, also after a crash.

Run it: ``python examples/outbox.py``.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import itagflow
from itagflow import Event, Flow, Role


def follow(flow: Flow, deliver: Callable[[Event], object], cursor: Path) -> None:
    """Deliver every event after the position stored in the file *cursor*."""
    with closing(sqlite3.connect(cursor, isolation_level=None)) as file:
        file.execute(
            "CREATE TABLE IF NOT EXISTS cursor "
            "(id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER)"
        )
        (after,) = file.execute("SELECT coalesce(max(position), 0) FROM cursor").fetchone()
        for event in flow.events.since(after=after):
            deliver(event)
            # a crash here delivers this event again in the next run, with the same position
            file.execute("INSERT OR REPLACE INTO cursor VALUES (1, ?)", [event.position])


def webhook(host: str, path: str) -> Callable[[Event], object]:
    """Return a function that posts an event to a host; it raises unless the host accepts it."""

    def post(event: Event) -> None:
        message = {
            "type": event.type,
            "job": str(event.job),
            "package": event.package,
            "text": str(event),
        }
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(event.position)}
        with closing(HTTPConnection(host, timeout=10)) as connection:
            connection.request("POST", path, json.dumps(message), headers)
            if (status := connection.getresponse().status) >= 300:
                raise ConnectionError(f"{host}{path} answered {status}")

    return post


class Receiver(BaseHTTPRequestHandler):
    """The receiver: it accepts each event once, also when it is delivered twice."""

    calls: ClassVar[int] = 0
    accepted: ClassVar[dict[int, str]] = {}

    def do_POST(self) -> None:
        """Accept an event unless it is known."""
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Receiver.calls += 1
        self.accepted.setdefault(int(self.headers["Idempotency-Key"]), message["type"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Write no log."""


def main(folder: Path) -> None:
    """Add members; the first follower stops after its second delivery, the next one goes on."""
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    post = webhook(f"127.0.0.1:{server.server_port}", "/events")

    def post_and_stop(event: Event) -> None:
        post(event)
        if event.position == 2:
            raise KeyboardInterrupt

    with itagflow.open(folder / "labels.db") as flow:
        street = flow.workspaces.create("street", admin="ada")
        for name in ("ben", "cy"):
            flow.members.add(street, name, Role.OPERATOR, by="ada")
        try:
            follow(flow, post_and_stop, folder / "cursor.db")
        except KeyboardInterrupt:
            print("interrupted")
        follow(flow, post, folder / "cursor.db")
    server.shutdown()
    server.server_close()
    types = ", ".join(Receiver.accepted.values())
    print(f"{Receiver.calls} calls, {len(Receiver.accepted)} events: {types}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
