"""Subtitles are read back by the libraries that programs read them with."""

from __future__ import annotations

import html
import io
import zipfile
from pathlib import Path

import pytest
from support.exported import a_result

from itagflow import Segment, Segments, formats, templates

srt = pytest.importorskip("srt")
webvtt = pytest.importorskip("webvtt")

pytestmark = pytest.mark.filterwarnings("ignore")
CALLS = templates.audio_segmentation(["agent", "the customer"])
WORDS, WHO = (child.title for child in CALLS.questions[0].children)
SAID = [
    (0.5, 2.75, "agent", "hello\nthere"),
    (2, 4.125, "the customer", "1\n2 - -> 猫"),
    (7_200, 7_201.001, "agent", "bye"),
]


def unpack(path: Path, format: str) -> Path:
    segments = [Segment(a, b, labels={WORDS: text, WHO: who}) for a, b, who, text in SAID]
    target = io.BytesIO()
    result = a_result({"1": Segments(segments)}, 1, {"source": "calls/call 1.wav"})
    formats.write(format, [result], target, template=CALLS)
    with zipfile.ZipFile(target) as archive:
        archive.extractall(path)
    (file,) = path.glob("call 1.*")
    return file


def test_webvtt_reads_times_voices_and_texts(tmp_path: Path) -> None:
    found = webvtt.read(str(unpack(tmp_path, "webvtt")))
    # it leaves escapes as they are
    assert [(cue.voice, html.unescape(cue.text)) for cue in found] == [
        (who, text) for *_, who, text in SAID
    ]
    assert [(cue.start, cue.end) for cue in found] == [
        ("00:00:00.500", "00:00:02.750"),
        ("00:00:02.000", "00:00:04.125"),
        ("02:00:00.000", "02:00:01.001"),
    ]


def test_srt_reads_times_and_texts(tmp_path: Path) -> None:
    text = unpack(tmp_path, "srt").read_text("utf-8")
    found = list(srt.parse(text))
    assert [(cue.start.total_seconds(), cue.end.total_seconds(), cue.content) for cue in found] == [
        (start, end, text) for start, end, _, text in SAID
    ]
    assert srt.compose(found).strip() == text.strip()


def test_webvtt_reads_srt_too(tmp_path: Path) -> None:
    found = webvtt.from_srt(str(unpack(tmp_path, "srt")))
    assert [cue.text for cue in found] == [text for *_, text in SAID]
