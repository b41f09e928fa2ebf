"""Send events to a webhook and verify them there with the standard library alone.

Run it: ``python examples/webhooks.py``.  It needs ``pip install 'itagflow[webhooks]'``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import itagflow
from itagflow import Role, delivery
from itagflow.delivery import Webhook, Worker

SECRET = delivery.make_secret()


def is_genuine(headers: dict[str, str], body: bytes) -> bool:
    """Return whether a request was signed with the secret, within the last five minutes."""
    id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(timestamp)) > 300:
        return False
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    digest = hmac.new(key, f"{id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(digest).decode()
    signatures = headers["webhook-signature"].split()
    return any(hmac.compare_digest(signature, expected) for signature in signatures)


class Receiver(BaseHTTPRequestHandler):
    """The receiver: it is busy at first, and takes each event once."""

    calls: ClassVar[int] = 0
    taken: ClassVar[dict[str, str]] = {}

    def do_POST(self) -> None:
        """Take an event unless it is known."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): text for name, text in self.headers.items()}
        Receiver.calls += 1
        if Receiver.calls == 1:
            self.send_response(503)
            self.send_header("Retry-After", "1")
        elif is_genuine(headers, body):
            event = json.loads(body)
            self.taken.setdefault(headers["webhook-id"], event["type"])
            self.send_response(204)
        else:
            self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Write no log."""


def main(folder: Path) -> None:
    """Add members, and deliver the events; the first delivery is tried twice."""
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    webhook = Webhook(f"http://127.0.0.1:{server.server_port}/events", secret=SECRET)

    with itagflow.open(folder / "labels.db") as flow:
        street = flow.workspaces.create("street", admin="ada")
        for name in ("ben", "cy"):
            flow.members.add(street, name, Role.OPERATOR, by="ada")
        worker = Worker(flow, {"training": webhook})
        thread = Thread(target=worker.run)
        thread.start()
        while len(Receiver.taken) < 3:
            time.sleep(0.05)
        worker.stop()
        thread.join()
        lag = delivery.status(flow, "training").lag
    server.shutdown()
    server.server_close()
    types = ", ".join(Receiver.taken.values())
    print(f"{Receiver.calls} calls, {len(Receiver.taken)} events, lag {lag}: {types}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
