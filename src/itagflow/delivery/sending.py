"""Sending messages: to a function, or to a URL over HTTP."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from inspect import isawaitable
from threading import Timer
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from itagflow import jsontext
from itagflow.delivery import payload_rules, signing_rules
from itagflow.delivery.messages import Message
from itagflow.delivery.receivers import Envelope, Function, Webhook, format_origin
from itagflow.delivery.rules import Outcome, Response, judge_status
from itagflow.errors import InvalidData, Problem
from itagflow.printing import make_printable

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse
    from urllib3.connection import HTTPConnection

LOGGER = logging.getLogger("itagflow.delivery")
MAX_BODY = 65_536
"""How many bytes of an answer are read, so that the next request can use the connection."""
NOT_AWAITED = "the function of receiver %s returned something to be awaited: nothing was done"
MAX_TEXT = 300
"""How many bytes of an answer that says no are logged."""


class Sender(Protocol):
    """**Protocol:** sends messages to one receiver, from one thread."""

    def send(self, id: str, messages: Sequence[Message]) -> Response:
        """Send *messages*, as one, and return how it ended; it never raises for the receiver."""
        ...

    def rest(self) -> None:
        """Close what need not be open while there is nothing to send."""
        ...


def open_sender(name: str, receiver: Webhook | Function) -> Sender:
    """Return what sends to a receiver.

    Raises:
        InvalidData: when it is a URL, and the HTTP client is not installed.
    """
    if isinstance(receiver, Webhook):
        return WebhookSender(name, receiver)
    return FunctionSender(name, receiver)


class FunctionSender:
    """Calls a function of the application."""

    def __init__(self, name: str, receiver: Function) -> None:
        """Call the function of *receiver*."""
        self._name = name
        self._receiver = receiver

    def send(self, id: str, messages: Sequence[Message]) -> Response:
        """Call the function; an exception says that the messages were not taken."""
        argument: Any = tuple(messages)
        if self._receiver.batch is None:
            argument = messages[0]
        try:
            returned = self._receiver.function(argument)
        except Exception as error:
            # what the application raises may quote what it was given: it is logged, not stored
            LOGGER.warning("receiver %s did not take %s", self._name, id, exc_info=True)
            return Response(Outcome.FAILED, f"raised {type(error).__name__}")
        if isawaitable(returned):
            LOGGER.warning(NOT_AWAITED, self._name)
            return Response(Outcome.FAILED, "returned something to be awaited")
        return Response(Outcome.DELIVERED)

    def rest(self) -> None:
        """Do nothing: nothing is open."""


class WebhookSender:
    """Posts to a URL, over one connection that is used again while there is something to send."""

    def __init__(self, name: str, webhook: Webhook) -> None:
        """Post to the URL of *webhook*.

        Raises:
            InvalidData: when the HTTP client is not installed.
        """
        try:
            import urllib3.connection
        except ImportError as error:
            reason = (
                f"{name!r} needs the package urllib3: install it with "
                "pip install 'itagflow[webhooks]'"
            )
            raise InvalidData("delivery.Worker", [Problem("receivers", reason)]) from error
        self._http = urllib3
        self._name = name
        self._webhook = webhook
        self._connection: HTTPConnection | None = None
        parts = urlsplit(webhook.url)
        self._parts = parts
        self._target = parts.path or "/"
        if parts.query:
            self._target += f"?{parts.query}"
        self._agent = f"itagflow/{version('itagflow')}"

    def send(self, id: str, messages: Sequence[Message]) -> Response:
        """Post the messages, signed."""
        try:
            body = self._make_body(messages)
        except (ValueError, TypeError) as error:
            # such as half of a surrogate pair in a row: it will never be JSON
            LOGGER.warning("%s is no JSON: %s", id, type(error).__name__)
            return Response(Outcome.REFUSED, "cannot be written as JSON")
        # the time of this machine, also where the Flow has another clock: receivers compare it
        # with theirs
        headers = signing_rules.sign(self._webhook.secret, id, int(time.time()), body)
        headers |= {
            "Content-Type": self._get_content_type(),
            "User-Agent": self._agent,
            **self._webhook.headers,
        }
        try:
            status, retry_after, text = self._post(body, headers)
        # beside its own errors: what an unreadable answer raises, and what happens to a connection
        # that is shut down at the deadline
        except (self._http.exceptions.HTTPError, OSError, ValueError, AttributeError) as error:
            self._close()
            return self._report(id, Response(Outcome.FAILED, self._explain(error)), "")
        except Exception as error:
            self._close()
            # of `http.client`, whose errors have no class in common with these
            if type(error).__module__ != "http.client":
                raise
            return self._report(id, Response(Outcome.FAILED, self._explain(error)), "")
        return self._report(id, judge_status(status, retry_after, datetime.now(UTC)), text)

    def rest(self) -> None:
        """Close the connection: servers close what is idle, and a request would run into that."""
        self._close()

    def _make_body(self, messages: Sequence[Message]) -> bytes:
        payloads: list[Any] = [message.payload for message in messages]
        if self._webhook.envelope is Envelope.CLOUDEVENTS:
            source = self._webhook.source
            payloads = [payload_rules.wrap_in_cloud_event(one, source) for one in messages]
        if self._webhook.batch is None:
            return jsontext.dumps(payloads[0]).encode()
        return jsontext.dumps(payloads).encode()

    def _get_content_type(self) -> str:
        if self._webhook.envelope is Envelope.PLAIN:
            return "application/json"
        if self._webhook.batch is None:
            return "application/cloudevents+json"
        return "application/cloudevents-batch+json"

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, str | None, str]:
        """Return the status, the header ``Retry-After`` and, of a failure, some of the text."""
        deadline = time.monotonic() + self._webhook.timeout
        connection = self._connect()
        # the socket asks for this much between two pieces; the deadline holds for all of them
        connection.timeout = max(deadline - time.monotonic(), 0.001)
        with _deadline(connection.sock, connection.timeout):
            connection.request(
                "POST", self._target, body, headers, preload_content=False, decode_content=False
            )
            response = connection.getresponse()
            text = self._read(response)
        return response.status, response.headers.get("Retry-After"), text

    def _connect(self) -> HTTPConnection:
        """Return the open connection, or a new one."""
        if self._connection is not None and self._connection.is_connected:
            return self._connection
        self._close()
        timeout = min(self._webhook.connect_timeout, self._webhook.timeout)
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            # certificates are checked against those that the system trusts
            self._connection = self._http.connection.HTTPSConnection(
                host, port, timeout=timeout, cert_reqs="CERT_REQUIRED"
            )
        else:
            self._connection = self._http.connection.HTTPConnection(host, port, timeout=timeout)
        self._connection.connect()
        return self._connection

    def _read(self, response: BaseHTTPResponse) -> str:
        """Read the answer to its end, so that the connection can be used again."""
        if response.status < 300:
            text = ""
            rest = response.read(MAX_BODY)
        else:
            start = response.read(MAX_TEXT)
            text = make_printable(start.decode("utf-8", "replace"))
            rest = response.read(MAX_BODY)
        # a server that closes, and an answer that goes on
        is_closing = response.headers.get("Connection", "").lower() == "close"
        if is_closing or len(rest) == MAX_BODY:
            self._close()
        return text

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _explain(self, error: Exception) -> str:
        """Return what went wrong in words of ours: the error's own may name the path."""
        errors = self._http.exceptions
        # of this class is also what no server listens for, which is no matter of time
        if isinstance(error, errors.ConnectTimeoutError):
            if not isinstance(error, errors.NewConnectionError):
                return f"was not reached within {self._webhook.connect_timeout:g} s"
        elif isinstance(error, TimeoutError | errors.TimeoutError):
            return f"gave no answer within {self._webhook.timeout:g} s"
        return f"was not reached: {type(error).__name__}"

    def _report(self, id: str, response: Response, text: str) -> Response:
        if response.outcome is not Outcome.DELIVERED:
            said = f"; it said: {text}" if text else ""
            origin = format_origin(self._webhook.url)
            LOGGER.warning(
                "receiver %s at %s did not take %s: %s%s",
                *(self._name, origin, id, response.error, said),
            )
        return response


@contextmanager
def _deadline(connected: socket.socket, seconds: float) -> Generator[None]:
    """Shut a socket down when the time is over, and say so by `TimeoutError`.

    The timeout of a socket counts from one piece of an answer to the next: without this, a receiver
    that sends one byte a second would keep the worker for hours.
    """
    is_over: list[bool] = []

    def shut_down() -> None:
        is_over.append(True)
        try:
            # past `SSLSocket`, which would touch the state of the thread that reads
            socket.socket.shutdown(connected, socket.SHUT_RDWR)
        except OSError:  # it is closed already
            LOGGER.debug("the connection was closed at its deadline")

    timer = Timer(seconds, shut_down)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if is_over:
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()
    if is_over:
        # what looks like the end of an answer is where it was cut off
        raise TimeoutError
