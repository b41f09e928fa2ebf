"""Segments in RTTM are read back by the library that people compare speakers with."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.exported import a_result

from itagflow import Segment, Segments, formats, templates

readers = pytest.importorskip("pyannote.database.util")

pytestmark = pytest.mark.filterwarnings("ignore")
CALLS = templates.audio_segmentation(["agent", "the customer"])
CLASS = CALLS.questions[0].children[-1].title


def test_recordings_times_and_speakers_are_those_that_people_marked(tmp_path: Path) -> None:
    times = [(0.5, 2.75, "agent"), (2, 4.125, "the customer")]
    said = Segments([Segment(start, end, labels={CLASS: who}) for start, end, who in times])
    results = [a_result({"1": said}, n, {"source": f"call {n}"}) for n in (1, 2)]
    report = formats.write("rttm", results, tmp_path / "calls.rttm", template=CALLS)
    assert report.losses == {"names of recordings with a space (written as _)": 2}
    found = readers.load_rttm(tmp_path / "calls.rttm")
    assert set(found) == {"call_1", "call_2"}
    assert [
        (segment.start, segment.end, who)
        for segment, _, who in found["call_1"].itertracks(yield_label=True)
    ] == [(0.5, 2.75, "agent"), (2, 4.125, "the_customer")]
