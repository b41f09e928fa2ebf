"""Proof for stores: builders, and the contract that every store keeps.

Write a test class for your own store::

    class TestMyStore(StoreContract):
        def open_store(self) -> Store:
            return MyStore(...)

and let pytest run it.
"""

from itagflow.testing.builders import (
    AT,
    make_answer,
    make_assignment,
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
    "make_event",
    "make_job",
    "make_member",
    "make_one_of_each",
    "make_package",
    "make_task",
    "make_template",
    "make_workspace",
]
