"""Who signs in, and the signed cookie that says so afterwards."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import BaseModel, Field

COOKIE = "session"
HOURS = 12
SAFE_METHODS = frozenset({"GET", "HEAD"})


class Passwords:
    """The passwords of accounts, as salted hashes; your application has its own way to sign in."""

    def __init__(self, passwords: Mapping[str, str]) -> None:
        self._hashes = {account: _hash(password) for account, password in passwords.items()}
        # an account that does not exist takes as long to refuse as a wrong password
        self._nobody = _hash(secrets.token_hex())

    def check(self, account: str, password: str) -> bool:
        """Return whether this is the password of the account."""
        salt, expected = self._hashes.get(account, self._nobody)
        return hmac.compare_digest(_hash(password, salt)[1], expected)


def _hash(password: str, salt: bytes | None = None) -> tuple[bytes, bytes]:
    salt = salt or secrets.token_bytes(16)
    return salt, hashlib.scrypt(password.encode(), salt=salt, n=2**12, r=8, p=1)


class Sessions:
    """Makes and reads the cookie: an account and a time, signed with the secret of the app."""

    def __init__(self, secret: str, *, is_secure: bool) -> None:
        """Sign with *secret*; a secure cookie is sent by HTTPS only."""
        self._secret, self._is_secure = secret.encode(), is_secure

    def start(self, response: Response, account: str) -> str:
        """Set the cookie of a new session, and return its token for forms."""
        content = {"account": account, "ends": int(time.time()) + HOURS * 3600}
        content["nonce"] = secrets.token_hex(8)  # no two sessions have the same token
        text = json.dumps(content).encode().hex()
        cookie = f"{text}.{self._sign('session', text)}"
        response.set_cookie(
            COOKIE,
            cookie,
            max_age=HOURS * 3600,
            httponly=True,
            secure=self._is_secure,
            samesite="strict",
        )
        return self.get_token(cookie)

    def read(self, cookie: str) -> str | None:
        """Return the account of a cookie, or None when it was changed or is too old."""
        text, _, signature = cookie.partition(".")
        if not hmac.compare_digest(signature.encode(), self._sign("session", text).encode()):
            return None
        content: dict[str, Any] = json.loads(bytes.fromhex(text))
        return content["account"] if content["ends"] > time.time() else None

    def get_token(self, cookie: str) -> str:
        """Return what the page sends as a header with each change: other sites cannot know it."""
        return self._sign("token", cookie)

    def _sign(self, purpose: str, text: str) -> str:
        signed = f"{purpose}:{text}".encode()
        return hmac.new(self._secret, signed, hashlib.sha256).hexdigest()


def get_account(request: Request) -> str:
    """Return the account that sends a request, and require the token where it changes something."""
    sessions: Sessions = request.app.state.sessions
    cookie = request.cookies.get(COOKIE, "")
    account = sessions.read(cookie)
    if account is None:
        raise HTTPException(401, "sign in first")
    token = request.headers.get("x-csrf-token", "")
    is_change = request.method not in SAFE_METHODS
    if is_change and not hmac.compare_digest(token.encode(), sessions.get_token(cookie).encode()):
        raise HTTPException(403, "the token of the session is missing: load the page again")
    return account


Account = Annotated[str, Depends(get_account)]
"""Who sends the request: never what the client says, always what the session says."""

router = APIRouter(prefix="/api/session")


class Credentials(BaseModel):
    """What somebody signs in with."""

    account: str = Field(min_length=1, max_length=200)
    password: str = Field(max_length=200)


def _describe(request: Request, account: str, token: str) -> dict[str, Any]:
    flow, workspace = request.app.state.flow, request.app.state.workspace
    member = flow.members.get(workspace, account)
    return {"account": account, "role": member.role, "token": token}


@router.post("")
def sign_in(request: Request, response: Response, sent: Credentials) -> dict[str, Any]:
    """Start a session."""
    passwords: Passwords = request.app.state.passwords
    if not passwords.check(sent.account, sent.password):
        raise HTTPException(401, "no such account, or another password")
    sessions: Sessions = request.app.state.sessions
    return _describe(request, sent.account, sessions.start(response, sent.account))


@router.get("")
def read_session(request: Request, account: Account) -> dict[str, Any]:
    """Say who is signed in; a page that is loaded again asks for its token so."""
    cookie = request.cookies[COOKIE]
    return _describe(request, account, request.app.state.sessions.get_token(cookie))


@router.delete("", status_code=204)
def sign_out(response: Response, _: Account) -> None:
    """Forget the session in this browser."""
    response.delete_cookie(COOKIE)
