"""Unit tests of `itagflow.delivery.signing_rules`, against the package of the standard."""

from __future__ import annotations

import base64
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from itagflow import delivery
from itagflow.delivery import signing_rules

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(b"x" * 64).decode()


def test_a_signature_is_the_one_of_the_standard() -> None:
    """The example of the standard's own tests."""
    body = b'{"test": 2432232314}'
    headers = signing_rules.sign([SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_receiver_with_either_secret_accepts_it() -> None:
    body = '{"a":"猫"}'.encode()
    headers = signing_rules.sign([OTHER, SECRET], "msg_1", int(time.time()), body)
    for secret in (SECRET, OTHER):
        assert Webhook(secret).verify(body, headers) == {"a": "猫"}
    with pytest.raises(WebhookVerificationError):
        Webhook(delivery.make_secret()).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body + b" ", headers)


def test_without_a_secret_nothing_is_signed() -> None:
    assert signing_rules.sign([], "msg_1", 5, b"{}") == {
        "webhook-id": "msg_1",
        "webhook-timestamp": "5",
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!",
        "whsec_ MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS猫",
        "whsec_" + base64.b64encode(b"x" * 23).decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
    ],
)
def test_a_secret_of_another_form_is_none(text: str) -> None:
    assert signing_rules.parse_secret(text) is None


def test_a_new_secret_is_one_of_the_standard() -> None:
    key = bytes(range(32))
    assert signing_rules.parse_secret(signing_rules.format_secret(key)) == key
    assert delivery.make_secret() != delivery.make_secret()
