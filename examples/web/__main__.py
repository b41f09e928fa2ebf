"""Run the app with demo data: ``python -m examples.web``."""

from __future__ import annotations

import argparse
import os
import secrets
from pathlib import Path

import uvicorn

from .app import Settings, create_app
from .demo import PASSWORDS, prepare, write_media


def main() -> None:
    """Make the demo data in a folder, and serve the app to this machine."""
    parser = argparse.ArgumentParser(prog="python -m examples.web", description=main.__doc__)
    parser.add_argument("--folder", type=Path, default=Path("web-demo"))
    parser.add_argument("--store", help="such as postgresql://…; a file in the folder by default")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    write_media(options.folder / "media")
    settings = Settings(
        store=options.store or str(options.folder / "labels.db"),
        media=options.folder / "media",
        # with a new secret at each start, everybody has to sign in again
        secret=os.environ.get("WEB_SECRET") or secrets.token_hex(),
        passwords=PASSWORDS,
    )
    *most, last = PASSWORDS
    people = f"{', '.join(most)} or {last}"
    # shown at once, also where the output goes to a file
    print(
        f"open http://127.0.0.1:{options.port} and sign in as {people} with the password demo",
        flush=True,
    )
    uvicorn.run(
        create_app(settings, prepare), host="127.0.0.1", port=options.port, log_level="warning"
    )


if __name__ == "__main__":
    main()
