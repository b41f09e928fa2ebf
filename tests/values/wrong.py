"""The wrong values: what people, screens and other libraries pass by mistake."""

from __future__ import annotations

import enum
import io
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from importlib.util import find_spec
from typing import Any
from zlib import crc32

import attrs

from values.callables import P
from values.scene import Scene

HAS_NUMPY = find_spec("numpy") is not None
"""Whether its numbers and arrays are tried; the dependency group `tests` has it."""


class Boom(Exception):
    """What hostile values raise."""


class Grade(enum.IntEnum):
    """Numbers of another program."""

    GOOD = 4


class Foreign(enum.Enum):
    """Values of another program that are spelled like ours."""

    LABEL = "label"


class ForeignText(enum.StrEnum):
    """The same, and they are texts."""

    OPERATOR = "operator"


class Words(str):
    """A text of a class of its own."""

    __slots__ = ()


def _raise(*_: object) -> Any:
    raise Boom("the value does not like it")


class BadEquality:
    __eq__ = _raise
    __hash__ = _raise


class BadText:
    __str__ = __repr__ = __format__ = _raise


class BadIteration:
    __iter__ = _raise


class NoDimension:
    """What says that it can be gone through and cannot, as an array of NumPy without dimensions."""

    ndim = 0
    shape = ()

    def __iter__(self) -> Iterator[object]:
        raise TypeError("iteration over a 0-d array")


class BadLength:
    __len__ = __bool__ = _raise


class Unhashable:
    __hash__ = None  # type: ignore[assignment]


def _raising() -> Iterator[object]:
    yield {"data": {"source": "1.jpg"}}
    raise Boom("the source broke")


def _itself() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


def _itself_by_name() -> dict[str, Any]:
    made: dict[str, Any] = {}
    made["data"] = made
    return made


def _deep() -> list[Any]:
    made: list[Any] = []
    for _ in range(5_000):
        made = [made]
    return made


def _closed_file() -> io.BytesIO:
    file = io.BytesIO(b"{}")
    file.close()
    return file


@attrs.frozen
class Wrong:
    """One wrong value."""

    name: str
    make: Callable[[Scene], Any]
    """Makes it again: some can be used once."""
    is_compared: bool = False
    """Whether it is one of the few that every run compares on all stores."""
    may_raise: bool = False
    """Whether it is code of the application: what that raises may pass through."""


def _plain() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield the values that need nothing."""
    yield "None", lambda: None
    yield "True", lambda: True
    yield "False", lambda: False
    for number in (0, 1, -1, 7, 2.5, 1.0, float("nan"), float("inf"), float("-inf"), 1e300):
        yield repr(number), lambda number=number: number
    yield "2**31", lambda: 2**31
    yield "2**63-1", lambda: 2**63 - 1
    yield "2**63", lambda: 2**63
    yield "-2**63-1", lambda: -(2**63) - 1
    yield "10**400", lambda: 10**400
    yield "10**5000", lambda: 10**5000
    yield "complex", lambda: 1j
    yield "Decimal", lambda: Decimal("1.5")
    yield "Decimal NaN", lambda: Decimal("NaN")
    yield "Decimal sNaN", lambda: Decimal("sNaN")
    yield "Fraction", lambda: Fraction(1, 3)
    yield "IntEnum", lambda: Grade.GOOD
    yield "foreign enum", lambda: Foreign.LABEL
    yield "foreign text enum", lambda: ForeignText.OPERATOR
    yield "Stage", lambda: P.Stage.INSPECT
    yield "Role", lambda: P.Role.VIEWER
    yield "bytes", lambda: b"cat"
    yield "bytearray", lambda: bytearray(b"cat")
    for text in (
        "",
        " ",
        "x",
        "label",
        "1",
        "-1",
        "a\0b",
        "a\nb",
        "\ud800",
        "\u202eabc",
        "\u200b",
        "e\u0301",
    ):
        yield repr(text), lambda text=text: text
    yield "text of a digit 5,000 times", lambda: "9" * 5_000
    yield "text of 100,000", lambda: "x" * 100_000
    yield "str subclass", lambda: Words("cat")
    yield "[]", list
    yield "[0, 1]", lambda: [0, 1]
    yield "['a', 'b']", lambda: ["a", "b"]
    yield "[None]", lambda: [None]
    yield "['\\ud800']", lambda: ["\ud800"]
    yield "[[]]", lambda: [[]]
    yield "[object()]", lambda: [object()]
    yield "2,000 numbers", lambda: list(range(2_000))
    yield "2,000 texts", lambda: [f"t{n}" for n in range(2_000)]
    yield "list in itself", _itself
    yield "list 5,000 deep", _deep
    yield "()", tuple
    yield "(1, 2)", lambda: (1, 2)
    yield "(1,)", lambda: (1,)
    yield "(1, 2, 3)", lambda: (1, 2, 3)
    yield "('a', 1)", lambda: ("a", 1)
    yield "(2**63, -1)", lambda: (2**63, -1)
    yield "{}", dict
    yield "{'a': 1}", lambda: {"a": 1}
    yield "{1: 2}", lambda: {1: 2}
    yield "{None: None}", lambda: {None: None}
    yield "{'label': 5}", lambda: {"label": 5}
    yield "{'1': None}", lambda: {"1": None}
    yield "dict in itself", _itself_by_name
    yield "set", lambda: {1, "a"}
    yield "frozenset", frozenset
    yield "range", lambda: range(3)
    yield "object()", object
    yield "int", lambda: int
    yield "list", lambda: list
    yield "no dimension", NoDimension
    yield "module", lambda: sys
    yield "NotImplemented", lambda: NotImplemented
    yield "Ellipsis", lambda: ...
    yield "exception", lambda: ValueError("x")
    yield "exception class", lambda: ValueError
    yield "empty generator", lambda: (n for n in ())
    yield "generator of numbers", lambda: (n for n in range(3))
    yield "naive time", lambda: datetime(2026, 1, 1)
    yield "datetime.min", lambda: datetime.min
    yield "datetime.max", lambda: datetime.max
    yield "datetime.min UTC", lambda: datetime.min.replace(tzinfo=UTC)
    yield "datetime.max UTC", lambda: datetime.max.replace(tzinfo=UTC)
    yield "date", lambda: date(2026, 1, 1)
    yield "timedelta 0", lambda: timedelta(0)
    yield "timedelta -1", lambda: timedelta(days=-1)
    yield "timedelta.max", lambda: timedelta.max
    yield "bad __eq__", BadEquality
    yield "bad __str__", BadText
    yield "bad __len__", BadLength
    yield "unhashable", Unhashable
    yield "text file", lambda: io.StringIO("{}")
    yield "file of junk", lambda: io.BytesIO(b"\xff\x00{]")
    yield "closed file", _closed_file


def _of_the_application() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield code of the application, whose errors may pass through."""
    yield "generator that raises", _raising
    yield "bad __iter__", BadIteration
    yield "function without arguments", lambda: lambda: None
    yield "function of anything", lambda: lambda *_, **__: None
    yield "function that raises", lambda: _raise


def _of_the_scene() -> Iterator[tuple[str, Callable[[Scene], Any]]]:
    """Yield objects of the library where another kind is wanted, and such as are stale or forged."""
    yield "a Workspace", lambda s: s.home
    yield "a Member", lambda s: s.ben
    yield "a Job", lambda s: s.job
    yield "a Package", lambda s: s.package
    yield "a Workflow", lambda s: P.Workflow()
    yield "a Template", lambda s: P.templates.image_classification(["cat"])
    yield "a Question", lambda s: P.Question("1", P.QuestionKind.INPUT, "Text")
    yield "a Choice", lambda s: P.Choice("cat")
    yield "a Box", lambda s: P.Box(0, 0, 5, 5)
    yield "[a Box]", lambda s: [P.Box(0, 0, 5, 5, label="car")]
    yield "an Option", lambda s: P.Option("cat")
    yield "a Problem", lambda s: P.Problem("here", "is wrong")
    yield "a Flow", lambda s: s.flow
    yield "a store", lambda s: s.flow.store
    yield "a removed Member", lambda s: s.removed
    yield "a Workspace of others", lambda s: s.other_home
    yield "a Job of others", lambda s: s.other_job
    yield "a forged Job", lambda s: attrs.evolve(s.job, id=-1)
    yield "a forged Member", lambda s: attrs.evolve(s.ben, id=2**70)
    yield "a forged Package", lambda s: attrs.evolve(s.package, number=None)
    yield "a path to nothing", lambda s: s.folder / "nothing" / "here"
    yield "a folder", lambda s: s.folder
    yield "a folder's name", lambda s: str(s.folder)


def _of_numpy() -> Iterator[tuple[str, Callable[[], Any]]]:
    if not HAS_NUMPY:
        return
    import numpy as np

    yield "np.int64", lambda: np.int64(3)
    yield "np.int64 -1", lambda: np.int64(-1)
    yield "np.uint8", lambda: np.uint8(1)
    yield "np.float32", lambda: np.float32(0.1)
    yield "np.float64", lambda: np.float64(4)
    yield "np.float64 NaN", lambda: np.float64("nan")
    yield "np.bool_", lambda: np.bool_(True)
    yield "np.str_", lambda: np.str_("cat")
    yield "np.array", lambda: np.array([1, 2])
    yield "np.array of texts", lambda: np.array(["a", "b"])
    yield "np.array 0-d", lambda: np.array(1)
    yield "np.datetime64", lambda: np.datetime64("2026-01-01")


COMPARED = frozenset(
    {
        "None",
        "2.5",
        "nan",
        "2**63",
        repr("\ud800"),
        repr("a\0b"),
        "[0, 1]",
        "datetime.max UTC",
        "object()",
        "(2**63, -1)",
    }
)
"""The values that every run tries at every parameter, and compares on all stores.

With ITAGFLOW_ALL_VALUES=1 all of them are tried and compared.
"""


def _without_scene(make: Callable[[], Any]) -> Callable[[Scene], Any]:
    return lambda _: make()


def _all() -> Iterator[Wrong]:
    for name, make in (*_plain(), *_of_numpy()):
        yield Wrong(name, _without_scene(make), name in COMPARED)
    for name, make in _of_the_application():
        yield Wrong(name, _without_scene(make), name in COMPARED, may_raise=True)
    for name, make_in in _of_the_scene():
        yield Wrong(name, make_in, name in COMPARED)


WRONG = tuple(_all())
"""All of them."""
SHARE = 25
"""One in so many of the others is tried at each parameter, unless all are asked for."""


def sample(key: str, parameter: str) -> tuple[Wrong, ...]:
    """Return the values that every run tries at a parameter: those that are compared, and some others.

    Which ones depends on nothing but the names: each value is tried somewhere, and the same ones
    are tried in every run.
    """
    return tuple(
        wrong
        for wrong in WRONG
        if wrong.is_compared or crc32(f"{key}({parameter}={wrong.name})".encode()) % SHARE == 0
    )


assert {wrong.name for wrong in WRONG} >= COMPARED
assert len({wrong.name for wrong in WRONG}) == len(WRONG)
