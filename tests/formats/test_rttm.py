"""RTTM: segments of recordings go out as programs that tell speakers apart read them, and come back."""

from __future__ import annotations

from typing import Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from support.amounts import amount
from support.exported import a_result, read, write

from itagflow import InvalidData, Segment, Segments, templates

quiet = settings(
    deadline=None, max_examples=amount(10, 300), suppress_health_check=list(HealthCheck)
)
CALLS = templates.audio_segmentation(["agent", "the customer"])
CLASS = CALLS.questions[0].children[-1].title
TITLE = CALLS.questions[0].children[0].title


def heard(*segments: Segment, number: int = 1, name: str = "call-1", **more: Any) -> Any:
    return a_result({"1": Segments(segments, **more)}, number, {"source": name})


def said(start: float, end: float, who: str = "agent", **more: str) -> Segment:
    return Segment(start, end, labels={CLASS: who, **more})


def test_a_segment_is_a_line_with_its_start_and_its_length() -> None:
    content, losses = write("rttm", [heard(said(0.5, 2.75), said(3, 4, "the customer"))], CALLS)
    assert content.decode().splitlines() == [
        "SPEAKER call-1 1 0.5 2.25 <NA> <NA> agent <NA> <NA>",
        "SPEAKER call-1 1 3 1 <NA> <NA> the_customer <NA> <NA>",
    ]
    assert losses == {}


@pytest.mark.parametrize(
    ("result", "lost", "lines"),
    [
        (heard(said(0, 1), duration=9), "durations of recordings", 1),
        (heard(), "recordings without a segment", 0),
        (heard(said(0, 1), name="a b"), "names of recordings with a space (written as _)", 1),
        (heard(said(0, 1e-9)), "segments of no length", 0),
        (heard(said(0, 1, **{TITLE: "hello"})), "further labels of segments", 1),
        (heard(Segment(0, 1, labels={CLASS: ("agent", "x")})), "segments of several labels", 0),
    ],
)
def test_what_it_cannot_hold_is_counted_or_refused(result: Any, lost: str, lines: int) -> None:
    content, losses = write("rttm", [result], CALLS)
    assert (losses, content.count(b"\n")) == ({lost: 1}, lines)
    with pytest.raises(InvalidData, match="task 1: "):
        write("rttm", [result], CALLS, lossy="error")


def test_two_recordings_of_one_name_are_not_mixed() -> None:
    content, losses = write("rttm", [heard(said(0, 1)), heard(said(1, 2), number=2)], CALLS)
    assert (content.count(b"\n"), losses) == (1, {"recordings with a name that another one has": 1})


times = st.tuples(st.floats(0, 900), st.floats(0.001, 90)).map(lambda t: (t[0], t[0] + t[1]))
segments = st.builds(
    lambda t, who: said(*t, who), times, st.sampled_from(["agent", "the customer"])
)


@quiet
@given(given_segments=st.lists(st.lists(segments, min_size=1, max_size=4), min_size=1, max_size=3))
def test_what_comes_out_goes_in_again(given_segments: list[list[Segment]]) -> None:
    results = [heard(*each, number=n, name=f"c{n}") for n, each in enumerate(given_segments, 1)]
    content, losses = write("rttm", results, CALLS)
    found = [reply["1"].segments for reply in read("rttm", content, CALLS)]
    assert losses == {}
    assert [row["data"]["source"] for row in read("rttm", content, None)] == [
        f"c{n}" for n in range(1, len(results) + 1)
    ]
    for one, other in zip(found, given_segments, strict=True):
        assert [each.labels for each in one] == [each.labels for each in other]
        assert [(each.start, each.end) for each in one] == [
            pytest.approx((each.start, each.end), abs=1e-5) for each in other
        ]


class TestWhatOthersWrite:
    def test_lines_in_any_order_and_of_other_kinds(self) -> None:
        content = (
            b";; comment\r\nSPKR-INFO a 1 <NA> <NA> <NA> unknown agent <NA>\r\n"
            b"SPEAKER a 1 0.00 1.50 <NA> <NA> agent <NA> <NA>\r\n\r\n"
            b"SPEAKER b 1 1 2 <NA> <NA> <NA> <NA>\nSPEAKER a 1 4 1 <NA> <NA> agent 0.5 <NA>"
        )
        first, second = read("rttm", content, CALLS)
        assert first == {"1": Segments([said(0, 1.5), said(4, 5)])}
        assert second == {"1": Segments([Segment(1, 3)])}

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            (b"SPEAKER a 1 0 1", "line 2: SPEAKER: has fewer than 8 fields"),
            (b"SPEAKER", "line 2: SPEAKER: has fewer than 8 fields"),
            (b"SPEAKER a 1 x 1 - - agent", "line 2: SPEAKER: must have start and duration"),
            (b"SPEAKER a 1 0 nan - - agent", "line 2: SPEAKER: must have start and duration"),
            (b"SPEAKER a 1 0 0 - - agent", "line 2: end: must be more than 0"),
            (b"SPEAKER a 1 -1 9 - - agent", "line 2: start: must be "),
            (b"\xff", "line 2: is not UTF-8"),
            (b"x" * 200, "line 2: is longer than limit="),
        ],
    )
    def test_what_is_broken_is_a_problem_with_its_line(self, line: bytes, problem: str) -> None:
        good = b"SPEAKER b 1 0 1 <NA> <NA> agent <NA> <NA>"
        found = read("rttm", good + b"\n" + line + b"\n", CALLS, limit=100)
        assert found[0].startswith(problem)
        assert found[1:] == [{"1": Segments([said(0, 1)])}]

    def test_a_recording_with_a_broken_line_is_left_out(self) -> None:
        content = b"SPEAKER a 1 0 1 <NA> <NA> agent\nSPEAKER a 1 0\n"
        (problem,) = read("rttm", content, CALLS)
        assert problem.startswith("line 2: ")

    def test_an_empty_file_has_no_recordings(self) -> None:
        assert read("rttm", b"", CALLS) == []


def test_a_template_must_ask_for_segments() -> None:
    with pytest.raises(InvalidData, match="has no VIDEO question"):
        write("rttm", [], templates.image_classification(["cat"]))
    with pytest.raises(InvalidData, match="label: must be the title of a question with options"):
        write("rttm", [], CALLS, label="x")
    alike = templates.audio_segmentation(["a b", "a_b"])
    with pytest.raises(InvalidData, match="has options that are written alike in a file"):
        write("rttm", [], alike)


def test_a_recording_without_a_name_is_refused() -> None:
    nameless = attrs.evolve(heard(said(0, 1), name="  "))
    with pytest.raises(InvalidData, match=r"data\.source: must be the name of the recording"):
        write("rttm", [nameless], CALLS)
