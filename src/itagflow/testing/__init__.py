"""Proof for stores: builders, and the contract that every store keeps.

Write a test class for your own store::

    class TestMyStore(StoreContract):
        def open_store(self) -> Store:
            return MyStore(...)

and let pytest run it.  A second class, from `ConcurrencyContract`, proves it for threads, forks and
interruptions.  Each contract is made of parts:

- ``contract`` has `StoreContract`, with what every transaction promises; its parts are
  ``query_contract`` (conditions and orders; ``query_cases`` has the queries), ``lock_contract``,
  ``create_contract`` (``lock(create=)``), ``many_contract`` (many entities at once),
  ``sum_contract``, ``close_contract`` (how transactions and stores end) and ``overlap_contract``
  (two operations of a Flow at the same time).
- ``concurrency`` has `ConcurrencyContract`, with threads, processes and shutdown; its parts are
  ``fork_contract`` and ``interrupt_contract`` (``interruptions`` says where to interrupt).
- ``part`` has what all parts have in common; ``counters`` and ``threads`` are what they count and
  run; `make_job` and its like make entities.
"""

from itagflow.testing.builders import (
    AT,
    make_answer,
    make_assignment,
    make_draft,
    make_event,
    make_job,
    make_member,
    make_one_of_each,
    make_package,
    make_task,
    make_template,
    make_workspace,
)
from itagflow.testing.concurrency import ConcurrencyContract
from itagflow.testing.contract import StoreContract

__all__ = [
    "AT",
    "ConcurrencyContract",
    "StoreContract",
    "make_answer",
    "make_assignment",
    "make_draft",
    "make_event",
    "make_job",
    "make_member",
    "make_one_of_each",
    "make_package",
    "make_task",
    "make_template",
    "make_workspace",
]
