"""Proof for stores: builders, and the contract that every store keeps.

Write a test class for your own store::

    class TestMyStore(StoreContract):
        def open_store(self) -> Store:
            return MyStore(...)

and let pytest run it.
"""

from itagflow.testing.builders import (
    AT,
    a_assignment,
    a_job,
    a_member,
    a_package,
    a_task,
    a_template,
    a_workspace,
    an_answer,
    an_event,
    one_of_each,
)
from itagflow.testing.concurrency import ConcurrencyContract
from itagflow.testing.contract import StoreContract

__all__ = [
    "AT",
    "ConcurrencyContract",
    "StoreContract",
    "a_job",
    "a_member",
    "a_package",
    "a_task",
    "a_template",
    "a_assignment",
    "a_workspace",
    "an_answer",
    "an_event",
    "one_of_each",
]
