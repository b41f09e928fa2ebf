"""The web app of the examples, and people who are signed in to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from examples.web.app import Settings
from examples.web.demo import PASSWORDS
from fastapi import FastAPI
from fastapi.testclient import TestClient

SignIn = Callable[[str], TestClient]


def make_settings(store: str, media: Path, **more: Any) -> Settings:
    return Settings(store=store, media=media, secret="only in tests", passwords=PASSWORDS, **more)


def sign_in_to(app: FastAPI, account: str) -> TestClient:
    client = TestClient(app)
    answer = client.post("/api/session", json={"account": account, "password": "demo"})
    assert answer.status_code == 200, answer.text
    client.headers["x-csrf-token"] = answer.json()["token"]
    return client
