"""A password is shown nowhere, whatever the URL looks like that it stands in."""

from __future__ import annotations

import io
import logging
import pickle
import traceback
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import itagflow
from itagflow import InvalidData, ItagflowError, StoreFailed
from itagflow.storage._secrets import (
    is_clear,
    is_path,
    kind_of,
    safe_name,
)

PostgresStore = pytest.importorskip("itagflow.storage.postgres").PostgresStore

S = "s3cr3tPW"
HERE = "127.0.0.1:1"
URLS = [
    f"postgresql://u:{S}@{HERE}/db",
    f"postgresql://u:{S}@{HERE}/db?foo=bar",
    f"postgresql://u:{S}@127.0.0.1:port/db",
    f"postgresql://u:{S}@127.0.0.1:99999/db",
    f"postgresql://u:{S}@[::1/db",
    f"postgresql://u:{S}@[::1]:1/db",
    f"postgresql://u:{S}%zz@h/db",
    f"postgresql://u:{S}%@h/db",
    f"postgresql://{HERE}/db?user=u&password={S}&connect_timeout=x",
    f"postgresql://{HERE}/db?user=u&password={S}%zz",
    f"postgresql://{HERE}/db?user=u&password",
    f"postgresql://{HERE}/db?{S}",
    f"postgres://u:{S}@{HERE}/db?sslmode=nonsense",
    f"postgresql://u:p@{S}@{HERE}/db",
    f"postgresql://u:{S}@p@{HERE}/db",
    f"postgresql://u:{S}@@{HERE}/db",
    f"postgresql://u:{S}#x@{HERE}/db",
    f"postgresql://u:x#{S}@{HERE}/db",
    f"postgresql://u:{S}/x@{HERE}/db",
    f"postgresql://u:x/{S}@{HERE}/db",
    f"postgresql://u:x/@{S}@{HERE}/db",
    f"postgresql://u:{S}?x@{HERE}/db",
    f"postgresql://u:x?{S}@{HERE}/db",
    f"postgresql://u:{S}:x@{HERE}/db",
    f"postgresql://u:x:{S}@{HERE}/db",
    f"postgresql://u:{S} x@{HERE}/db",
    f"postgresql://u:x {S}@{HERE}/db",
    f"postgresql://u:{S}\n@{HERE}/db",
    f"postgresql://u:{S}\\x@{HERE}/db",
    f"postgresql://u:{S}",
    f"postgresql://u:{S}/db",
    f"postgresql://:{S}@{HERE}/db",
    f"postgresql:/u:{S}@{HERE}/db",
    f"postgresql:u:{S}@{HERE}/db",
    f"postgresql:host=127.0.0.1 password={S}",
    f"postgresql//u:{S}@{HERE}/db",
    f"postgresql;//u:{S}@{HERE}/db",
    f"postgres.example.org:{S}@{HERE}/db",
    f"PostgreSQL://u:{S}@{HERE}/db",
    f" postgresql://u:{S}@{HERE}/db",
    f"postgresql+psycopg://u:{S}@h/db",
    f"mysql://u:{S}@h/db",
    f"mysql+pymysql://u:{S}@h/db",
    f"{S}://u@h/db",
    f"u:{S}@h/db",
    f"//u:{S}@h/db",
    f"host=127.0.0.1 port=1 password={S}",
    f"sqlite://u:{S}@h/db",
    f"sqlite:///u:{S}@h/db",
    f"sqlite://[u:{S}@h/db",
    f"sqlite:///x.db?password={S}",
]
PAIRS = [
    f"host=127.0.0.1 port=1 password={S}",
    f"host=127.0.0.1 port=1 passwd={S}",
    f"host=127.0.0.1 port=1 password='{S}",
    f"host=127.0.0.1 port=1 password='x {S}'",
    f"host=127.0.0.1 port=1 password=x {S}",
    f"host=127.0.0.1 port=1 password = {S}",
    f"host=127.0.0.1 port=x password={S}",
    f"host=127.0.0.1 port=1 password=x\\ {S}",
    f"password={S} host='127.0.0.1' port=1 sslmode=nonsense",
    f"password={S}=x host=127.0.0.1 port=1",
]


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that is logged meanwhile, by whoever."""
    text = io.StringIO()
    handler, root = logging.StreamHandler(text), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


def told(error: BaseException) -> str:
    """All that is printed of an error: itself, its values, what led to it, and once it was in another process."""
    again = pickle.loads(pickle.dumps(error))
    return "".join(
        [str(error), repr(error), repr(vars(error)), str(again), *traceback.format_exception(error)]
    )


@pytest.mark.parametrize("url", URLS, ids=lambda url: ascii(url.replace(S, "_")))
def test_no_url_shows_its_password(url: str, logged: io.StringIO) -> None:
    with pytest.raises(ItagflowError) as refused:
        itagflow.open(url)
    assert isinstance(refused.value, InvalidData | StoreFailed)
    assert S not in told(refused.value)
    assert S not in logged.getvalue()


@pytest.mark.parametrize("source", [*URLS[:35], *PAIRS], ids=lambda url: ascii(url.replace(S, "_")))
def test_no_source_of_a_store_shows_its_password(source: str, logged: io.StringIO) -> None:
    with pytest.raises(ItagflowError) as refused:
        PostgresStore(source)
    assert S not in told(refused.value)
    assert S not in logged.getvalue()


def test_what_opens_the_store_elsewhere_does_not_show_it(postgres_url: str) -> None:
    before, _, after = postgres_url.partition("?")
    url = f"{before}?{after}{'&' if after else ''}password={S}"
    with itagflow.open(url) as flow:
        connector = flow.store.connector()
        shown = "".join(
            map(repr, (flow, flow.store, connector, pickle.loads(pickle.dumps(connector))))
        )
        assert S not in shown
        assert connector is not None
        connector().close()


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("postgresql://ben@db.example.org/labels", "postgresql://ben@db.example.org/labels"),
        ("postgres://ben:x@db:5433/labels?sslmode=require", "postgresql://ben@db:5433/labels"),
        ("postgresql:///labels?host=/tmp", "postgresql:///labels"),
        ("postgresql://", "postgresql:///"),
        ("postgresql://ben%40corp:p%2Fw@db/labels", "postgresql://db/labels"),
        ("postgresql://one:1,two:2/labels", "postgresql://one:1,two:2/labels"),
        ("postgresql://[::1]:5432/labels", "postgresql://[::1]:5432/labels"),
        ("postgresql://%2Ftmp/labels", "postgresql://%2Ftmp/labels"),
        ("postgresql://ben:a?b#c[d]:e@db/labels", "postgresql://ben@db/labels"),
        ("host=/tmp dbname=labels user=ben", "postgresql://ben@/tmp/labels"),
        ("host=db port=5433 options='-c x=y' password=a=b", "postgresql://db:5433/"),
        ("", "postgresql:///"),
    ],
)
def test_what_is_clear_has_a_name(source: str, name: str) -> None:
    assert is_clear(source)
    assert safe_name(source) == name


HOSTILE = st.text(st.sampled_from("ab1:@/?#%[]=&' \\,.\n\0é"), max_size=12)


@given(HOSTILE, HOSTILE)
@example("", "%")
@example("a@", "@b")
def test_whatever_stands_around_it_the_name_is_safe(before: str, after: str) -> None:
    for password in (f"{before}{S}{after}", f"{before}{S}@{after}"):
        for source in (
            f"postgresql://u:{password}@h:1/db",
            f"postgresql://u:{password}@h",
            f"password={password} host=h",
        ):
            assert S not in safe_name(source)
            assert kind_of(source) == ""


@pytest.mark.parametrize(
    "path",
    [
        "labels.db",
        "/data/street/labels.db",
        "C:\\data\\ada@home\\labels.db",
        "user=ada/labels.db",
        "a:b",
        "ä@b",
    ],
)
def test_paths_stay_paths(path: str) -> None:
    assert is_path(path)
