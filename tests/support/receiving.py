"""A receiver of webhooks that verifies each signature, and behaves as a test says."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import attrs
from standardwebhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@attrs.frozen
class Request:
    """One request, whose signature was right."""

    headers: dict[str, str]
    path: str
    payload: Any

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@attrs.frozen
class Answer:
    """What a receiver does about a request."""

    status: int = 204
    headers: dict[str, str] = attrs.field(factory=dict[str, str])
    body: bytes = b""
    wait: float = 0
    """How many seconds it takes."""
    is_cut: bool = False
    """Whether it closes the connection without an answer."""
    dripping: float = 0
    """How many seconds pass between two bytes of its body."""


class Receiver:
    """An HTTP server that keeps the requests that it has taken."""

    def __init__(self, secret: str = SECRET) -> None:
        self.requests: list[Request] = []
        self.taken: list[Request] = []
        self.connections = 0
        self.answer: Callable[[Request], Answer] = lambda request: Answer()
        self._verifier = Webhook(secret)

    def receive(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        payload = self._verifier.verify(body, headers)
        request = Request(headers, path, payload)
        self.requests.append(request)
        answer = self.answer(request)
        if answer.status < 300 and not answer.is_cut:
            self.taken.append(request)
        return answer

    @contextmanager
    def serving(self, port: int = 0, context: ssl.SSLContext | None = None) -> Iterator[str]:
        """Serve, and yield the URL."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                receiver.connections += 1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): text for name, text in self.headers.items()}
                answer = receiver.receive(self.path, headers, body)
                time.sleep(answer.wait)
                if answer.is_cut:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, text in answer.headers.items():
                    self.send_header(name, text)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                if not answer.dripping:
                    self.wfile.write(answer.body)
                    return
                for byte in answer.body:
                    self.wfile.write(bytes([byte]))
                    time.sleep(answer.dripping)

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # a sender that does not wait any longer

        server = Server(("127.0.0.1", port), Handler)
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook?token=hidden"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
