"""A wrong value at any public parameter: the call works, or raises an `ItagflowError`, and nothing breaks.

`open_faults.txt` is the one switch for faults that are known: a callable in it is expected to have some, and is
to be taken out once it has none.  The aim is that it becomes empty.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support import postgres
from support.named_errors import is_named, verbs
from support.optional import skip_without

from itagflow import errors
from values import report
from values.callables import PublicCallable, public_callables
from values.cases import CASES, POSTGRES
from values.scene import Stores
from values.trying import Trial, Try
from values.wrong import HAS_NUMPY, WRONG, Wrong, sample

pytestmark = [
    # values are wrong on purpose: what Python warns of about them is not what is tested here
    pytest.mark.filterwarnings("ignore"),
]

ALL_VALUES = os.environ.get("ITAGFLOW_ALL_VALUES") == "1"
"""Whether all values are tried, and compared on all stores; otherwise a sample of them, and a few."""
Outcomes = dict[str, dict[tuple[str, str], str]]
"""What came of the tries on the memory store, by callable."""
OPEN = frozenset(
    line
    for line in Path(__file__).with_name("open_faults.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
)
"""Callables that have faults, and ``<callable> on sqlite`` and the like where a store differs."""
CALLABLES = public_callables()
IN_A_STORE = [key for key in CALLABLES if report.gets_into_a_store(key) and key not in POSTGRES]
"""Callables whose values get into a store; all others never see one."""
COMPARED = [key for key in IN_A_STORE if ALL_VALUES or key.split(".")[0] in ("flow", "maintenance")]
"""Callables that are tried on other stores, too.

What a constructor lets through gets into a store by the verbs, whose own cases are compared; with
all values, a value of each is stored on every store besides.
"""


ON_SQLITE, ON_POSTGRES = (COMPARED, COMPARED) if ALL_VALUES else (COMPARED[::8], COMPARED[1::2])
"""On which of the other stores; fewer on SQLite, which executes the same statements as memory does."""


def few(key: str, parameter: str) -> Sequence[Wrong]:
    """Return the values that are compared on all stores, at every parameter alike."""
    del key, parameter
    return [wrong for wrong in WRONG if ALL_VALUES or wrong.is_compared]


def some(key: str, parameter: str) -> Sequence[Wrong]:
    """Return the values that are tried at a parameter on the memory store."""
    return WRONG if ALL_VALUES else sample(key, parameter)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("values")


@pytest.fixture(autouse=True)
def aside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Many a text is taken for a path, and many a listener is none, which is logged."""
    monkeypatch.chdir(folder)
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="session")
def memory(folder: Path) -> Iterator[Stores]:
    with report.stores_of("memory", folder) as stores:
        yield stores


@pytest.fixture(scope="session")
def sqlite(folder: Path) -> Iterator[Stores]:
    with report.stores_of("sqlite", folder) as stores:
        yield stores


@pytest.fixture(scope="session")
def postgresql(folder: Path, databases: postgres.Databases) -> Iterator[Stores]:
    with report.stores_of("postgres", folder, databases) as stores:
        yield stores


@pytest.fixture(scope="session")
def tries(folder: Path, pytestconfig: pytest.Config) -> Iterator[list[Try]]:
    """All tries on the memory store; at the end a table is printed, and all that was found is in a file."""
    done: list[Try] = []
    yield done
    file = folder / "faults.txt"
    file.write_text(f"{report.report(done)}\n{report.all_faults(done)}", "utf-8")
    capture: Any = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\n\n{report.summary(done)}\nby callable, and each fault: {file}\n")


@pytest.fixture(scope="session")
def outcomes() -> Outcomes:
    return {}


def settle(name: str, faults: list[str]) -> None:
    """Fail for faults that are not known, and for a name that has none any more."""
    told = "\n".join(faults[:20]) + (f"\n… and {len(faults) - 20} more" if len(faults) > 20 else "")
    if name not in OPEN:
        assert not faults, told
    elif not faults and ALL_VALUES:
        pytest.fail(f"take {name!r} out of open_faults.txt: it has no fault any more")
    elif faults:
        pytest.xfail(f"{len(faults)} known faults")


def tried_in(stores: Stores, key: str, choose: Callable[[str, str], Sequence[Wrong]]) -> list[Try]:
    return Trial(CALLABLES[key], stores).run(partial(choose, key))


def test_every_public_callable_has_a_case() -> None:
    missing = sorted(CALLABLES.keys() - CASES.keys())
    assert not missing, f"add to tests/values/cases.py how they are called: {missing}"


def test_every_case_is_of_a_public_callable() -> None:
    stale = sorted(CASES.keys() - CALLABLES.keys())
    assert not stale, f"no public module exports them any more; take them out of cases.py: {stale}"


def test_only_what_is_tried_can_have_open_faults() -> None:
    assert {name.split(" on ")[0] for name in OPEN} <= CALLABLES.keys()


@pytest.mark.parametrize("key", [key for key in CALLABLES if key not in POSTGRES])
def test_good_values(key: str, memory: Stores) -> None:
    """The cases are right: every parameter has a good value, which works and breaks nothing."""
    skip_without(key)
    has_all_parameters(CALLABLES[key], memory)
    Trial(CALLABLES[key], memory).control()


def has_all_parameters(one: PublicCallable, stores: Stores) -> None:
    missing = set(one.parameters) - set(CASES[one.key].good(stores.scene()))
    assert not missing, f"the case of {one.key} lacks {sorted(missing)}"


@pytest.mark.parametrize("key", [key for key in CALLABLES if key not in POSTGRES])
def test_wrong_values(
    key: str,
    memory: Stores,
    tries: list[Try],
    outcomes: Outcomes,
) -> None:
    done = tried_in(memory, key, some)
    tries += done
    outcomes[key] = report.outcomes_of(done)
    settle(key, [str(tried) for tried in done if tried.faults])
    assert unnamed_refusals(key, done) == []


def unnamed_refusals(key: str, done: list[Try]) -> list[str]:
    """Return the tries that a verb refused with an error that its docstring does not name."""
    path = key.removeprefix("flow.")
    refused = [tried for tried in done if hasattr(errors, tried.outcome)]
    return [
        str(tried) for tried in refused if path in verbs() and not is_named(path, tried.outcome)
    ]


@pytest.mark.parametrize("key", list(POSTGRES))
def test_wrong_values_for_a_server(key: str, postgresql: Stores) -> None:
    has_all_parameters(CALLABLES[key], postgresql)
    Trial(CALLABLES[key], postgresql).control()
    settle(key, [str(tried) for tried in tried_in(postgresql, key, few) if tried.faults])


@pytest.mark.parametrize("key", ON_SQLITE)
def test_sqlite_agrees(key: str, memory: Stores, sqlite: Stores, outcomes: Outcomes) -> None:
    """The same value comes to the same as in memory: it works, or the same kind of error is raised."""
    must_agree(key, memory, sqlite, outcomes)


@pytest.mark.parametrize("key", ON_POSTGRES)
def test_postgresql_agrees(
    key: str, memory: Stores, postgresql: Stores, outcomes: Outcomes
) -> None:
    must_agree(key, memory, postgresql, outcomes)


def must_agree(key: str, memory: Stores, stores: Stores, outcomes: Outcomes) -> None:
    expected = outcomes.get(key) or report.outcomes_of(tried_in(memory, key, few))
    found = report.differences(key, stores, expected, few(key, ""))
    settle(f"{key} on {stores.kind}", found)


@pytest.mark.skipif(HAS_NUMPY, reason="numpy is installed, and its values are tried")
def test_values_of_numpy() -> None:
    pytest.skip(
        "NO NUMPY: its scalars are not tried; install the dependency group `tests`, which has it"
    )
