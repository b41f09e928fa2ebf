"""What a row of the SQL databases holds of an entity."""

from __future__ import annotations

import attrs

from itagflow.model.event import Event
from itagflow.storage._sql.layout import LAYOUTS
from itagflow.testing import make_event


def test_the_account_of_an_event_is_not_stored() -> None:
    layout = LAYOUTS[Event]
    event = make_event()
    row = layout.row(attrs.evolve(event, account="ben"))
    assert row == layout.row(event)
    assert layout.entity(row).account == ""
