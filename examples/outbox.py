"""Delivers every event to a webhook, in order and each at least once, also when somebody pulls the plug.

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
    """Deliver every event that is not yet delivered; the file *cursor* remembers how far that is."""
    with closing(sqlite3.connect(cursor, isolation_level=None)) as file:
        file.execute(
            "CREATE TABLE IF NOT EXISTS cursor (id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER)"
        )
        (after,) = file.execute("SELECT coalesce(max(position), 0) FROM cursor").fetchone()
        for event in flow.events.since(after=after):
            deliver(event)
            # whoever dies here delivers this event once more the next time: with the same position
            file.execute("INSERT OR REPLACE INTO cursor VALUES (1, ?)", [event.position])


def webhook(host: str, path: str) -> Callable[[Event], object]:
    """Return what posts an event to a host; it raises unless the answer is a success."""

    def post(event: Event) -> None:
        said = {
            "type": event.type,
            "job": str(event.job),
            "package": event.package,
            "text": str(event),
        }
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(event.position)}
        with closing(HTTPConnection(host, timeout=10)) as connection:
            connection.request("POST", path, json.dumps(said), headers)
            if (status := connection.getresponse().status) >= 300:
                raise ConnectionError(f"{host}{path} answers {status}")

    return post


class Receiver(BaseHTTPRequestHandler):
    """The other side: takes each event once, whatever comes twice."""

    calls: ClassVar[int] = 0
    taken: ClassVar[dict[int, str]] = {}

    def do_POST(self) -> None:
        """Take an event, unless it is known."""
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Receiver.calls += 1
        self.taken.setdefault(int(self.headers["Idempotency-Key"]), said["verb"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def main(folder: Path) -> None:
    """Add people; the first follower breaks down after its second delivery, the next one goes on."""
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    post = webhook(f"127.0.0.1:{server.server_port}", "/events")

    def post_and_break(event: Event) -> None:
        post(event)
        if event.position == 2:
            raise KeyboardInterrupt

    with itagflow.open(folder / "labels.db") as flow:
        street = flow.workspaces.create("street", admin="ada")
        for name in ("ben", "cy"):
            flow.members.add(street, name, Role.OPERATOR, by="ada")
        try:
            follow(flow, post_and_break, folder / "cursor.db")
        except KeyboardInterrupt:
            print("broke down")
        follow(flow, post, folder / "cursor.db")
    server.shutdown()
    server.server_close()
    print(
        f"{Receiver.calls} calls, {len(Receiver.taken)} events: {', '.join(Receiver.taken.values())}"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
