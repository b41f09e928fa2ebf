"""Signatures of webhooks, as Standard Webhooks has them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

PREFIX = "whsec_"
"""What a secret begins with."""
LEAST, MOST = 24, 64
"""How many bytes a secret may have."""


def parse_secret(text: str) -> bytes | None:
    """Return the bytes of a secret, or None when it has not the form that the standard asks for.

    >>> len(parse_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    24
    """
    if not text.startswith(PREFIX):
        return None
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):  # the latter when it is not ASCII
        return None
    if not LEAST <= len(key) <= MOST:
        return None
    return key


def format_secret(key: bytes) -> str:
    """Return the text for the bytes of a secret."""
    return PREFIX + base64.b64encode(key).decode("ascii")


def sign(secrets: Iterable[str], id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers that say who sends *body*: its id, the time, a signature by each secret.

    A receiver accepts any of the signatures, so the secret can change while it goes on.
    """
    headers = {"webhook-id": id, "webhook-timestamp": str(timestamp)}
    content = b".".join((id.encode("ascii"), str(timestamp).encode("ascii"), body))
    signatures: list[str] = []
    for secret in secrets:
        key = parse_secret(secret)
        if key is not None:  # always: receivers are not made with others
            digest = hmac.new(key, content, hashlib.sha256).digest()
            signatures.append(f"v1,{base64.b64encode(digest).decode('ascii')}")
    if signatures:
        headers["webhook-signature"] = " ".join(signatures)
    return headers
