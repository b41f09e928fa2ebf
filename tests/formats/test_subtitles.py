"""WebVTT and SRT: segments of recordings go out as subtitles, and come back."""

from __future__ import annotations

import io
from typing import Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from support.amounts import amount
from support.exported import a_result, read, unzip, write, zipped

import itagflow
from itagflow import InvalidData, Segment, Segments, Template, formats, templates
from itagflow.templates import Option, Question, QuestionKind

quiet = settings(
    deadline=None, max_examples=amount(10, 300), suppress_health_check=list(HealthCheck)
)
CALLS = templates.audio_segmentation(["agent", "the <customer> & co"])
WORDS, WHO = (child.title for child in CALLS.questions[0].children)
GOALS = templates.video_segmentation(["goal", "foul"])
BOTH = pytest.mark.parametrize("format", ["webvtt", "srt"])
MORE = attrs.evolve(
    CALLS.questions[0],
    children=[
        *CALLS.questions[0].children,
        Question(
            "9", QuestionKind.CHECKBOX, "heard", [Option("rain"), Option("wind")], required=False
        ),
    ],
)
NOTED = Template(questions=[MORE], views=CALLS.views)


def heard(*segments: Segment, number: int = 1, name: str = "calls/call-1.wav", **more: Any) -> Any:
    return a_result({"1": Segments(segments, **more)}, number, {"source": name})


def said(start: float, end: float, words: str = "hello", **more: Any) -> Segment:
    return Segment(start, end, labels={WORDS: words, **more} if words else more)


def spoken(start: float, end: float, words: str = "hello", who: str = "agent") -> Segment:
    return said(start, end, words, **{WHO: who})


class TestWhatGoesOut:
    def test_a_segment_is_a_cue_with_its_voice(self) -> None:
        first, second = spoken(0.5, 2.75), spoken(3_725.001, 4_000_000, "a < b -->\n& c")
        second = attrs.evolve(second, labels={**second.labels, WHO: "the <customer> & co"})
        content, losses = write("webvtt", [heard(first, second, duration=5_000_000)], CALLS)
        assert unzip(content) == {
            "call-1.vtt": "WEBVTT\n\n"
            "00:00:00.500 --> 00:00:02.750\n<v agent>hello</v>\n\n"
            "01:02:05.001 --> 1111:06:40.000\n"
            "<v the &lt;customer&gt; &amp; co>a &lt; b --&gt;\n&amp; c</v>\n",
            "recordings.jsonl": '{"file":"call-1.vtt","recording":"calls/call-1.wav",'
            '"duration":5000000}\n',
        }
        assert losses == {}
        (reply,) = read("webvtt", content, CALLS)
        assert reply == {"1": Segments([first, second], duration=5_000_000)}

    def test_srt_has_numbers_and_texts(self) -> None:
        content, losses = write("srt", [heard(said(0.5, 2.75), said(3, 4, "<i>&\n--> x"))], CALLS)
        assert unzip(content)["call-1.srt"] == (
            "1\n00:00:00,500 --> 00:00:02,750\nhello\n\n"
            "2\n00:00:03,000 --> 00:00:04,000\n<i>&\n--> x\n"
        )
        assert losses == {}
        (reply,) = read("srt", content, CALLS)
        assert reply["1"].segments == (said(0.5, 2.75), said(3, 4, "<i>&\n--> x"))

    @BOTH
    def test_where_nothing_is_said_in_words_the_label_is_the_text(self, format: str) -> None:
        goal = Segment(0, 1, label="goal")
        content, losses = write(format, [heard(goal)], GOALS)
        (text, _) = unzip(content).values()
        assert (text.endswith("\ngoal\n"), losses) == (True, {})
        (reply,) = read(format, content, GOALS)
        assert [each.label for each in reply["1"].segments] == ["goal"]

    @BOTH
    def test_any_question_about_a_segment_can_be_the_text(self, format: str) -> None:
        segment = said(0, 1, "", **{WHO: "agent"})
        content, losses = write(format, [heard(segment)], CALLS, text=WHO)
        (reply,) = read(format, content, CALLS, text=WHO)
        assert (reply["1"].segments, losses) == ((segment,), {})
        rain = said(0, 1, "", heard=("rain",))
        content, losses = write(format, [heard(rain)], NOTED, text="heard")
        (reply,) = read(format, content, NOTED, text="heard")
        assert (reply["1"].segments, losses) == ((rain,), {})

    @BOTH
    def test_a_recording_in_which_nothing_was_heard_is_kept(self, format: str) -> None:
        content, losses = write(format, [heard(), a_result(None, 2)], CALLS)
        assert len(unzip(content)) == 2
        assert (losses, read(format, content, CALLS)) == ({}, [{"1": Segments([])}])

    @BOTH
    def test_names_are_safe_and_the_data_has_them_as_they_were(self, format: str) -> None:
        names = ["../a.wav", "x/a.mp3", "https://example.org/猫.wav?size=1", "CON.wav"]
        results = [heard(number=n, name=name) for n, name in enumerate(names, 1)]
        content, _ = write(format, results, CALLS)
        stems = [file.rpartition(".")[0] for file in unzip(content)]
        assert stems == ["a", "a-2", "猫", "_CON", "recordings"]
        assert [row["data"]["source"] for row in read(format, content, None)] == names

    @BOTH
    def test_the_same_results_are_the_same_bytes(self, format: str) -> None:
        results = [heard(said(0, 1))]
        assert write(format, results, CALLS) == write(format, results, CALLS)


class TestWhatItCannotHold:
    @pytest.mark.parametrize(
        ("segments", "lost", "cues"),
        [
            ([said(0, 1.00001)], "times between milliseconds (rounded)", 1),
            ([said(0, 1e-4)], "segments of no length", 0),
            ([said(0, 1e300)], "segments that end after a million hours", 0),
            ([said(0, 1, "")], "segments without a text", 0),
            ([said(0, 1, "a\n \r\n\nb")], "empty lines and control characters in texts", 1),
            ([said(0, 1, "a\x85b\u2028c\x0bd")], "empty lines and control characters in texts", 1),
            ([said(5, 6), said(0, 1)], "orders of segments (written as they begin)", 2),
            ([said(0, 1, heard=("rain",))], "further labels of segments", 1),
        ],
    )
    @BOTH
    def test_is_counted_or_refused(
        self, format: str, segments: list[Segment], lost: str, cues: int
    ) -> None:
        content, losses = write(format, [heard(*segments)], NOTED)
        (text, _) = unzip(content).values()
        assert (losses, text.count("-->")) == ({lost: 1}, cues)
        assert len(text.splitlines()) <= 3 + 4 * cues
        with pytest.raises(InvalidData, match="task 1: "):
            write(format, [heard(*segments)], NOTED, lossy="error")

    def test_who_speaks_has_no_place_in_srt(self) -> None:
        content, losses = write("srt", [heard(spoken(0, 1))], CALLS)
        assert losses == {"labels of segments": 1}
        (reply,) = read("srt", content, CALLS)
        assert reply["1"].segments == (said(0, 1),)

    def test_a_cue_has_one_voice(self) -> None:
        segment = said(0, 1, heard=("rain", "wind"))
        content, losses = write("webvtt", [heard(segment)], NOTED, label="heard")
        assert losses == {"several labels of a segment (the first is written)": 1}
        assert "<v rain>hello</v>" in unzip(content)["call-1.vtt"]

    @BOTH
    def test_a_template_must_ask_for_segments(self, format: str) -> None:
        with pytest.raises(InvalidData, match="has no VIDEO question"):
            write(format, [], templates.image_classification(["cat"]))
        with pytest.raises(InvalidData, match="text: must be the title of a question about"):
            write(format, [], CALLS, text="x")
        alike = templates.audio_segmentation(["a b", "a  b"])
        with pytest.raises(InvalidData, match="has options that are written alike in a file"):
            write(format, [], alike)
        with pytest.raises(InvalidData, match=r"data\.source: must be the name of the recording"):
            write(format, [heard(name=" ")], CALLS)

    def test_the_voice_must_be_a_question(self) -> None:
        with pytest.raises(InvalidData, match="label: must be the title of a question with"):
            write("webvtt", [], CALLS, label=WORDS)


letters = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])
lines = st.text(letters, min_size=1, max_size=8).filter(str.strip)
words = st.lists(lines, min_size=1, max_size=3).map("\n".join)
times = st.tuples(st.integers(0, 10**8), st.integers(1, 10**6))


@st.composite
def segments(draw: st.DrawFn, *, with_voice: bool) -> Segment:
    start, length = draw(times)
    who = {WHO: draw(st.sampled_from(["agent", "the <customer> & co"]))} if with_voice else {}
    text = draw(words | st.just("") if with_voice else words)
    return said(start / 1_000, (start + length) / 1_000, text, **who)


@BOTH
@quiet
@given(data=st.data())
def test_what_comes_out_goes_in_again(format: str, data: st.DataObject) -> None:
    several = st.lists(segments(with_voice=format == "webvtt"), max_size=4)
    replies = [
        Segments(sorted(each, key=lambda segment: segment.start), duration=200_000)
        for each in data.draw(st.lists(several, min_size=1, max_size=3))
    ]
    results = [a_result({"1": reply}, n) for n, reply in enumerate(replies, 1)]
    content, losses = write(format, results, CALLS)
    assert (losses, read(format, content, CALLS)) == ({}, [{"1": reply} for reply in replies])


@BOTH
def test_an_export_becomes_a_finished_job_with_the_same_segments(format: str) -> None:
    content, _ = write(format, [heard(Segment(0, 1, label="goal"), duration=9)], GOALS)
    with itagflow.open("memory:") as flow:
        flow.workspaces.create("street", admin="ada")
        job = flow.jobs.import_results(
            "street", "goals", template=GOALS, data=io.BytesIO(content), format=format, by="ada"
        )
        again = io.BytesIO()
        flow.results.export(job, format, again)
        assert again.getvalue() == content


VTT = """\ufeffWEBVTT - made by hand\r
Kind: captions\r
\r
STYLE\r
::cue { color: red }\r
\r
NOTE about\r
the call\r
\r
NOTE\r
\r
intro\r
00:01.000 --> 00:02.500 align:start position:0%\r
<v.loud agent>one &amp; <i>two</i> &lt;\r
three &#x732B;\r
\r
\r
00:00:03.000 --> 00:00:04.000\r
plain\r"""
SUBRIP = """\ufeff7
00:00:01,000 --> 00:00:02,500  X1:40 X2:600
<i>one</i>
two


00:00:03.000 --> 00:00:04.000
3
"""


class TestWhatOthersWrite:
    def test_a_folder_of_files_needs_no_list(self) -> None:
        content = zipped({"talks/a.vtt": VTT, "talks/b.srt": SUBRIP, "read.me": ""})
        (row,) = read("webvtt", content, None)
        assert row == {"data": {"source": "talks/a"}}
        (reply,) = read("webvtt", content, CALLS)
        assert reply["1"].segments == (
            spoken(1, 2.5, "one & two <\nthree 猫"),
            said(3, 4, "plain"),
        )
        (reply,) = read("srt", content, CALLS)
        assert reply["1"].segments == (said(1, 2.5, "<i>one</i>\ntwo"), said(3, 4, "3"))

    @pytest.mark.parametrize(
        ("format", "text", "problem"),
        [
            ("webvtt", "", "line 1: must be WEBVTT"),
            ("webvtt", "WEBVTTX\n\n", "line 1: must be WEBVTT"),
            ("webvtt", "WEBVTT\n\nx\ny\n0:0:1.000 --> 0:0:2.000", "line 3: the cue: must have its times"),
            ("webvtt", "WEBVTT\n\n00:01.000 --> 00:02", "line 3: the cue: must have its times as"),
            ("webvtt", "WEBVTT\n\n00:02.000 --> 00:01.000\nx", "line 3: end: must be more than start"),
            ("webvtt", "WEBVTT\n\n00:01.000 --> 00:02.000\n<v a>x<v b>y", "line 3: the cue: has several"),
            ("srt", "1\n00:00:01,000 --> 00:00:02,000\none\n\ntwo\n", "line 5: the cue: must have its"),
            ("srt", "1\n00:00:61,000 --> 00:00:62,000\none", "line 1: the cue: must have its times as"),
            ("srt", "1\n00:00:01,000 -->\none", "line 1: the cue: must have its times as"),
            ("srt", b"1\n\xff", "is not UTF-8"),
        ],
    )  # fmt: skip
    def test_a_file_with_a_broken_cue_is_left_out(
        self, format: str, text: str | bytes, problem: str
    ) -> None:
        suffix, good = {"webvtt": ("vtt", VTT), "srt": ("srt", SUBRIP)}[format]
        found, kept = read(format, zipped({f"a.{suffix}": text, f"b.{suffix}": good}), CALLS)
        start, _, rest = found.partition(f"a.{suffix}")
        assert (start, rest.lstrip(",: ").startswith(problem)) == ("", True), found
        assert len(kept["1"].segments) == 2

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            ("{", "recordings.jsonl, line 1: is not JSON"),
            ("[]", "recordings.jsonl, line 1: must be an object"),
            ('{"file": 1, "recording": "a"}', "recordings.jsonl, line 1, file: must be a text"),
            ('{"file": "a.srt"}', "recordings.jsonl, line 1, recording: must be a text"),
            ('{"file": "x.srt", "recording": "a"}', "x.srt: is missing"),
            ('{"file": "a.srt", "recording": "a", "duration": "9"}',
             "recordings.jsonl, line 1, duration: must be a number of seconds"),
            ('{"file": "a.srt", "recording": "a", "duration": -9}',
             "recordings.jsonl, line 1, duration: must be a number of seconds"),
        ],
    )  # fmt: skip
    def test_a_broken_line_of_the_list_is_a_problem(self, line: str, problem: str) -> None:
        files = {"a.srt": SUBRIP, "recordings.jsonl": f'{line}\n{{"file":"a.srt","recording":"b"}}'}
        found, kept = read("srt", zipped(dict(files)), CALLS)
        assert found.startswith(problem)
        assert len(kept["1"].segments) == 2

    @BOTH
    def test_what_is_no_zip_file_is_a_problem(self, format: str) -> None:
        (problem,) = read(format, b"WEBVTT\n", CALLS)
        assert problem.startswith("the file: is no zip file")
        (problem,) = read(format, zipped({"a.txt": ""}), CALLS)
        assert problem.startswith("the file: has no .")

    @BOTH
    def test_whatever_is_cut_off_or_changed_is_no_crash(self, format: str) -> None:
        suffix, text = {"webvtt": ("vtt", VTT), "srt": ("srt", SUBRIP)}[format]
        for place in range(len(text)):
            for changed in (text[:place], f"{text[:place]}<{text[place + 1 :]}"):
                assert read(format, zipped({f"a.{suffix}": changed}), CALLS)
        content = zipped({f"a.{suffix}": text})
        for place in range(0, len(content), 7):
            assert read(format, content[:place], CALLS)

    def test_an_address_is_refused(self) -> None:
        with pytest.raises(InvalidData, match="is a URL"):
            list(formats.read("srt", "https://example.org/calls.zip"))
