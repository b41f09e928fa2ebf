"""What notebooks show: small HTML in which everything that people wrote is escaped."""

from __future__ import annotations

import io
import re
import struct
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from support.scenes import cats, labeled, taken

from itagflow import (
    Box,
    Choice,
    Flow,
    InvalidData,
    Keypoint,
    Keypoints,
    Mask,
    Point,
    Polygon,
    Polyline,
    Regions,
    Relation,
    RotatedBox,
    Segment,
    Segments,
    Spans,
    TextSpan,
    display,
    quality,
    templates,
)
from itagflow.display.values import describe_reply
from itagflow.model import Choices, Preference, Ranking, Rating, Text
from itagflow.templates import Option, Question, Template, View

SCRIPT = "<script>alert(1)</script>"
PNG = b"\x89PNG\r\n\x1a\n"


def parse(html: str) -> ET.Element:
    """The elements of a piece: it has to be well-formed."""
    return ET.fromstring(f"<div>{html.replace('&nbsp;', ' ')}</div>")


def tags(html: str) -> list[str]:
    return [element.tag.rpartition("}")[2] for element in parse(html).iter()][1:]


def test_values_of_a_job_show_themselves(flow: Flow) -> None:
    job = cats(flow)
    labeled(flow, "ben", job)
    values: list[Any] = [
        flow.jobs.get(job),
        flow.jobs.progress(job),
        next(flow.results.list(job)),
        flow.templates.get(job),
        next(flow.events.list(job)),
    ]
    for value in values:
        html = value._repr_html_()
        assert tags(html)
        assert len(html) < 3_000
        assert str(display.describe_value(value)) == html
    assert "cat" in values[2]._repr_html_()


def test_every_value_shows_itself(flow: Flow) -> None:
    job = cats(flow)
    labeled(flow, "ben", job)
    values: list[Any] = [
        flow.jobs.queue(job),
        flow.jobs.load_report(job),
        flow.results.export(job, "jsonl", io.BytesIO()),
        flow.members.get(job.workspace, "ben"),
        quality.raw([(1, "ann", "cat"), (1, "bob", "cat")]),
        Box(1, 2, 3, 4, label="car"),
    ]
    for value in values:
        html = value._repr_html_()
        assert tags(html)[:2] == ["table", "caption"]
        assert f"<caption>{type(value).__name__}</caption>" in html
    assert "<td" in values[2]._repr_html_()
    for name in ("sample", "reason", "tags"):  # what is empty is left out
        assert name not in values[2]._repr_html_()
    workspace = flow.workspaces.get(job.workspace)
    assert str(workspace.pseudonym_key) not in workspace._repr_html_()  # type: ignore[attr-defined]


def test_what_people_wrote_is_escaped() -> None:
    template = Template(
        questions=(Question("1", "RADIO", SCRIPT, (Option("a", SCRIPT),)),),
        views=(View("Text", SCRIPT),),
    )
    shown = (
        display.describe_value(template),
        display.show_table([{SCRIPT: SCRIPT, "b": [SCRIPT, {SCRIPT: SCRIPT}]}]),
        display.show_regions(None, Regions([Box(1, 2, 3, 4, label=SCRIPT)], width=9, height=9)),
        display.show_spans(SCRIPT, Spans([TextSpan(0, 8, label=SCRIPT)])),
        display.show_segments(Segments([Segment(0, 1, label=SCRIPT)])),
    )
    for html in shown:
        assert "script" not in tags(html.text)
        assert "&lt;script&gt;" in html.text
    address = 'https://example.org/"><script>alert(1)</script>'
    assert "script" not in tags(display.show_regions(address, Regions([], width=1, height=1)).text)


def test_every_shape_is_drawn() -> None:
    regions = Regions(
        [
            Box(1, 2, 3, 4, label="car"),
            RotatedBox(1, 2, 3, 4, 30),
            Polygon([(1, 1), (9, 1), (9, 9)], holes=[[(7, 3), (8, 3), (8, 4)]]),
            Polyline([(1, 1), (2, 2)]),
            Point(3, 3),
            Keypoints([Keypoint("nose", 1, 2), Keypoint("tail", 0, 0, visibility=0)]),
            Mask([5, 8, 87]),
        ],
        width=10,
        height=10,
    )
    html = display.show_regions(None, regions).text
    found = tags(html)
    names = ("rect", "path", "polyline", "circle")
    assert [found.count(name) for name in names] == [3, 2, 1, 2]
    # the run goes on into the next column: eight pixels, five of them in the first
    assert "M0,5v5h1v-5zM1,0v3h1v-3z" in html
    assert 'transform="rotate(30 2.5 4)"' in html


def test_an_image_becomes_a_part_of_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "1.png"
    path.write_bytes(PNG)
    empty = Regions([], width=20, height=10)
    for image in (PNG, path, str(path)):
        html = display.show_regions(image, empty, width=40).text
        assert 'href="data:image/png;base64,iVBORw0KGgo="' in html
        assert 'width="40" height="20"' in html
    for wrong in (b"<svg/>", tmp_path / "2.png", "no\0name", tmp_path, 5):
        with pytest.raises(InvalidData):
            display.show_regions(wrong, empty)  # type: ignore[arg-type]
    with pytest.raises(InvalidData, match="width and height"):
        display.show_regions(None, Regions([], width=0, height=0))


def test_spans_overlap_and_are_joined() -> None:
    text = "Ada \N{SLIGHTLY SMILING FACE} lived\nin London"
    spans = Spans(
        [
            TextSpan(0, 5, label="all"),
            TextSpan(0, 3, label="person"),
            TextSpan(15, 21, label="place"),
        ],
        [Relation(1, 2, label="lived in")],
    )
    html = display.show_spans(text, spans).text
    plain = re.sub(r"<sub.*?</sub>|<[^>]*>", "", html.partition("</div>")[0])
    assert plain == text
    assert "<b>Ada</b> → lived in → <b>London</b>" in html
    with pytest.raises(InvalidData, match="ends at 5, and the text has 3 characters"):
        display.show_spans("Ada", spans)


def record(samples: Sequence[int], size: int, rate: int = 8_000) -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(size)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h" if size == 2 else "B", s) for s in samples))
    return target.getvalue()


def test_a_waveform_is_as_loud_as_the_recording() -> None:
    one = Segments([Segment(0, 1, label="low")])
    loud = display.show_segments(one, recording=record([0, 32_767] * 4_000, 2)).text
    assert tags(loud).count("path") == 320
    assert "V73.9" in loud or "V74" in loud
    silent = display.show_segments(one, recording=record([128] * 8_000, 1)).text
    assert "V40" in silent
    assert "V74" not in silent
    assert tags(display.show_segments(one).text).count("path") == 0
    assert "0.8 s" in loud  # eight tenths of one second
    for wrong in (b"", b"RIFF", PNG):
        with pytest.raises(InvalidData, match="WAV"):
            display.show_segments(one, recording=wrong)
    with pytest.raises(InvalidData, match="duration"):
        display.show_segments(Segments([]))


def test_tables_say_where_there_is_more() -> None:
    rows = [{"n": number, "even": number % 2 == 0} for number in range(5)]
    html = display.show_table(rows, limit=3).text
    assert html.count("<tr>") == 4
    assert "more than 3" in html
    assert "more" not in display.show_table(rows, limit=5).text
    assert "<thead>" not in display.show_table([]).text
    for wrong in ("abc", {"a": 1}, 5, [5]):
        with pytest.raises(InvalidData):
            display.show_table(wrong)  # type: ignore[arg-type]


def test_values_and_the_history_are_tables(flow: Flow) -> None:
    job = cats(flow)
    history = display.show_table(flow.events.list(job)).text
    assert "published job" in history
    people = display.show_table(flow.members.list(job.workspace)).text
    assert "ben" in people
    secret = display.show_table([flow.workspaces.get(job.workspace)]).text
    assert flow.workspaces.get(job.workspace).pseudonym_key not in secret


def test_results_are_a_grid(flow: Flow, tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(PNG)
    home = flow.workspaces.create("drawn", admin="ada")
    job = flow.jobs.create(
        home,
        "drawn",
        template=templates.object_detection(["car"]),
        data=[{"data": {"source": f"{n}.png"}} for n in range(2)],
        by="ada",
    )
    assignment = taken(flow, "ada", job)
    for item in flow.tasks(assignment):
        box = Box(1, 2, 3, 4, label="car")
        flow.save(assignment, item, Regions([box], width=20, height=20))
    flow.submit(assignment)
    asked = flow.templates.get(job)
    grid = display.show_results(flow.results.list(job), template=asked, folder=tmp_path).text
    assert (tags(grid).count("svg"), tags(grid).count("image")) == (2, 1)
    assert (
        tags(display.show_results(flow.results.list(job), template=asked, limit=1).text).count(
            "svg"
        )
        == 1
    )
    with pytest.raises(InvalidData):
        display.show_results([5], template=asked)  # type: ignore[list-item]


def test_results_are_shown_with_the_images_that_were_classified(flow: Flow, tmp_path: Path) -> None:
    job = cats(flow)
    labeled(flow, "ben", job)
    names = [result.task.data["source"] for result in flow.results.list(job)]
    asked = flow.templates.get(job)
    (tmp_path / names[0].lstrip("/")).write_bytes(PNG)
    (tmp_path / names[1].lstrip("/")).write_bytes(b"no image")
    grid = display.show_results(flow.results.list(job), template=asked, folder=tmp_path).text
    assert tags(grid).count("img") == 1
    assert 'src="data:image/png;base64,' in grid
    assert "cat" in grid


def test_results_are_shown_with_the_waveform_of_their_recording(flow: Flow, tmp_path: Path) -> None:
    (tmp_path / "1.wav").write_bytes(record([0, 9_000, 0, -9_000], 2))
    (tmp_path / "2.wav").write_bytes(b"no recording")
    street = flow.workspaces.create("sounds", admin="ada")
    asked = templates.audio_segmentation(["low"], transcript=False)
    data = [{"source": f"{number}.wav"} for number in (1, 2, 3)]
    job = flow.jobs.create(street, "tones", template=asked, data=data, by="ada")
    assignment = flow.claim("ada", job, "label")
    assert assignment is not None
    for item in flow.tasks(assignment):
        flow.save(assignment, item, Segments([Segment(0, 0.0001, label="low")], duration=0.0005))
    flow.submit(assignment)
    grid = display.show_results(flow.results.list(job), template=asked, folder=tmp_path).text
    waves = [picture.count("<path") for picture in grid.split("<svg")[1:]]
    assert [wave > 0 for wave in waves] == [True, False, False]


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (Choice("cat"), "cat"),
        (Choices(["a", "b"]), "a, b"),
        (Text("<b>"), "&lt;b&gt;"),
        (Ranking(["b", "a"]), "b &gt; a"),
        (Rating(0.5), "0.5"),
        (Preference("a"), "a"),
        (Preference(None), "no difference"),
        (Preference(None, tie="both bad"), "both bad"),
        (Regions([], width=1, height=1), "0 regions"),
        (Spans([TextSpan(0, 1)]), "1 span"),
        (Segments([Segment(0, 1), Segment(1, 2)]), "2 segments"),
    ],
)
def test_replies_in_a_line(reply: Any, text: str) -> None:
    assert describe_reply(reply) == text


def test_other_values_are_not_described() -> None:
    with pytest.raises(InvalidData, match="must be a value of the library"):
        display.describe_value(5)
