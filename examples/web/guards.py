"""What every request and every response of the app has to obey."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from itagflow import ItagflowError
from itagflow.json import PROBLEM_MEDIA_TYPE, to_problem

log = logging.getLogger(__name__)
MAX_BODY = 4 * 1024 * 1024
"""How many bytes a request may have: enough for the masks of a large image."""
HEADERS = {
    # no script, style or picture from elsewhere, and no page around this one
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class BodyLimit:
    """Refuses requests whose body is too long, also those that do not say how long it is."""

    def __init__(self, app: Any, most: int = MAX_BODY) -> None:
        self.app, self.most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and count what is read of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = make_problem(413, f"a request may have {self.most} bytes")
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self.most:
            await refusal(scope, receive, send)
            return
        read = 0

        async def receive_counted() -> MutableMapping[str, Any]:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.most:
                raise HTTPException(413)
            return message

        async def send_checked(message: MutableMapping[str, Any]) -> None:
            # whatever the app makes of a body that broke off
            if read <= self.most:
                await send(message)

        await self.app(scope, receive_counted, send_checked)
        if read > self.most:
            await refusal(scope, receive, send)


async def check_origin(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Refuse what a page of another site sends, also without a session, and add the headers."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        response: Response = make_problem(403, "sent by a page of another site")
    else:
        response = await call_next(request)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    # a file that a browser keeps is asked for again, since somebody else may sit there now
    is_answer = request.url.path.startswith("/api/")
    response.headers["Cache-Control"] = "no-store" if is_answer else "private, no-cache"
    return response


def make_problem(status: int, detail: str) -> JSONResponse:
    """Return a refusal in the form in which itagflow.json writes errors."""
    title = HTTPStatus(status).phrase
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(content, status, media_type=PROBLEM_MEDIA_TYPE)


def refuse(_: Request, error: ItagflowError) -> JSONResponse:
    """Answer a request that itagflow refuses."""
    problem = to_problem(error)
    if problem["status"] >= 500:
        log.error("itagflow failed", exc_info=error)
    return JSONResponse(problem, problem["status"], media_type=PROBLEM_MEDIA_TYPE)


def refuse_http(_: Request, error: StarletteHTTPException) -> JSONResponse:
    """Answer a request that the app or FastAPI refuses."""
    return make_problem(error.status_code, str(error.detail))


def refuse_body(_: Request, error: RequestValidationError) -> JSONResponse:
    """Answer a request whose path or body has another form."""
    places = [(".".join(map(str, each["loc"])), each["msg"]) for each in error.errors()]
    return make_problem(422, "; ".join(f"{place}: {reason}" for place, reason in places[:10]))


def add_guards(app: FastAPI) -> None:
    """Have *app* obey all of this."""
    app.middleware("http")(check_origin)
    app.add_middleware(BodyLimit)
    app.add_exception_handler(ItagflowError, refuse)  # type: ignore[arg-type]
    app.add_exception_handler(StarletteHTTPException, refuse_http)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, refuse_body)  # type: ignore[arg-type]
