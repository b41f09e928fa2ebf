"""The web app of the examples by HTTP: the whole path, drafts, and two windows at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Lock
from typing import Any

import pytest
from examples.web.app import THREADS, create_app
from examples.web.demo import JOBS, prepare
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from support.web_app import SignIn, make_settings, sign_in_to

from itagflow.model import QuestionKind

NEW_JOB = {
    "name": "birds",
    "starter": "image classification",
    "labels": ["crow", "gull"],
    "rows": ["shape-0.png", "shape-1.png"],
    "package_size": 2,
    "workforce": {"label": ["ben", "cy"], "inspect": ["di"], "accept": ["ada"]},
}
CROW, GULL = ({"1": {"kind": "choice", "key": key}} for key in ("crow", "gull"))


def ok(answer: Response) -> Any:
    """What a request returns that has to succeed."""
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


def find_job(client: TestClient, name: str) -> str:
    jobs = ok(client.get("/api/manage/jobs"))
    return next(each["job"]["id"] for each in jobs if each["job"]["name"] == name)


def grab(client: TestClient, job: str, stage: str, token: str = "") -> str:
    """Claim an assignment, and return its path."""
    claimed = ok(client.post(f"/api/jobs/{job}/claim/{stage}", json={"token": token}))["assignment"]
    return f"/api/jobs/{job}/assignments/{claimed['id']}"


def label(client: TestClient, path: str, replies: dict[str, Any]) -> None:
    for item in ok(client.get(path))["items"]:
        sent = {"replies": replies, "expected_version": item["version"], "seconds": 1}
        ok(client.put(f"{path}/tasks/{item['task']['number']}", json=sent))
    ok(client.post(f"{path}/submit", json={}))


def test_a_job_from_the_form_to_the_file(url: str, media: Path) -> None:
    app = create_app(make_settings(url, media), prepare)
    with TestClient(app):
        ada, ben, di = (sign_in_to(app, account) for account in ("ada", "ben", "di"))
        job = ok(ada.post("/api/manage/jobs", json=NEW_JOB))["id"]
        offered = ok(ben.get("/api/work/label"))["available"]
        assert "birds" in [each["name"] for each in offered]
        label(ben, grab(ben, job, "label"), CROW)

        path = grab(di, job, "inspect")
        ok(di.put(f"{path}/tasks/1", json={"replies": GULL}))
        assert di.post(f"{path}/review", json={}).status_code == 200
        path = grab(ada, job, "accept")
        ok(ada.post(f"{path}/tasks/2/judge", json={"wrong": "it is a gull"}))
        refused = ada.post(f"{path}/accept", json={})
        assert (refused.status_code, refused.json()["title"]) == (409, "Something is missing")
        ok(ada.post(f"{path}/reject", json={"comment": "one of two"}))

        mine = ok(ben.get("/api/work/label"))["mine"]
        assert [(each["state"], each["job_name"]) for each in mine] == [("offered", "birds")]
        path = grab(ben, job, "label")
        (item,) = ok(ben.get(path))["items"]
        assert (item["comment"], item["package_comment"]) == ("it is a gull", "one of two")
        label(ben, path, GULL)
        ok(di.post(f"{grab(di, job, 'inspect')}/review", json={}))
        ok(ada.post(f"{grab(ada, job, 'accept')}/accept", json={}))

        board = ok(ada.get(f"/api/manage/jobs/{job}"))
        assert (board["job"]["state"], board["progress"]["done"]) == ("finished", 2)
        file = ada.post(f"/api/manage/jobs/{job}/export/itag")
        assert file.headers["content-disposition"] == 'attachment; filename="birds.manifest"'
        rows = [json.loads(line) for line in file.text.splitlines()]
        assert [row["data"]["source"] for row in rows] == [
            "/media/shape-0.png",
            "/media/shape-1.png",
        ]


def test_the_demo_asks_every_kind_of_question() -> None:
    kinds = {
        question.kind
        for _, template, _ in JOBS
        for top in template.questions
        for question in (top, *top.children)
    }
    assert kinds == set(QuestionKind)


def test_the_demo_is_made_once(tmp_path: Path, media: Path) -> None:
    for _ in range(2):
        app = create_app(make_settings(str(tmp_path / "labels.db"), media), prepare)
        with TestClient(app):
            jobs = ok(sign_in_to(app, "ada").get("/api/manage/jobs"))
            assert len(jobs) == len(JOBS)


def test_a_draft_is_there_after_the_page_is_loaded_again(sign_in: SignIn) -> None:
    ben, job = sign_in("ben"), find_job(sign_in("ada"), "Shapes")
    path = grab(ben, job, "label")
    circle = {"1": {"kind": "choice", "key": "circle"}}
    ok(ben.put(f"{path}/tasks/2", json={"replies": circle, "draft": True, "expected_version": 0}))
    mine = ok(ben.get("/api/work/label"))["mine"]
    again = sign_in("ben")  # another window
    shown = ok(again.get(f"/api/jobs/{mine[0]['job']}/assignments/{mine[0]['id']}"))
    assert [item["draft"] and item["draft"]["replies"] for item in shown["items"]] == [
        None,
        circle,
        None,
    ]
    assert shown["rules"]["is_held"]


def test_two_windows_do_not_overwrite_each_other(sign_in: SignIn) -> None:
    ben, job = sign_in("ben"), find_job(sign_in("ada"), "Shapes")
    path = grab(ben, job, "label")
    circle, square = ({"1": {"kind": "choice", "key": key}} for key in ("circle", "square"))
    first = ok(ben.put(f"{path}/tasks/1", json={"replies": circle, "expected_version": 0}))
    assert first["version"] == 0
    late = ben.put(f"{path}/tasks/1", json={"replies": square, "expected_version": 0})
    assert (late.status_code, late.json()["type"]) == (412, "urn:itagflow:error:stale-version")
    assert ok(ben.get(path))["items"][0]["answer"]["replies"] == circle


def test_a_claim_that_is_sent_twice_is_one(sign_in: SignIn) -> None:
    ben, job = sign_in("ben"), find_job(sign_in("ada"), "Shapes")
    sent = [ok(ben.post(f"/api/jobs/{job}/claim/label", json={"token": "t"})) for _ in range(2)]
    assert sent[0]["assignment"]["id"] == sent[1]["assignment"]["id"]


def test_nothing_to_grab_is_explained(sign_in: SignIn) -> None:
    di, job = sign_in("di"), find_job(sign_in("ada"), "Shapes")
    nothing = ok(di.post(f"/api/jobs/{job}/claim/inspect", json={}))
    assert nothing["assignment"] is None
    assert nothing["reason"]
    members = ok(sign_in("ada").get(f"/api/manage/jobs/{job}"))["members"]
    ben = next(each for each in members if each["account"] == "ben")
    assert set(ben["explained"]) == {"label", "inspect", "accept"}


def test_tasks_are_abandoned_and_restored(sign_in: SignIn) -> None:
    ben, job = sign_in("ben"), find_job(sign_in("ada"), "Posts")
    path = grab(ben, job, "label")
    unknown = ben.post(f"{path}/tasks/1/abandon", json={"reason": "too long"})
    assert unknown.status_code == 422
    given_up = ok(ben.post(f"{path}/tasks/1/abandon", json={"reason": "not readable"}))
    assert given_up["abandon_reason"] == "not readable"
    restored = ok(ben.post(f"{path}/tasks/1/restore"))
    assert (restored["abandon_reason"], restored["replies"]) == (None, None)
    assert ben.post(f"{path}/submit", json={}).status_code == 409
    ok(ben.post(f"{path}/release", json={"comment": "my shift ends"}))
    assert ok(ben.get("/api/work/label"))["mine"] == []


def test_people_talk_about_a_task(sign_in: SignIn) -> None:
    ben, ada = sign_in("ben"), sign_in("ada")
    job = find_job(ada, "Shapes")
    grab(ben, job, "label")
    path = f"/api/jobs/{job}/tasks/1/comments"
    (thread,) = ok(ben.post(path, json={"text": "is this one?"}))
    assert thread["comments"][0]["member"]["account"] == "ben"
    (thread,) = ok(ada.post(path, json={"text": "yes", "thread": thread["id"]}))
    assert [each["text"] for each in thread["comments"]] == ["is this one?", "yes"]
    (thread,) = ok(ben.post(f"{path}/{thread['id']}/resolve"))
    assert thread["is_resolved"]
    assert ben.post(path, json={"text": "x", "thread": "12"}).status_code == 404


def test_a_vote_is_taken_over_at_inspection(sign_in: SignIn) -> None:
    ada, di = sign_in("ada"), sign_in("di")
    job = find_job(ada, "Which-answer-is-better")
    for account, better in (("ben", "a"), ("cy", "b")):
        client = sign_in(account)
        label(client, grab(client, job, "label"), {"1": {"kind": "preference", "better": better}})
    path = grab(di, job, "inspect")
    item = ok(di.get(path))["items"][0]
    assert item["submitted"]["disputed"] == ["1"]
    assert [vote["member"]["account"] for vote in item["votes"]] == ["ben", "cy"]
    taken = item["votes"][1]["replies"]
    ok(di.put(f"{path}/tasks/{item['task']['number']}", json={"replies": taken}))
    assert ok(di.get(path))["items"][0]["answer"]["replies"]["1"]["better"] == "b"


def test_those_who_manage_pause_jobs_and_give_work_away(sign_in: SignIn, app: FastAPI) -> None:
    ada, ben = sign_in("ada"), sign_in("ben")
    job = find_job(ada, "Shapes")
    ok(ada.post(f"/api/manage/jobs/{job}/packages/2/assign/ben"))
    assert [each["package"] for each in ok(ben.get("/api/work/label"))["mine"]] == [2]
    ok(ada.post(f"/api/manage/jobs/{job}/pause"))
    assert "Shapes" not in [each["name"] for each in ok(ben.get("/api/work/label"))["available"]]
    ok(ada.post(f"/api/manage/jobs/{job}/resume"))
    assert ada.post(f"/api/manage/jobs/{job}/delete").status_code == 422
    claimed = ok(ben.post(f"/api/jobs/{job}/claim/label", json={"package": 2}))["assignment"]
    app.state.flow.members.remove(app.state.workspace, "cy", by="ada")
    ok(ada.post(f"/api/jobs/{job}/assignments/{claimed['id']}/release", json={"comment": "mine"}))
    assert ok(ben.get("/api/work/label"))["mine"] == []


@pytest.mark.parametrize("format", ["itag", "jsonl", "csv"])
def test_results_are_exported(sign_in: SignIn, format: str) -> None:
    ada = sign_in("ada")
    job = find_job(ada, "Shapes")
    content = ada.post(f"/api/manage/jobs/{job}/export/{format}").content
    assert content
    assert format != "csv" or content.startswith("\ufeffsource,result-".encode())
    assert ada.post(f"/api/manage/jobs/{job}/export/exe").status_code == 422


def test_few_requests_are_worked_on_at_once(app: FastAPI) -> None:
    """More threads than that only wait for each other, and for connections of the store."""
    at_once: list[int] = []
    running = 0
    lock = Lock()
    full = Event()

    def work() -> None:
        nonlocal running
        with lock:
            running += 1
            at_once.append(running)
            if running == THREADS:
                full.set()
        full.wait(timeout=30)
        with lock:
            running -= 1

    app.add_api_route("/work", work)
    with TestClient(app) as client, ThreadPoolExecutor(2 * THREADS) as pool:
        answers = list(pool.map(lambda _: client.get("/work").status_code, range(2 * THREADS)))
    assert answers == [200] * 2 * THREADS
    assert max(at_once) == THREADS
