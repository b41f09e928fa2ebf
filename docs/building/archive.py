"""The web app of the examples as one file: what somebody copies who has these pages only."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

ROOT = Path(__file__).parents[2]
APP = ROOT / "examples" / "web"
KINDS = {".py", ".html", ".css", ".js"}
"""What the app is made of; caches and data of a demonstration are not."""
NAME = "itagflow-web-app.zip"
BEGINNING = (1980, 1, 1, 0, 0, 0)
"""The time of each file, so that the same files make the same archive."""


def write_archive(target: Path) -> None:
    """Write the files of the app as a zip file, under the names that they have here."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for path in sorted(APP.rglob("*")):
            if path.suffix in KINDS:
                name = path.relative_to(ROOT).as_posix()
                archive.writestr(ZipInfo(name, BEGINNING), path.read_bytes(), ZIP_DEFLATED)


def make_archive(app: Any) -> None:
    """Write the archive where the page links to it."""
    write_archive(Path(app.srcdir) / "_build" / NAME)
