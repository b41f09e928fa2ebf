"""Requests that nobody should send to the web app of the examples are refused, and do nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from examples.web import sessions
from examples.web.app import create_app
from examples.web.demo import prepare
from examples.web.guards import MAX_BODY
from fastapi import FastAPI
from fastapi.testclient import TestClient
from support.web_app import SignIn, make_settings, sign_in_to

from itagflow import Flow, Workspace
from itagflow.json import PROBLEM_MEDIA_TYPE

from .test_api import find_job, grab, ok

LARGE = 10**30
CIRCLE = {"1": {"kind": "choice", "key": "circle"}}


def prepare_little(flow: Flow) -> Workspace:
    """A workspace without jobs, which is faster made."""
    return flow.workspaces.create("little", admin="ben")


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Every request that the app knows, with its path as it is declared."""
    for path, methods in app.openapi()["paths"].items():
        yield from ((method.upper(), path) for method in methods)


def fill_in(path: str) -> str:
    values = {"job": 1, "assignment": 1, "task": 1, "package": 1, "stage": "label"}
    values |= {"member": "ben", "thread": 1, "step": "pause", "format": "itag"}  # type: ignore[dict-item]
    return path.replace("{name}", "shape-0.png").format(**values)


def test_nothing_but_the_page_is_given_to_strangers(app: FastAPI) -> None:
    found = sorted(set(routes(app)))
    assert len(found) > 25
    stranger = TestClient(app)
    for method, path in found:
        if (method, path) == ("POST", "/api/session"):
            continue
        answer = stranger.request(method, fill_in(path), json={})
        assert answer.status_code == 401, (method, path, answer.text)
        assert answer.headers["content-type"] == PROBLEM_MEDIA_TYPE


def test_every_change_needs_the_token_of_the_session(app: FastAPI, sign_in: SignIn) -> None:
    ben, ada = sign_in("ben"), sign_in("ada")
    for token in ("", "x", "0" * 64, ada.headers["x-csrf-token"]):
        ben.headers["x-csrf-token"] = token
        for method, path in routes(app):
            if method == "GET" or (method, path) == ("POST", "/api/session"):
                continue
            answer = ben.request(method, fill_in(path), json={})
            assert answer.status_code == 403, (method, path, answer.text)
    assert ok(ben.get("/api/work/label"))["mine"] == []


def test_a_page_of_another_site_can_do_nothing(app: FastAPI, sign_in: SignIn) -> None:
    ben = sign_in("ben")
    for origin in ("https://evil.example", "null", "http://testserver.evil.example"):
        answer = ben.post("/api/session", json={}, headers={"origin": origin})
        assert (answer.status_code, answer.json()["detail"]) == (
            403,
            "sent by a page of another site",
        )
    assert ben.get("/api/session", headers={"origin": "http://testserver"}).status_code == 200


@pytest.mark.parametrize("password", ["", "Demo", "demo ", "x" * 201])
@pytest.mark.parametrize("account", ["ben", "nobody", "b" * 201, "\0"])
def test_nobody_signs_in_without_the_password(
    unchanged_app: FastAPI, account: str, password: str
) -> None:
    client = TestClient(unchanged_app)
    answer = client.post("/api/session", json={"account": account, "password": password})
    assert answer.status_code in (401, 422)
    assert client.get("/api/work/label").status_code == 401


def test_a_cookie_that_was_changed_is_no_session(app: FastAPI, sign_in: SignIn) -> None:
    cookie = sign_in("ben").cookies[sessions.COOKIE]
    text, _, signature = cookie.partition(".")
    ada = text.replace(b'"ben"'.hex(), b'"ada"'.hex())
    assert ada != text
    for changed in (f"{ada}.{signature}", text, f"{text}.", f"{text}.{signature}0", ".", "x.y"):
        client = TestClient(app, cookies={sessions.COOKIE: changed})
        assert client.get("/api/session").status_code == 401
    assert TestClient(app, cookies={sessions.COOKIE: cookie}).get("/api/session").is_success


def test_a_session_ends(app: FastAPI, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    ben = sign_in("ben")
    later = time.time() + sessions.HOURS * 3600 + 1
    monkeypatch.setattr(sessions.time, "time", lambda: later)
    assert ben.get("/api/session").status_code == 401


def test_sessions_of_another_secret_are_worth_nothing(media: Path, sign_in: SignIn) -> None:
    other = create_app(make_settings("memory:", media), prepare)
    other.state.sessions = sessions.Sessions("another secret", is_secure=False)
    cookie = sign_in("ben").cookies[sessions.COOKIE]
    with TestClient(other, cookies={sessions.COOKIE: cookie}) as client:
        assert client.get("/api/session").status_code == 401


def test_signing_out_forgets_the_cookie(sign_in: SignIn) -> None:
    ben = sign_in("ben")
    assert ben.delete("/api/session").status_code == 204
    assert ben.get("/api/session").status_code == 401


def test_a_cookie_is_for_this_site_and_not_for_scripts(media: Path) -> None:
    app = create_app(make_settings("memory:", media, is_secure=True), prepare)
    with TestClient(app, base_url="https://testserver") as client:
        answer = client.post("/api/session", json={"account": "ben", "password": "demo"})
    words = {word.strip().lower() for word in answer.headers["set-cookie"].split(";")}
    assert {"httponly", "secure", "samesite=strict"} <= words


def test_who_was_removed_may_do_nothing(app: FastAPI, sign_in: SignIn) -> None:
    ben, job = sign_in("ben"), find_job(sign_in("ada"), "Shapes")
    path = grab(ben, job, "label")
    app.state.flow.members.remove(app.state.workspace, "ben", by="ada")
    assert ben.get(path).status_code in (403, 404, 409)
    sent = ben.put(f"{path}/tasks/1", json={"replies": CIRCLE})
    assert sent.status_code in (403, 404, 409)
    assert ben.get("/api/work/label").status_code in (403, 404)


def test_work_of_others_is_neither_shown_nor_changed(sign_in: SignIn) -> None:
    ben, cy, vic = sign_in("ben"), sign_in("cy"), sign_in("vic")
    path = grab(ben, find_job(sign_in("ada"), "Shapes"), "label")
    assert cy.get(path).status_code == 403
    for method, at, body in (
        ("PUT", "/tasks/1", {"replies": CIRCLE}),
        ("POST", "/tasks/1/abandon", {"reason": "x"}),
        ("POST", "/submit", {}),
        ("POST", "/release", {}),
        ("POST", "/renew", {}),
    ):
        for other in (cy, vic):
            answer = other.request(method, path + at, json=body)
            assert answer.status_code in (403, 409), (method, at, answer.text)
    assert all(item["answer"] is None for item in ok(ben.get(path))["items"])


def test_who_labels_does_not_manage(app: FastAPI, sign_in: SignIn) -> None:
    ben, job = sign_in("ben"), find_job(sign_in("ada"), "Shapes")
    rows = {"name": "mine", "labels": ["a", "b"], "rows": ["x"]}
    refused = [
        ben.get(f"/api/manage/jobs/{job}"),
        ben.post("/api/manage/jobs", json=rows),
        ben.post(f"/api/manage/jobs/{job}/finish"),
        ben.post(f"/api/manage/jobs/{job}/packages/1/assign/ben"),
        ben.post(f"/api/manage/jobs/{job}/export/itag"),
    ]
    assert [answer.status_code for answer in refused] == [403] * len(refused)
    assert len(list(app.state.flow.jobs.list(app.state.workspace))) == 7


@pytest.mark.parametrize(
    "name",
    [
        "../labels.db",
        "..%2flabels.db",
        "%2e%2e/%2e%2e/etc/passwd",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "..%5clabels.db",
        "shape-0.png%00.html",
        "link.png",
        "page.svg",
        "folder",
        "",
        "x" * 5_000,
    ],
)
def test_only_pictures_and_sounds_of_the_folder_are_sent(tmp_path: Path, name: str) -> None:
    (tmp_path / "media" / "folder").mkdir(parents=True)
    (tmp_path / "labels.db").write_text("secret")
    (tmp_path / "secret.png").write_text("secret")
    (tmp_path / "media" / "link.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "media" / "page.svg").write_text("<svg onload='alert(1)'/>")
    (tmp_path / "media" / "in folder.png").write_text("picture")
    app = create_app(make_settings("memory:", tmp_path / "media"), prepare_little)
    with TestClient(app) as client:
        client.post("/api/session", json={"account": "ben", "password": "demo"})
        assert client.get(f"/media/{name}").status_code == 404
        assert client.get("/media/in folder.png").text == "picture"


def test_long_bodies_are_refused_also_without_a_length(app: FastAPI, sign_in: SignIn) -> None:
    ben, job = sign_in("ben"), find_job(sign_in("ada"), "Shapes")
    path = grab(ben, job, "label") + "/tasks/1"
    long = json.dumps({"replies": {"1": {"kind": "choice", "key": "x" * MAX_BODY}}}).encode()
    pieces = (long[at : at + 65_536] for at in range(0, len(long), 65_536))
    for body in (long, pieces):
        answer = ben.put(path, content=body, headers={"content-type": "application/json"})  # type: ignore[arg-type]
        assert answer.status_code == 413
        assert answer.headers["content-type"] == PROBLEM_MEDIA_TYPE
    long = json.dumps({"account": "ben", "password": "x" * MAX_BODY}).encode()
    assert TestClient(app).post("/api/session", content=long).status_code == 413


BAD_BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'{"replies": 5}',
    b'{"replies": {"1": {"kind": "choice"}}}',
    b'{"replies": {"1": {"kind": "choice", "key": NaN}}}',
    b'{"replies": {"1": {"kind": "choice", "key": "dragon"}}}',
    b'{"replies": {"9": {"kind": "choice", "key": "circle"}}}',
    b'{"replies": {"1": {"kind": "choice", "key": "\\ud800"}}}',
    b'{"replies": {"1": {"kind": "choice", "key": "circle"}}, "expected_version": -1}',
    b'{"replies": {"1": {"kind": "choice", "key": "circle"}}, "seconds": 1e400}',
    b'{"replies": {"1": ' + b"[" * 50_000 + b"]" * 50_000 + b"}}",
    b'{"pick": "x"}',
    b"\xff\xfe",
]


@pytest.mark.parametrize(
    "body", BAD_BODIES, ids=[body[:40].decode("latin1") for body in BAD_BODIES]
)
def test_what_is_no_answer_is_told_and_not_stored(unchanged_app: FastAPI, body: bytes) -> None:
    ben, job = (
        sign_in_to(unchanged_app, "ben"),
        find_job(sign_in_to(unchanged_app, "ada"), "Shapes"),
    )
    path = grab(ben, job, "label", token="one for all")
    headers = {"content-type": "application/json"}
    answer = ben.put(f"{path}/tasks/1", content=body, headers=headers)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == PROBLEM_MEDIA_TYPE
    assert answer.json()["detail"]
    assert ok(ben.get(path))["items"][0]["answer"] is None


def test_numbers_that_are_no_keys_are_not_found(sign_in: SignIn) -> None:
    ben = sign_in("ben")
    for key in (LARGE, -1, 0, 2**63):
        assert ben.get(f"/api/jobs/{key}/assignments/{key}").status_code == 404
        assert ben.post(f"/api/jobs/{key}/claim/label", json={}).status_code == 404
    assert ben.get("/api/jobs/x/assignments/1").status_code == 422
    assert ben.get("/api/work/dance").status_code == 422
    assert ben.get("/api/nothing").status_code == 404


def test_every_response_says_what_a_browser_may_do(sign_in: SignIn) -> None:
    ben = sign_in("ben")
    for path in ("/", "/static/main.js", "/media/shape-0.png", "/api/work/label", "/api/nothing"):
        headers = ben.get(path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    assert ben.get("/api/work/label").headers["cache-control"] == "no-store"
    # what is kept by a browser is not shown to who sits there next
    assert ben.get("/media/shape-0.png").headers["cache-control"] == "private, no-cache"
    assert ben.get("/static/%2e%2e/app.py").status_code == 404
    for path in ("/docs", "/redoc"):
        assert ben.get(path).status_code == 404
