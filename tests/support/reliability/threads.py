"""A thread for each request, as web servers have it: whatever starts them, one Flow serves them all."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import itagflow
from itagflow import Flow, Job
from support.reliability.street import (
    PEOPLE,
    Ledger,
    Worker,
    check,
    check_whole,
    descriptors,
    lay_out,
    start,
    workers,
)

MANY = 60
"""More descriptors than eight threads at once have any use for."""


class Clerk:
    """Serves requests: each of the eight people has one under way at a time."""

    def __init__(self, flow: Flow, job: Job) -> None:
        self.ledger, self.errors = Ledger(), list[str]()
        self.served = Counter[str]()
        self._free: list[Worker] = list(workers(flow, job, self.ledger, seed=7))
        self._lock, self._places = threading.Lock(), threading.Semaphore(len(PEOPLE))

    def wait(self) -> None:
        """Wait until another request may come."""
        self._places.acquire()

    def serve(self) -> None:
        """Do what one request asks for: most look how far the job is, every fourth does anything."""
        with self._lock:
            worker = self._free.pop()
        try:
            for _ in range(3):
                worker.look()
            if worker.draw.random() < 0.25:
                worker.work()
        except BaseException as error:
            self.errors.append(f"{type(error).__name__}: {error}")
        with self._lock:
            self.served["requests"] += 1
            self._free.append(worker)
        self._places.release()

    def finish(self) -> None:
        """Wait until the last request is served."""
        for _ in PEOPLE:
            self._places.acquire()


def requests(url: str, way: str, seconds: float) -> str:
    """Start a new thread for each request, eight at a time."""
    flow = itagflow.open(url)
    clerk = Clerk(flow, lay_out(flow))
    most, until = 0, time.monotonic() + seconds
    while time.monotonic() < until and not clerk.errors:
        clerk.wait()
        start(clerk.serve, way)
        if clerk.served["requests"] % 50 == 0:
            most = max(most, len(descriptors(url)))
    clerk.finish()
    assert not clerk.errors, clerk.errors[:3]
    assert most <= MANY, f"{most} descriptors were open at once"
    kept = _end(flow, url, clerk.ledger)
    return f"{clerk.served['requests']} threads, {kept} answers kept, at most {most} descriptors, none at the end"


def server(url: str, seconds: float) -> str:
    """Serve eight clients with the standard library's server, a thread for each request."""
    flow = itagflow.open(url)
    clerk = Clerk(flow, lay_out(flow))

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            clerk.wait()
            clerk.serve()
            self.send_response(500 if clerk.errors else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as web:
        start(web.serve_forever)
        until, answers = time.monotonic() + seconds, Counter[int]()
        clients = [start(lambda: _call(web.server_port, until, answers)) for _ in PEOPLE]
        assert all(client.wait(seconds + 30) for client in clients), "a client waits for ever"
        web.shutdown()
    assert not clerk.errors, clerk.errors[:3]
    assert set(answers) == {200}, answers
    kept = _end(flow, url, clerk.ledger)
    return f"{answers.total()} pages, {kept} answers kept, no descriptor left"


def _call(port: int, until: float, answers: Counter[int]) -> None:
    while time.monotonic() < until:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            client.request("GET", "/")
            answers[client.getresponse().status] += 1
        except OSError:
            answers[0] += 1
        finally:
            client.close()


def _end(flow: Flow, url: str, ledger: Ledger) -> int:
    """Check all that was acknowledged, close, and return how many answers were kept."""
    kept = check(flow, ledger)
    flow.close()
    left = descriptors(url) if url != "memory:" else []
    assert not left, f"still open after closing: {left}"
    return check_whole(url, ledger) if url != "memory:" else kept
