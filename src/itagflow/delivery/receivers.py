"""Receivers: a URL, or a function, with what is sent there and how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from inspect import iscoroutinefunction
from typing import Any, cast
from urllib.parse import urlsplit

import attrs

from itagflow.core.lookup import JobRef, WorkspaceRef
from itagflow.core.settings import MOST_SECONDS
from itagflow.delivery import signing_rules
from itagflow.delivery.messages import Retries
from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import is_several, require_callable, require_mapping
from itagflow.model.became import Became
from itagflow.model.enums import parse_enum
from itagflow.model.event import TYPES
from itagflow.model.number import require_number, to_optional_whole, validate_whole
from itagflow.model.text import find_text_error, to_text, to_texts
from itagflow.model.validators import instance_of, to_number, validate_strings
from itagflow.printing import format_repr, make_printable

MAX_BATCH = 10_000
"""How many messages can be sent at once."""


class Content(Enum):
    """What a receiver gets."""

    EVENTS = "events"
    """Each event."""
    RESULTS = "results"
    """The result of each task, when an event ends work on it."""


class Envelope(Enum):
    """How a message is wrapped."""

    PLAIN = "plain"
    """Not at all: its JSON is the body."""
    CLOUDEVENTS = "cloudevents"
    """As CloudEvents 1.0, in structured mode."""


class StartPoint(Enum):
    """Where a receiver begins that the store does not know yet."""

    BEGINNING = "beginning"
    """With the first event that there ever was."""
    NOW = "now"
    """With what happens from now on."""


def _make_error(owner: object, name: str, reason: str) -> InvalidData:
    return InvalidData(type(owner).__name__, [Problem(name, reason)])


def _validate_known(known: Iterable[str]) -> Callable[[object, attrs.Attribute[Any], Any], None]:
    """Return an attrs validator for texts of which each is *known*."""
    words = sorted(known)

    def validate(owner: object, attribute: attrs.Attribute[Any], values: Any) -> None:
        validate_strings(owner, attribute, values)
        for value in values:
            if value not in words:
                reason = f"there is no {format_repr(value)}; there are {', '.join(words)}"
                raise _make_error(owner, attribute.name, reason)

    return validate


def _to_refs(values: Any) -> Any:
    if values is None or not is_several(values):
        return values
    return tuple(values)


def _validate_refs(owner: object, attribute: attrs.Attribute[Any], values: object) -> None:
    if values is not None and not isinstance(values, tuple):
        reason = f"must be several jobs, such as a list, or None, not {format_repr(values)}"
        raise _make_error(owner, attribute.name, reason)


def _validate_seconds(owner: object, attribute: attrs.Attribute[Any], value: object) -> None:
    what = type(owner).__name__
    seconds = require_number(what, attribute.name, value, least=0, most=MOST_SECONDS)
    if not seconds:
        raise _make_error(owner, attribute.name, "must be more than 0 seconds")


def _to_content(value: Content | str) -> Content:
    return parse_enum(Content, value)


def _to_envelope(value: Envelope | str) -> Envelope:
    return parse_enum(Envelope, value)


def _to_start(value: StartPoint | str) -> StartPoint:
    return parse_enum(StartPoint, value)


# -- URLs and secrets --


def _validate_url(owner: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check a URL; errors never show it, since it may have a password or a token in it."""
    if error := _find_url_error(value):
        raise _make_error(owner, attribute.name, error)


def _find_url_error(value: object) -> str | None:
    wanted = "must be a URL that begins with https:// or http://"
    if not isinstance(value, str):
        return f"{wanted}, not {format_repr(value)}"
    if error := find_text_error(value):
        return error
    if not value.isascii() or any(character <= " " or character == "\x7f" for character in value):
        return "must have only ASCII characters, and no spaces: escape others with %"
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        return f"{wanted}, then a host and perhaps a port"
    if parts.scheme not in ("http", "https"):
        return wanted
    if not host or port == 0:
        return f"{wanted}, then a host and perhaps a port"
    if "@" in parts.netloc:
        return "must have no user and password: pass a header, headers={'Authorization': …}"
    if parts.fragment:
        return "must have no fragment (#…), which is never sent"
    return None


def format_origin(url: str) -> str:
    """Return how messages name a URL: without its path and query, which may be a secret.

    >>> format_origin("https://hooks.example.org/services/T0/B1/xyz?token=1")
    'https://hooks.example.org/…'
    """
    parts = urlsplit(url)
    return make_printable(f"{parts.scheme}://{parts.netloc}/…")


def _to_secrets(value: str | Sequence[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (to_text(value),)
    return to_texts(value)


def _validate_secrets(owner: object, attribute: attrs.Attribute[Any], values: object) -> None:
    wanted = (
        "must be a text that begins with whsec_, then 24 to 64 bytes in Base64, or several of "
        "them, the newest first; itagflow.delivery.make_secret() makes one"
    )
    # what was given is not shown: it may be a secret with a flaw
    is_good = isinstance(values, tuple) and all(
        isinstance(secret, str) and signing_rules.parse_secret(secret) is not None
        for secret in cast("tuple[object, ...]", values)
    )
    if not is_good:
        raise _make_error(owner, attribute.name, wanted)


def _to_headers(value: Mapping[str, str]) -> Mapping[str, str]:
    headers = require_mapping("Webhook", "headers", value, "of texts by name")
    return {to_text(name): to_text(text) for name, text in headers.items()}


_RESERVED = ("content-type", "content-length", "host", "transfer-encoding")
"""Headers that are made for each request."""


def _validate_headers(owner: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    for name, text in value.items():
        is_name = isinstance(name, str) and name.isascii() and name.replace("-", "").isalnum()
        if not is_name:
            reason = f"the name {format_repr(name)} must have only letters, digits and hyphens"
            raise _make_error(owner, attribute.name, reason)
        if name.lower() in _RESERVED or name.lower().startswith("webhook-"):
            raise _make_error(owner, attribute.name, f"{name} is set for each message")
        # the text is not shown: it may be a password
        if not isinstance(text, str) or not text.isascii() or not text.isprintable():
            reason = f"the text of {name} must have only ASCII characters that can be printed"
            raise _make_error(owner, attribute.name, reason)


def _validate_source(owner: object, attribute: attrs.Attribute[Any], value: object) -> None:
    is_good = isinstance(value, str) and value.isascii() and value.isprintable()
    if not is_good or not value or " " in cast(str, value):
        reason = f"must be a URI, not {format_repr(value)}"
        raise _make_error(owner, attribute.name, reason)


def _validate_function(owner: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    require_callable("Function", attribute.name, value)
    if iscoroutinefunction(value):
        # it would return at once, and what it is to do would never be done
        reason = "must be a plain function, not an async one: it has to return when all is done"
        raise _make_error(owner, attribute.name, reason)


@attrs.frozen(kw_only=True)
class Receiver:
    """What every receiver has: which events it gets, and how."""

    send: Content = attrs.field(default=Content.EVENTS, converter=_to_content)
    """``"events"``, or ``"results"``: of each task when it is final, again after a reopening."""
    types: tuple[str, ...] = attrs.field(
        default=(), converter=to_texts, validator=_validate_known(TYPES)
    )
    """The types of the events that are sent, such as ``("submit", "accept")``; empty: all."""
    became: tuple[str, ...] = attrs.field(
        default=(), converter=to_texts, validator=_validate_known(each.value for each in Became)
    )
    """Only events by which tasks became one of these, such as ``("final",)``; empty: all.

    Of results it says of which tasks; empty: of those that became final.
    """
    jobs: tuple[JobRef, ...] | None = attrs.field(
        default=None, converter=_to_refs, validator=_validate_refs
    )
    """Only events of these jobs; None: of all."""
    workspace: WorkspaceRef | None = None
    """Only events of this workspace; None: of all."""
    batch: int | None = attrs.field(
        default=None,
        converter=to_optional_whole,
        validator=attrs.validators.optional(validate_whole(least=1, most=MAX_BATCH)),
    )
    """How many messages are sent at once at the most, as an array; None: each one alone."""
    retries: Retries = attrs.field(factory=Retries, validator=instance_of(Retries))
    """When a message that was not taken is sent again, and when it is given up."""
    start: StartPoint = attrs.field(default=StartPoint.BEGINNING, converter=_to_start)
    """Where it begins if the store has no cursor of its name: ``"beginning"`` or ``"now"``."""


@attrs.frozen
class Webhook(Receiver):
    """A URL to which messages are posted, signed as Standard Webhooks.

    >>> Webhook("https://example.org/labels?token=1", became=["final"])
    <Webhook https://example.org/…>
    """

    url: str = attrs.field(converter=to_text, validator=_validate_url)
    """Where to; a redirect is not followed."""
    secret: tuple[str, ...] = attrs.field(
        default=(), converter=_to_secrets, validator=_validate_secrets, kw_only=True, repr=False
    )
    """What it is signed with: ``whsec_…``, or several while one takes the place of another."""
    headers: Mapping[str, str] = attrs.field(
        factory=dict[str, str],
        converter=_to_headers,
        validator=_validate_headers,
        kw_only=True,
        repr=False,
        hash=False,
    )
    """What else is sent with it, such as ``{"Authorization": "Bearer …"}``."""
    envelope: Envelope = attrs.field(default=Envelope.PLAIN, converter=_to_envelope, kw_only=True)
    """``"plain"``, or ``"cloudevents"``."""
    source: str = attrs.field(
        default="itagflow", converter=to_text, validator=_validate_source, kw_only=True
    )
    """What CloudEvents call the sender: a URI, such as ``https://labels.example.org``."""
    timeout: float = attrs.field(
        default=15.0, converter=to_number, validator=_validate_seconds, kw_only=True
    )
    """After how many seconds a delivery that has no answer has failed."""
    connect_timeout: float = attrs.field(
        default=5.0, converter=to_number, validator=_validate_seconds, kw_only=True
    )
    """After how many of them it has failed when there is no connection."""

    def __repr__(self) -> str:
        # neither path nor secrets: representations stand in logs
        return f"<Webhook {format_origin(self.url)}>"


@attrs.frozen
class Function(Receiver):
    """A function of the application that takes messages; when it raises, they were not taken.

    >>> Function(print, types=("submit",))
    <Function print>
    """

    function: Callable[[Any], object] = attrs.field(validator=_validate_function)
    """Is called with a `Message`, or with a tuple of them if there is a *batch*."""
    timeout: float = attrs.field(
        default=60.0, converter=to_number, validator=_validate_seconds, kw_only=True
    )
    """The most seconds that a call takes: after twice as many, another worker may call it, too."""

    def __repr__(self) -> str:
        name = getattr(self.function, "__name__", type(self.function).__name__)
        return make_printable(f"<Function {name}>")
