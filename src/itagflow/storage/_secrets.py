"""Names of stores for messages: never anything that could be a password in a wrong URL.

A password can stand anywhere in a text that somebody meant as a URL.  So nothing is taken out of
it; a name is built from those parts that can only be what they look like, and where the text has
more than one meaning, of none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import attrs

T = TypeVar("T")

_CODE = "%[0-9A-Fa-f]{2}"
_HOST = rf"(?:(?:[A-Za-z0-9._-]|{_CODE}){{1,253}}|\[[0-9A-Fa-f:.]{{2,45}}\])(?::[0-9]{{1,5}})?"
_URL = re.compile(
    r"postgres(?:ql)?://"
    rf"(?:(?P<user>(?:[^:@/\s%]|{_CODE})*)(?::(?:[^@/\s%]|{_CODE})*)?@)?"
    rf"(?P<hosts>{_HOST}(?:,{_HOST})*|)"
    rf"(?:/(?P<name>(?:[^/?@\s%]|{_CODE})*))?"
    rf"(?:\?(?:[^@\s%]|{_CODE})*)?"
)
"""A URL as PostgreSQL reads it, where no part could be an unescaped piece of a password."""
_PAIR = re.compile(
    r"\s*([A-Za-z_]+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)(?:[^\s\\]|\\.)*)(?:\s+|$)",
    re.DOTALL,
)
_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,63}")
_HOST_OR_FOLDER = re.compile(r"[A-Za-z0-9_./,-]{1,253}")
_PORTS = re.compile("[0-9,]{1,63}")

_KINDS = frozenset(
    {
        "duckdb",
        "file",
        "http",
        "https",
        "mariadb",
        "mongodb",
        "mssql",
        "mysql",
        "oracle",
        "redis",
        "s3",
    }
)
"""What people may take for the kind of a store."""
_CREDENTIALS = re.compile(
    r":.*@|//.*@|\b(?:pass\w*|pwd|secret|token)\s*=", re.IGNORECASE | re.DOTALL
)
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def safe_name(source: str) -> str:
    """Return how errors name the PostgreSQL database of *source*: a URL or name=value pairs.

    Of a source that has more than one meaning nothing is shown but its kind.

    >>> safe_name("postgresql://ada:secret@db.example.org:5432/labels?sslmode=require")
    'postgresql://ada@db.example.org:5432/labels'
    >>> safe_name("host=db.example.org password=secret dbname=labels")
    'postgresql://db.example.org/labels'
    >>> safe_name("postgresql://ada:sec@ret@db.example.org/labels")
    'postgresql'
    """
    match = _URL.fullmatch(source)
    if match is not None:
        user = _keep_if(_PLAIN, match["user"], "{}@")
        return f"postgresql://{user}{match['hosts']}/{_keep_if(_PLAIN, match['name'])}"
    pairs = pairs_in(source)
    if pairs is None:
        return "postgresql"
    user = _keep_if(_PLAIN, pairs.get("user"), "{}@")
    host = _keep_if(_HOST_OR_FOLDER, pairs.get("host"))
    host = host or _keep_if(_HOST_OR_FOLDER, pairs.get("hostaddr"))
    port = _keep_if(_PORTS, pairs.get("port"), ":{}")
    return f"postgresql://{user}{host}{port}/{_keep_if(_PLAIN, pairs.get('dbname'))}"


def _keep_if(pattern: re.Pattern[str], text: str | None, form: str = "{}") -> str:
    """Return *text* in this form if all of it is what *pattern* allows, else an empty string."""
    if text is None or not pattern.fullmatch(text):
        return ""
    return form.format(text)


def is_clear(source: str) -> bool:
    """Return whether *source* is unambiguous: no part of a password can be taken for a host.

    Where it has not, no word of the driver's own errors can be shown.

    >>> is_clear("postgresql://ada:sec%40ret@db/x"), is_clear("postgresql://ada:sec@ret@db/x")
    (True, False)
    """
    return _URL.fullmatch(source) is not None or pairs_in(source) is not None


def pairs_in(source: str) -> dict[str, str] | None:
    """Return the names and values of ``host=… password=…``, or None if *source* is not that.

    >>> pairs_in("host=db password='two words'"), pairs_in("host=db password=two words")
    ({'host': 'db', 'password': "'two words'"}, None)
    """
    pairs, at = dict[str, str](), 0
    while at < len(source):
        match = _PAIR.match(source, at)
        if match is None:
            return None
        pairs[match[1].lower()] = match[2]
        at = match.end()
    return pairs


def kind_of(source: str) -> str:
    """Return the scheme of a URL if it is one that other stores have, else an empty string.

    >>> kind_of("mysql+pymysql://ada:secret@db/labels"), kind_of("ada:secret@db/labels")
    ('mysql', '')
    """
    kind = re.split("[:+]", source, maxsplit=1)[0]
    # Only a known word is shown: what stands before the colon may be an account, or worse.
    if kind.lower() not in _KINDS:
        return ""
    return kind


def is_path(source: str) -> bool:
    """Return whether *source* can be shown as a file's path: it is not a mistyped URL.

    >>> is_path("labels.db"), is_path("ada:secret@db/labels"), is_path("host=db password=secret")
    (True, False, False)
    """
    rest = source
    if _DRIVE.match(source):  # "C:" is not what stands before a password
        rest = source[2:]
    return "://" not in rest and _CREDENTIALS.search(rest) is None


_PASSWORDS = (
    re.compile(r"://[^:@/]*:(.+)@", re.DOTALL),
    re.compile(r"[?&;\s](?:pass\w*|pwd|secret|token)\s*=([^&;\s]+)", re.IGNORECASE),
)
"""Where a URL of any kind has a password."""


def shows_password(url: str, error: BaseException) -> bool:
    """Return whether the text of *error* has a password of *url* in it, as written or decoded.

    >>> shows_password("redis://ben:s3cret@db/0", ValueError("no database at ben:s3cret@db"))
    True
    """
    from urllib.parse import unquote

    # with the fields of the error: what catches it may print them
    text = f"{error} {error!r} {vars(error)!r}"
    passwords = [match[1] for pattern in _PASSWORDS for match in pattern.finditer(url)]
    return any(password in text or unquote(password) in text for password in passwords)


@attrs.frozen
class Connector(Generic[T]):
    """Opens a store again, also in another process; its repr shows neither place nor password."""

    kind: Callable[..., T]
    """The class of the store."""
    source: Any = attrs.field(repr=False)
    """What it is opened with."""
    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """The other arguments, by name."""

    def __call__(self) -> T:
        """Return the store."""
        return self.kind(self.source, **self.options)
