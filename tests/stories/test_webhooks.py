"""Events go to URLs, signed; a receiver that fails, is slow or dies loses nothing."""

from __future__ import annotations

import logging
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from support.receiving import SECRET, Answer, Receiver, Request
from support.scenes import Clock, cats, labeled, street

from itagflow import Flow, InvalidData, delivery
from itagflow.delivery import Retries, Webhook, Worker


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def target(receiver: Receiver) -> Iterator[str]:
    """The URL of the receiver."""
    with receiver.serving() as url:
        yield url


def hook(url: str, **fields: Any) -> Webhook:
    return Webhook(url, secret=SECRET, **fields)


def positions(flow: Flow) -> list[int]:
    return [event.position for event in flow.events.since()]


def taken(receiver: Receiver) -> list[int]:
    return [request.payload["position"] for request in receiver.taken]


def first_times(receiver: Receiver) -> list[int]:
    return list(dict.fromkeys(taken(receiver)))


def work_until_done(worker: Worker, clock: Clock, times: int = 10) -> None:
    for _ in range(times):
        worker.run_once()
        clock.forward(hours=2)


def answer_first(*answers: Answer) -> Callable[[Request], Answer]:
    """Give these answers to the first requests, and take all others."""
    remaining = list(answers)
    return lambda request: remaining.pop(0) if remaining else Answer()


def test_events_are_posted_signed_over_one_connection(
    flow: Flow, receiver: Receiver, target: str
) -> None:
    labeled(flow, "ben", cats(flow))
    worker = Worker(flow, {"training": hook(target, headers={"Authorization": "Bearer x"})})
    worker.run_once()
    assert taken(receiver) == positions(flow)
    assert receiver.connections == 1
    validator = Draft202012Validator(dict(delivery.EVENT_SCHEMA))
    for request in receiver.taken:
        validator.validate(request.payload)
        assert request.id == request.payload["id"]
        assert request.path == "/hook?token=hidden"
        assert request.headers["content-type"] == "application/json"
        assert request.headers["authorization"] == "Bearer x"
        assert request.headers["user-agent"].startswith("itagflow/")
        assert abs(int(request.headers["webhook-timestamp"]) - time.time()) < 60
    assert len({request.id for request in receiver.taken}) == len(receiver.taken)


def test_events_can_be_cloud_events(flow: Flow, receiver: Receiver, target: str) -> None:
    cats(flow)
    source = "https://labels.example.org"
    Worker(flow, {"x": hook(target, envelope="cloudevents", source=source)}).run_once()
    for request, event in zip(receiver.taken, flow.events.since(), strict=True):
        assert request.headers["content-type"] == "application/cloudevents+json"
        assert request.payload["specversion"] == "1.0"
        assert request.payload["source"] == source
        assert request.payload["id"] == request.id
        assert request.payload["type"] == f"itagflow.{event.type}"
        assert request.payload["data"]["position"] == event.position


def test_results_are_posted_when_they_are_final(
    flow: Flow, receiver: Receiver, target: str
) -> None:
    job = cats(flow)
    worker = Worker(flow, {"training": hook(target, send="results")})
    worker.run_once()
    assert not receiver.requests
    labeled(flow, "ben", job)
    worker.run_once()
    validator = Draft202012Validator(dict(delivery.RESULT_SCHEMA))
    for request, number in zip(receiver.taken, (1, 2), strict=True):
        validator.validate(request.payload)
        assert request.id == request.payload["id"]
        assert request.payload["task"] == number
        assert request.payload["data"] == {"source": f"{number}.jpg"}
        assert request.payload["replies"] == {"1": {"kind": "choice", "key": "cat"}}
        assert (request.payload["became"], request.payload["revision"]) == ("final", 1)


@pytest.mark.parametrize("envelope", ["plain", "cloudevents"])
def test_batches_are_arrays(flow: Flow, receiver: Receiver, target: str, envelope: str) -> None:
    cats(flow)
    Worker(flow, {"x": hook(target, batch=3, envelope=envelope)}).run_once()
    ids = [one["id"] for request in receiver.taken for one in request.payload]
    assert len(ids) == len(set(ids)) == len(positions(flow))
    *full, _ = (len(request.payload) for request in receiver.taken)
    assert full == [3] * len(full) != []
    kinds = {"plain": "application/json", "cloudevents": "application/cloudevents-batch+json"}
    assert {request.headers["content-type"] for request in receiver.taken} == {kinds[envelope]}


def test_while_a_secret_is_replaced_both_are_good(flow: Flow) -> None:
    street(flow)
    new = delivery.make_secret()
    for number, secret in enumerate((SECRET, new)):
        receiver = Receiver(secret)
        with receiver.serving() as url:
            Worker(flow, {f"with-{number}": Webhook(url, secret=[new, SECRET])}).run_once()
        assert taken(receiver) == positions(flow)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500),
        Answer(302, {"Location": "/hook"}),
        Answer(404),
        Answer(429, {"Retry-After": "30"}),
        Answer(503),
        Answer(is_cut=True),
        Answer(wait=1.5),
        Answer(200, body=b"x" * 50, dripping=0.1),
        Answer(200, body=b"x" * 2_000_000, dripping=0.1),
    ],
    ids=lambda one: f"{one.status} cut={one.is_cut} wait={one.wait} drip={one.dripping}",
)
def test_what_fails_is_sent_again_with_the_same_id(
    flow: Flow, receiver: Receiver, target: str, clock: Clock, answer: Answer
) -> None:
    street(flow, "ben")
    receiver.answer = answer_first(answer)
    work_until_done(Worker(flow, {"training": hook(target, timeout=0.7)}), clock)
    assert first_times(receiver) == positions(flow)
    first, second, *_ = receiver.requests
    assert first.id == second.id
    assert first.payload == second.payload
    assert delivery.status(flow, "training").failures == 0


def test_a_receiver_that_asks_for_time_gets_it(
    flow: Flow, receiver: Receiver, target: str, clock: Clock
) -> None:
    street(flow, "ben")
    receiver.answer = answer_first(Answer(429, {"Retry-After": "600"}))
    worker = Worker(flow, {"training": hook(target)})
    worker.run_once()
    assert len(receiver.requests) == 1
    clock.forward(seconds=599)
    worker.run_once()
    assert len(receiver.requests) == 1
    clock.forward(seconds=1)
    worker.run_once()
    assert taken(receiver) == positions(flow)


def test_what_is_refused_is_given_up_and_the_rest_is_taken(
    flow: Flow, receiver: Receiver, target: str
) -> None:
    street(flow, "ben")
    receiver.answer = answer_first(Answer(), Answer(422, body=b"bad\nline \xff"))
    worker = Worker(flow, {"training": hook(target)})
    worker.run_once()
    assert len(receiver.requests) == len(positions(flow))
    (letter,) = delivery.list_dead_letters(flow, "training")
    assert (letter.position, letter.attempts, letter.error) == (
        positions(flow)[1],
        1,
        "answered 422",
    )
    assert delivery.redeliver(flow, "training") == 1
    worker.run_once()
    assert sorted(taken(receiver)) == positions(flow)
    assert receiver.taken[-1].id == receiver.requests[1].id


def test_a_batch_that_is_refused_is_split_until_the_culprit_is_found(
    flow: Flow, receiver: Receiver, target: str
) -> None:
    labeled(flow, "ben", cats(flow))
    bad = positions(flow)[4]

    def refuse(request: Request) -> Answer:
        return Answer(400 if bad in [one["position"] for one in request.payload] else 200)

    receiver.answer = refuse
    Worker(flow, {"training": hook(target, batch=100)}).run_once()
    found = [one["position"] for request in receiver.taken for one in request.payload]
    assert sorted(found) == [one for one in positions(flow) if one != bad]
    assert [letter.position for letter in delivery.list_dead_letters(flow, "training")] == [bad]


def test_what_cannot_be_json_is_given_up(flow: Flow, receiver: Receiver, target: str) -> None:
    row = '{"data": {"source": "\\ud800"}}'
    job = cats(flow, data=[row, {"data": {"source": "2.jpg"}}])
    labeled(flow, "ben", job)
    Worker(flow, {"training": hook(target, send="results")}).run_once()
    assert [request.payload["task"] for request in receiver.taken] == [2]
    (letter,) = delivery.list_dead_letters(flow, "training")
    assert letter.error == "cannot be written as JSON"


def test_a_receiver_that_is_gone_gets_nothing_until_it_is_enabled(
    flow: Flow, receiver: Receiver, target: str, clock: Clock
) -> None:
    street(flow, "ben")
    receiver.answer = answer_first(Answer(), Answer(410))
    worker = Worker(flow, {"training": hook(target)})
    work_until_done(worker, clock)
    assert len(receiver.requests) == 2
    state = delivery.status(flow, "training")
    assert (state.is_disabled, state.lag, state.next_attempt_at) == (True, 1, None)
    delivery.enable(flow, "training")
    worker.run_once()
    assert taken(receiver) == positions(flow)


def test_a_receiver_that_dies_and_comes_back_loses_nothing(
    flow: Flow, receiver: Receiver, clock: Clock
) -> None:
    job = cats(flow)
    with receiver.serving() as url:
        port = int(url.split(":")[2].split("/")[0])
        worker = Worker(flow, {"training": hook(url)})
        worker.run_once()
    labeled(flow, "ben", job)
    worker.run_once()
    (delayed,) = delivery.status(flow, "training").delayed
    assert delayed.error.startswith("was not reached: ")
    labeled(flow, "cy", job)
    worker.run_once()
    with receiver.serving(port):
        work_until_done(worker, clock, 3)
    assert taken(receiver) == positions(flow)


def test_an_answer_that_never_ends_is_cut_off_at_the_timeout(
    flow: Flow, receiver: Receiver, target: str
) -> None:
    street(flow)
    receiver.answer = lambda request: Answer(200, body=b"x" * 1000, dripping=0.05)
    start = time.monotonic()
    Worker(flow, {"training": hook(target, timeout=0.5)}).run_once()
    assert time.monotonic() - start < 5
    (delayed,) = delivery.status(flow, "training").delayed
    assert delayed.error == "gave no answer within 0.5 s"


def test_a_worker_that_runs_delivers_soon_and_stops(
    flow: Flow, receiver: Receiver, target: str
) -> None:
    worker = Worker(flow, {"training": hook(target)})
    thread = threading.Thread(target=worker.run)
    thread.start()
    cats(flow)
    end = time.monotonic() + 10
    while taken(receiver) != positions(flow):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert worker.stop()
    thread.join(5)
    assert not thread.is_alive()


# -- secrets --


def test_no_secret_is_in_what_is_logged_or_stored(
    flow: Flow, receiver: Receiver, target: str, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    street(flow)
    password = "hunter2"
    webhook = hook(target, headers={"Authorization": password}, retries=Retries(attempts=4))
    answers = [
        Answer(500, body=b"no\r\n\x1b[31m"),
        Answer(is_cut=True),
        Answer(wait=1),
        Answer(422),
    ]
    receiver.answer = answer_first(*answers)
    work_until_done(Worker(flow, {"training": Webhook(**_with(webhook, timeout=0.5))}), clock)
    (letter,) = delivery.list_dead_letters(flow, "training")
    seen = "\n".join(
        [caplog.text, repr(webhook), repr(letter), repr(delivery.status(flow, "training"))]
    )
    assert "training at http://127.0.0.1:" in seen
    assert r"it said: no\r\n\x1b[31m" in seen
    for secret in (SECRET, SECRET[6:], password, "hidden", "token"):
        assert secret not in seen


def _with(webhook: Webhook, **changes: Any) -> dict[str, Any]:
    fields = {"url": webhook.url, "secret": webhook.secret, "headers": webhook.headers}
    return {**fields, "retries": webhook.retries, **changes}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"url": "example.org/hook"}, "must be a URL that begins with https:// or http://"),
        ({"url": "ftp://example.org"}, "must be a URL"),
        ({"url": "https://"}, "then a host"),
        ({"url": "https://x:hunter2@example.org"}, "no user and password"),
        ({"url": "https://example.org:70000/?hunter2"}, "then a host and perhaps a port"),
        ({"url": "https://example.org/hunter2 x"}, "no spaces"),
        ({"url": "https://example.org/\n"}, "no spaces"),
        ({"url": "https://example.org/#hunter2"}, "no fragment"),
        ({"secret": "hunter2"}, "begins with whsec_"),
        ({"secret": [SECRET, "hunter2"]}, "begins with whsec_"),
        ({"secret": b"hunter2"}, "begins with whsec_"),
        ({"headers": {"X-A": "hunter2\r\nX-B: 1"}}, "the text of X-A"),
        ({"headers": {"X A": "1"}}, "letters, digits and hyphens"),
        ({"headers": {"webhook-id": "1"}}, "is set for each message"),
        ({"headers": {"Content-Type": "text/plain"}}, "is set for each message"),
        ({"headers": ["X-A"]}, "must be a mapping"),
        ({"timeout": 0}, "more than 0"),
        ({"timeout": -1}, "at least 0"),
        ({"timeout": "5"}, "must be a number"),
        ({"connect_timeout": float("nan")}, "finite number"),
        ({"batch": 0}, "at least 1"),
        ({"batch": -5}, "at least 1"),
        ({"batch": 1.5}, "whole number"),
        ({"types": "submit"}, "several texts"),
        ({"types": ["sumbit"]}, "there is no 'sumbit'; there are"),
        (
            {"became": ["done"]},
            "there is no 'done'; there are abandoned, erased, final, reopened, withdrawn",
        ),
        ({"jobs": "cats"}, "several jobs"),
        ({"retries": 5}, "must be a Retries"),
        ({"envelope": "xml"}, "there is no Envelope 'xml'"),
        ({"send": "result"}, "there is no Content 'result'"),
        ({"start": "later"}, "there is no StartPoint 'later'"),
        ({"source": "two words"}, "must be a URI"),
    ],
    ids=str,
)
def test_a_webhook_that_cannot_be_right_is_refused(fields: dict[str, Any], reason: str) -> None:
    given = {"url": "https://example.org", **fields}
    with pytest.raises(InvalidData) as refused:
        Webhook(**given)
    assert reason in str(refused.value)
    assert "hunter2" not in str(refused.value) + repr(refused.value)


@pytest.mark.parametrize("name", ["", "a b", "-a", "x" * 65, "é", "a/b", 5, None, "a\n"])
def test_the_name_of_a_receiver_is_short_and_plain(flow: Flow, name: Any) -> None:
    with pytest.raises(InvalidData, match="a name has 1 to 64 letters"):
        Worker(flow, {name: hook("https://example.org")})
    with pytest.raises(InvalidData, match="a name has 1 to 64 letters"):
        delivery.status(flow, name)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"attempts": 0}, "attempts: must be at least 1"),
        ({"first": 5}, "first: must be a timedelta"),
        ({"longest": -1}, "longest: must be a timedelta"),
        ({"longest": timedelta(seconds=1)}, "longest: must be at least first"),
        ({"first": timedelta()}, "first: must be a timedelta of more than nothing"),
        ({"longest": timedelta(days=366)}, "at most a year"),
    ],
    ids=str,
)
def test_retries_that_cannot_be_right_are_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidData, match=reason):
        Retries(**fields)


# -- TLS --


def test_a_certificate_that_nobody_vouches_for_is_refused(
    flow: Flow, receiver: Receiver, tmp_path: Path
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("NO OPENSSL: it makes the certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", key, "-out", certificate, "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost"),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    street(flow)
    with receiver.serving(context=context) as url:
        local = url.replace("http://127.0.0.1", "https://localhost")
        Worker(flow, {"unknown": hook(local)}).run_once()
        (delayed,) = delivery.status(flow, "unknown").delayed
        assert "SSL" in delayed.error
        assert not receiver.requests
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SSL_CERT_FILE", str(certificate))
            Worker(flow, {"known": hook(local)}).run_once()
        assert taken(receiver) == positions(flow)
