"""The web app as the file that its page links to: it is all that somebody needs beside itagflow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from docs.building.archive import APP, write_archive

import itagflow

PROGRAM = """
from pathlib import Path
from examples.web import app, demo
from fastapi.testclient import TestClient

demo.write_media(Path("media"))
settings = app.Settings("labels.db", Path("media"), "secret", demo.PASSWORDS)
with TestClient(app.create_app(settings, demo.prepare)) as client:
    print(client.get("/").status_code, app.__file__)
    print(client.get("/static/main.js").status_code)
"""


def test_the_app_runs_from_what_was_unpacked(tmp_path: Path) -> None:
    write_archive(tmp_path / "app.zip")
    with ZipFile(tmp_path / "app.zip") as archive:
        archive.extractall(tmp_path / "mine")
    library = Path(itagflow.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path / "mine",
        env={**os.environ, "PYTHONPATH": str(library)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    page, script = done.stdout.splitlines()
    assert page == f"200 {tmp_path / 'mine' / 'examples' / 'web' / 'app.py'}"
    assert script == "200"


def test_the_same_files_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("1.zip", "2.zip"):
        write_archive(tmp_path / name)
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()


def test_the_archive_has_every_file_of_the_app(tmp_path: Path) -> None:
    write_archive(tmp_path / "app.zip")
    with ZipFile(tmp_path / "app.zip") as archive:
        found = set(archive.namelist())
    files = {path for path in APP.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert found == {path.relative_to(APP.parents[1]).as_posix() for path in files}
