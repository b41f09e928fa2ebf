"""WebVTT: a zip file with the subtitles of each recording, as browsers and players show them.

::

    call-1.vtt               a cue for each segment: its times, who speaks, and what is said
    recordings.jsonl         for each recording: its file, its name in the data, and its length

::

    WEBVTT

    00:00:00.500 --> 00:00:02.750
    <v agent>hello</v>

The text of a cue is the answer to one question about the segment, and its voice the answer to
another.  ``recordings.jsonl`` is ours, and may be missing: a recording is then called as its file
without the suffix.  Source: W3C, *WebVTT: The Web Video Text Tracks Format*, 2019.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from itagflow.errors import Problem
from itagflow.formats._cues import TEXT, WEBVTT, write_cues
from itagflow.formats._cues_reading import read_zip
from itagflow.formats._files import Source, Target
from itagflow.formats._pictures import LABEL, QUESTION
from itagflow.formats._port import FormatContext, WriteReport
from itagflow.formats._recordings import RECORDING
from itagflow.model.result import Result
from itagflow.model.task import Row

__all__ = ["READ_OPTIONS", "WRITE_OPTIONS", "read", "write"]

READ_OPTIONS = WRITE_OPTIONS = (QUESTION, TEXT, LABEL, RECORDING)
"""Which question's segments are meant, and what their texts and voices say."""


def read(source: Source, context: FormatContext, /) -> Iterator[Row | Problem]:
    """Yield a row for each recording, with its cues as the result of labeling.

    Notes, styles and regions are skipped, and tags and settings of cues left out.

    Args:
        source: A path, an open binary file, or anything path-like with ``open`` and ``/``: a zip
            file with ``.vtt`` files, in any folder.
        context: What is asked, and the options: ``question``, ``text``, ``label`` and ``image``.
    """
    return read_zip(source, context, WEBVTT)


def write(results: Iterable[Result], target: Target, context: FormatContext, /) -> WriteReport:
    """Write the segments of one question as cues; the same bytes each time.

    Args:
        results: The tasks with their results, in the order in which they are to be written.
        target: A path, an open binary file, or anything path-like with ``open`` and ``/``.  When
            something goes wrong, a path or place is left as it was.
        context: What was asked, the stages, and the options: ``question``, ``text`` (the question
            about a segment that the cue shows), ``label`` (the question that says who speaks) and
            ``image`` (the field with the name of the recording).

    Raises:
        InvalidData: when the template asks nothing of the kind.
    """
    return write_cues(results, target, context, WEBVTT)
