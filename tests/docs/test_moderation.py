"""The moderation queue of the examples, by HTTP: webhooks go over a real socket."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from fastapi.testclient import TestClient
from moderation import Queue, Settings, create_app

from itagflow import delivery

TOKENS = {"t-una": "una", "t-uwe": "uwe"}
MODERATORS = {"t-ben": "ben", "t-cy": "cy", "t-eva": "eva"}
LANGUAGES = {"ben": ("en",), "cy": ("en", "de"), "eva": ("en", "de")}


class Clock:
    """The time of this machine, and what a test adds to it: receivers compare real times."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Port:
    """A real HTTP server that hands the requests on to an application, unless that is down."""

    def __init__(self) -> None:
        self.client: TestClient | None = None
        self.is_down = False
        self.bodies: list[tuple[bytes, dict[str, str], int]] = []
        port = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): text for name, text in self.headers.items()}
                status = port.answer(self.path, body, headers)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Write no log."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.server.serve_forever)
        self.thread.start()

    def answer(self, path: str, body: bytes, headers: dict[str, str]) -> int:
        if self.is_down or self.client is None:
            status = 500
        else:
            sent = {key: text for key, text in headers.items() if key.startswith("webhook-")}
            status = self.client.post(path, content=body, headers=sent).status_code
        self.bodies.append((body, headers, status))
        return status

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Product:
    """The application on a store, with a clock; it can be started again."""

    def __init__(self, settings: Settings, port: Port) -> None:
        self.settings, self.port, self.clock = settings, port, Clock()

    @contextmanager
    def run(self) -> Iterator[TestClient]:
        with TestClient(create_app(self.settings, self.clock)) as client:
            self.port.client = client
            try:
                yield client
            finally:
                self.port.client = None


@pytest.fixture
def product(url: str, tmp_path: Path) -> Iterator[Product]:
    port = Port()
    settings = Settings(
        store=url,
        posts=tmp_path / "posts.db",
        url=f"http://127.0.0.1:{port.server.server_port}",
        secret=delivery.make_secret(),
        users=TOKENS,
        moderators=MODERATORS,
        languages=LANGUAGES,
        experts=("eva",),
        minutes=60,
        tick_seconds=0.05,
        retry_seconds=0.2,
    )
    yield Product(settings, port)
    port.close()


def wait_for_deliveries(port: Port, number: int) -> list[tuple[bytes, dict[str, str]]]:
    """Wait until so many were answered well: a post has its state a moment before."""
    until = time.monotonic() + 60
    while True:
        done = [(body, headers) for body, headers, status in port.bodies if status == 204]
        if len(done) >= number:
            return done
        assert time.monotonic() < until
        time.sleep(0.02)


def call(client: TestClient, token: str, method: str, path: str, body: Any = None) -> Any:
    response = client.request(method, path, json=body, headers={"token": token})
    assert response.is_success, response.text
    return response.json() if response.content else None


def post(client: TestClient, id: str, text: str, **more: str) -> Any:
    return call(client, "t-una", "POST", "/posts", {"id": id, "text": text, **more})


def claim(client: TestClient, token: str) -> Any:
    return call(client, token, "POST", "/next")


def decide(client: TestClient, token: str, given: Any, decision: str) -> None:
    said = {"decision": decision, "reason": f"{decision}: I say so"}
    call(client, token, "POST", f"/answers/{given['assignment']}", said)


def state(client: TestClient, id: str) -> str:
    return str(call(client, "t-una", "GET", f"/posts/{id}")["state"])


def wait_for(client: TestClient, id: str, expected: str) -> None:
    until = time.monotonic() + 20
    while state(client, id) != expected:
        assert time.monotonic() < until, f"{id} is {state(client, id)}"
        time.sleep(0.02)


def test_people_decide_what_the_model_does_not_know(product: Product) -> None:
    with product.run() as client:
        assert post(client, "p1", "hello")["state"] == "published"
        assert post(client, "p2", "casino pills winner!")["state"] == "removed"
        for id, text in (("p3", "a casino"), ("p4", "casino pills"), ("p5", "winner")):
            assert post(client, id, text)["state"] == "waiting"

        first = claim(client, "t-ben")
        assert (first["post"], first["prediction"]["1"]["key"]) == ("p4", "remove"), (
            "the worst comes first"
        )
        assert claim(client, "t-ben") == first, "a page that is loaded again shows the same"
        board = call(client, "t-ben", "GET", "/board")
        assert (board["waiting"], board["held"], board["overdue"]) == (2, 1, 0)
        decide(client, "t-ben", first, "remove")
        wait_for(client, "p4", "removed")

        decide(client, "t-cy", claim(client, "t-cy"), "approve")
        wait_for(client, "p3", "published")

        decide(client, "t-ben", claim(client, "t-ben"), "escalate")
        assert claim(client, "t-cy") is None
        hard = claim(client, "t-eva")
        assert (hard["post"], hard["escalated_because"]) == ("p5", "escalate: I say so")
        decide(client, "t-eva", hard, "approve")
        wait_for(client, "p5", "published")


def test_only_tokens_say_who_asks(product: Product) -> None:
    with product.run() as client:
        assert client.post("/next", headers={"token": "ben"}).status_code == 401
        assert client.post("/next", headers={"token": "t-una"}).status_code == 401
        post(client, "p1", "casino")
        other = {"id": "p1", "text": "casino"}
        again = client.post("/posts", json=other, headers={"token": "t-uwe"})
        assert again.status_code == 409
        assert client.get("/posts/p1", headers={"token": "t-uwe"}).status_code == 404
        assert client.delete("/posts/p1", headers={"token": "t-uwe"}).status_code == 403

        given = claim(client, "t-ben")
        path, said = f"/answers/{given['assignment']}", {"decision": "approve", "reason": "mine"}
        assert client.post(path, json=said, headers={"token": "t-cy"}).status_code in {
            403,
            404,
            409,
        }
        assert client.post("/decisions", content=b"{}").status_code == 401
        assert state(client, "p1") == "waiting"


def test_the_same_post_is_asked_about_once(product: Product) -> None:
    with product.run() as client:
        assert post(client, "p1", "casino") == post(client, "p1", "casino")
        assert call(client, "t-ben", "GET", "/board")["waiting"] == 1
        decide(client, "t-ben", claim(client, "t-ben"), "approve")
        wait_for(client, "p1", "published")
        assert post(client, "p1", "casino")["state"] == "published"
        assert claim(client, "t-ben") is None


def test_a_receiver_that_was_down_gets_it_later_and_applies_it_once(product: Product) -> None:
    with product.run() as client:
        product.port.is_down = True
        post(client, "p1", "casino")
        decide(client, "t-ben", claim(client, "t-ben"), "approve")
        until = time.monotonic() + 20
        while len(product.port.bodies) < 2:
            assert time.monotonic() < until
            time.sleep(0.02)
        assert state(client, "p1") == "waiting"
        product.port.is_down = False
        wait_for(client, "p1", "published")

        (body, headers), *_ = wait_for_deliveries(product.port, 1)
        call(client, "t-una", "DELETE", "/posts/p1")
        assert product.port.answer("/decisions", body, headers) == 204, "sent again"
        assert state(client, "p1") == "deleted"
        assert product.port.answer("/decisions", body + b" ", headers) == 401, "changed"


def test_what_is_overdue_is_removed(product: Product) -> None:
    with product.run() as client:
        post(client, "p1", "casino")
        product.clock.ahead += timedelta(minutes=61)
        wait_for(client, "p1", "removed")
        shown = call(client, "t-una", "GET", "/posts/p1")
        assert shown["reason"] == "nobody has decided in time"
        assert claim(client, "t-ben") is None


def test_a_deleted_post_is_shown_to_nobody(product: Product) -> None:
    with product.run() as client:
        post(client, "p1", "casino")
        post(client, "p2", "hello")
        for id in ("p1", "p1", "p2"):
            call(client, "t-una", "DELETE", f"/posts/{id}")
        assert claim(client, "t-ben") is None
        assert state(client, "p1") == "deleted"


def test_a_post_that_is_deleted_before_anybody_is_asked_is_shown_to_nobody(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag = Queue.flag

    def flag_late(queue: Queue, stored: dict[str, Any], score: float) -> None:
        call(client, "t-una", "DELETE", f"/posts/{stored['id']}")
        flag(queue, stored, score)

    monkeypatch.setattr(Queue, "flag", flag_late)
    with product.run() as client:
        post(client, "p1", "pills and pills")
        assert claim(client, "t-ben") is None
        assert state(client, "p1") == "deleted"


def test_a_german_post_goes_to_who_reads_german(product: Product) -> None:
    with product.run() as client:
        post(client, "p1", "guten Tag", lang="de")
        assert claim(client, "t-ben") is None
        assert claim(client, "t-cy")["post"] == "p1"


@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
def test_it_goes_on_after_a_restart(product: Product) -> None:
    with product.run() as client:
        product.port.is_down = True
        for id in ("p1", "p2"):
            post(client, id, "casino")
        held = claim(client, "t-ben")
        decide(client, "t-cy", claim(client, "t-cy"), "approve")
    product.port.is_down = False
    with product.run() as client:
        wait_for(client, "p2", "published")
        assert claim(client, "t-ben") == held
        decide(client, "t-ben", held, "remove")
        wait_for(client, "p1", "removed")


@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
def test_two_apps_over_the_same_data_deliver_each_result_once(product: Product) -> None:
    other = Product(replace(product.settings), product.port)
    with product.run() as client, other.run() as second:
        for number in range(10):
            post(client, f"p{number}", "casino")
        for number in range(10):
            app, token = ((client, "t-ben"), (second, "t-cy"))[number % 2]
            decide(app, token, claim(app, token), "approve")
        for number in range(10):
            wait_for(client, f"p{number}", "published")
        wait_for_deliveries(product.port, 10)
    ids = [headers["webhook-id"] for _, headers, status in product.port.bodies if status == 204]
    assert len(ids) == len(set(ids)) == 10
