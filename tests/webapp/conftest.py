"""The web app of the examples over a store of its own, and people who are signed in to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from examples.web.app import create_app
from examples.web.demo import prepare, write_media
from fastapi import FastAPI
from fastapi.testclient import TestClient
from support.web_app import SignIn, make_settings, sign_in_to


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "media"
    write_media(folder)
    return folder


@pytest.fixture
def app(media: Path) -> Iterator[FastAPI]:
    made = create_app(make_settings("memory:", media), prepare)
    with TestClient(made):
        yield made


@pytest.fixture(scope="module")
def unchanged_app(media: Path) -> Iterator[FastAPI]:
    """One for several tests, none of which changes anything."""
    made = create_app(make_settings("memory:", media), prepare)
    with TestClient(made):
        yield made


@pytest.fixture
def sign_in(app: FastAPI) -> SignIn:
    return lambda account: sign_in_to(app, account)
