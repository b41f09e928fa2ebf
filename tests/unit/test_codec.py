"""How entities become JSON: what must be ready before the first one does."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from cattrs import converters

from itagflow.model.entity import Entity
from itagflow.storage import MemoryStore
from itagflow.testing import make_one_of_each


def test_nothing_is_made_when_an_entity_is_first_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that strikes while cattrs makes a function keeps that thread from ever having it."""
    store = MemoryStore()
    for name in ("make_dict_structure_fn", "make_dict_unstructure_fn"):
        monkeypatch.setattr(converters, name, _refuse)
    with store.write() as writer:
        stored: list[Entity] = [writer.add(entity)[0] for entity in make_one_of_each()]
    with store.read() as reader:
        assert [reader.get(type(entity), entity.key) for entity in stored] == stored
    store.close()


FIRST_USE = """
import sys, threading
from itagflow import Choice
from itagflow.storage import codec

assert not codec._converters
together, encoded = threading.Barrier(4), []

def use():
    together.wait()
    encoded.append((codec.to_json(Choice("cat")), codec._converter()))

threads = [threading.Thread(target=use) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len({id(converter) for _, converter in encoded}) == 1
print(*(json for json, _ in encoded))
"""


def test_threads_that_are_the_first_together_use_the_same_functions() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST_USE], capture_output=True, text=True, check=False
    )
    assert done.stdout == " ".join(["{'key': 'cat'}"] * 4) + "\n", done.stderr


INTERRUPTED = """
import _thread
from itagflow import Choice
from itagflow.storage import codec

class Interrupted(BaseException):
    pass

class Lock:
    def __init__(self):
        self.lock = _thread.allocate_lock()
    def acquire(self):
        if self.lock.locked():
            raise Interrupted
        self.lock.acquire()
    def release(self):
        self.lock.release()

codec.allocate_lock = Lock
try:
    codec.to_json(Choice("cat"))
except Interrupted:
    codec.allocate_lock = _thread.allocate_lock
    print(codec.to_json(Choice("cat")))
"""


def test_who_was_interrupted_at_the_first_use_can_use_it_afterwards() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False
    )
    assert done.stdout == "{'key': 'cat'}\n", done.stderr


NO_THREADS = """
from itagflow import Choice
from itagflow.storage import codec

def start_new_thread(function, given):
    raise RuntimeError("can't start new thread")

codec.start_new_thread = start_new_thread
print(codec.to_json(Choice("cat")))
"""


def test_it_works_where_no_thread_can_be_started() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_THREADS], capture_output=True, text=True, check=False
    )
    assert done.stdout == "{'key': 'cat'}\n", done.stderr


def _refuse(kind: type, *given: Any, **named: Any) -> None:
    raise AssertionError(f"a function for {kind.__name__} is made when it is first used")
