"""The application: one Flow, shared by the threads in which FastAPI runs plain functions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

import itagflow
from itagflow import Flow, Workspace

from . import manage, media, sessions, work
from .guards import add_guards

STATIC = Path(__file__).parent / "static"
THREADS = 8
"""How many requests are worked on at once; the others wait for their turn.

FastAPI allows 40 threads.  A store has about ten connections, and Python runs one thread at a time:
with more threads each only waits for the others between two statements, and all of it takes longer.
"""


@dataclass(frozen=True)
class Settings:
    """What differs between machines; the secret comes from where you keep passwords."""

    store: str
    media: Path
    """The folder whose images and sounds are shown."""
    secret: str
    """What cookies are signed with; who knows it can be anybody."""
    passwords: Mapping[str, str]
    """Who may sign in; in your application, this is its own table of users."""
    is_secure: bool = False
    """Whether the app is reached by HTTPS, as it has to be outside of this machine."""


def create_app(settings: Settings, prepare: Callable[[Flow], Workspace]) -> FastAPI:
    """Make the application.

    Args:
        settings: What differs between machines.
        prepare: Returns the workspace of the app; the first time it makes what has to be there.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = THREADS
        app.state.flow = await run_in_threadpool(itagflow.open, settings.store)
        app.state.workspace = await run_in_threadpool(prepare, app.state.flow)
        try:
            yield
        finally:
            await run_in_threadpool(app.state.flow.close)

    app = FastAPI(title="Labeling", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.settings = settings
    app.state.passwords = sessions.Passwords(settings.passwords)
    app.state.sessions = sessions.Sessions(settings.secret, is_secure=settings.is_secure)
    add_guards(app)
    for part in (sessions, work, manage, media):
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=STATIC))
    app.add_api_route("/", show_page, response_class=FileResponse, include_in_schema=False)
    return app


def show_page() -> FileResponse:
    """Send the page; everything else it asks for itself."""
    return FileResponse(STATIC / "index.html")
