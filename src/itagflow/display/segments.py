"""Segments of a recording on a line of time, with its waveform."""

from __future__ import annotations

import os
import struct
import wave
from collections.abc import Iterator, Sequence
from io import BytesIO

from itagflow.display.html import MAX_WIDTH, Html, Palette, escape, name_label
from itagflow.display.sources import read_source
from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import require_kind
from itagflow.model.number import require_whole_number
from itagflow.model.segment import Segments

_PARTS = 320
"""How many parts of a recording are drawn, each as loud as its loudest sample."""


def show_segments(
    reply: Segments, *, recording: str | os.PathLike[str] | bytes | None = None, width: int = 720
) -> Html:
    """Show segments on a line of time, with the waveform of the recording where that is given.

    Args:
        reply: The segments.
        recording: A WAV file of whole numbers, as a path or bytes.
        width: How wide the picture is, in pixels of the screen.

    Raises:
        InvalidData: when the recording cannot be read or is no such file, or nothing says how long
            it is.

    >>> from itagflow import Segment
    >>> show_segments(Segments([Segment(0, 2, label="low")], duration=5)).text.count("<rect")
    2
    """
    what = "show_segments"
    segments = require_kind(what, "reply", reply, Segments, "Segments")
    wide = require_whole_number(what, "width", width, least=1, most=MAX_WIDTH)
    peaks: list[float] = []
    length = 0.0
    if recording is not None:
        peaks, length = _measure(read_source(what, "recording", recording))
    duration = segments.duration or length or max((s.end for s in segments.segments), default=0)
    if not duration:
        raise InvalidData(what, [Problem("reply", "must have a duration, or a segment")])
    drawn = (*_draw_wave(peaks, wide), *_draw_segments(segments, wide / duration))
    return Html(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="100">'
        f'<rect width="{wide}" height="80" fill="#f3f6fa"/>{"".join(drawn)}'
        f"{''.join(_draw_times(duration, wide))}</svg>"
    )


def _draw_wave(peaks: Sequence[float], width: int) -> Iterator[str]:
    for index, peak in enumerate(peaks):
        line = f"M{index * width / _PARTS:g},{40 - peak * 34:g}V{40 + peak * 34:g}"
        yield f'<path d="{line}" stroke="#8a97a8"/>'


def _draw_segments(reply: Segments, scale: float) -> Iterator[str]:
    palette = Palette()
    for segment in reply.segments:
        name, left = name_label(segment), segment.start * scale
        size = f'x="{left:g}" y="4" width="{(segment.end - segment.start) * scale:g}" height="72"'
        yield f'<rect {size} fill="{palette.choose(name)}" fill-opacity="0.3"/>'
        yield f'<text x="{left + 3:g}" y="16" font-size="12">{escape(name)}</text>'


def _draw_times(duration: float, width: int) -> Iterator[str]:
    for tenth in range(0, 10, 2):
        place = f'x="{width * tenth / 10:g}" y="94" font-size="10"'
        yield f"<text {place}>{duration * tenth / 10:.3g} s</text>"


def can_draw(content: bytes) -> bool:
    """Return whether the waveform of a recording can be drawn."""
    try:
        _measure(content)
    except InvalidData:
        return False
    return True


def _measure(content: bytes) -> tuple[list[float], float]:
    """Return how loud each part of a recording is, from 0 to 1, and its length in seconds."""
    try:
        with wave.open(BytesIO(content)) as file:
            frames, rate = file.getnframes(), file.getframerate()
            size, channels = file.getsampwidth(), file.getnchannels()
            raw = file.readframes(frames)
    except (wave.Error, EOFError, struct.error) as error:
        reason = f"must be a WAV file of whole numbers: {error or 'it ends too soon'}"
        raise InvalidData("show_segments", [Problem("recording", reason)]) from None
    whole = len(raw) // (size * channels)
    if not (whole and rate):
        return [], 0.0
    step = max(whole // _PARTS, 1)
    peaks = [
        max(_read_samples(raw[at * size * channels : (at + step) * size * channels], size))
        for at in range(0, whole - step + 1, step)
    ]
    return peaks[:_PARTS], whole / rate


def _read_samples(raw: bytes, size: int) -> Iterator[float]:
    """Yield the samples of a piece, each as its distance from silence, from 0 to 1."""
    most = 1 << (8 * size - 1)
    for at in range(0, len(raw) - size + 1, size):
        # eight bits are unsigned in a WAV file, more are signed
        value = int.from_bytes(raw[at : at + size], "little", signed=size > 1)
        yield abs(value - (most if size == 1 else 0)) / most
