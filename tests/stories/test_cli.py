"""The command line: what it prints, its exit codes, and what it goes on with."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from jsonschema import Draft202012Validator
from support.corruptions import altered, at

import itagflow
from itagflow import Choice, FixedSize, Flow, Job, Package, Stage, formats, templates
from itagflow.cli import main
from itagflow.cli.commands import COMMANDS
from itagflow.formats import FormatContext, FormatOption, WriteReport
from itagflow.json import json_schema, to_json

PROGRAM = [sys.executable, "-m", "itagflow"]
# this library, wherever the program is started
SURROUNDINGS = {**os.environ, "PYTHONPATH": str(Path(itagflow.__file__).parents[1])}
CATS = templates.image_classification(["cat", "dog"])
WROTE = "wrote 4 rows: 2 with a result of label, 2 unfinished; complete to position [0-9]+\n"


@attrs.frozen
class Terminal:
    """Runs commands over one store, as people type them."""

    store: str
    capsys: pytest.CaptureFixture[str]

    def __call__(self, command: str, *arguments: object, code: int = 0) -> str:
        """Return what a command prints; on the standard error, when it is to fail."""
        self.capsys.readouterr()
        found = main([command, self.store, *map(str, arguments)])
        shown = self.capsys.readouterr()
        assert (found, bool(shown.err)) == (code, bool(code) and not shown.out), shown
        return shown.err or shown.out

    def json(self, command: str, *arguments: object, code: int = 0) -> list[Any]:
        """Return the values that a command prints with ``--json``."""
        return [
            json.loads(line) for line in self(command, *arguments, "--json", code=code).splitlines()
        ]


def rows(count: int) -> list[dict[str, Any]]:
    return [{"data": {"source": f"{number}.jpg"}} for number in range(1, count + 1)]


def write_rows(path: Path, count: int) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows(count)))


@pytest.fixture
def street(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flow]:
    """A workspace with a job of two packages, the first of which is labeled."""
    monkeypatch.chdir(tmp_path)
    with itagflow.open("labels.db") as flow:
        home = flow.workspaces.create("street", admin="ada")
        flow.members.add(home, "ben", "operator", by="ada", groups=["night"])
        flow.templates.add(home, CATS, name="pets", by="ada")
        job = flow.jobs.create(
            home,
            "cats",
            template=CATS,
            data=rows(4),
            packaging=FixedSize(2),
            workforce={Stage.LABEL: ["ben"]},
            by="ada",
        )
        assignment = flow.claim("ben", job, Stage.LABEL)
        assert assignment is not None
        for item in flow.tasks(assignment):
            flow.save(assignment, item, Choice("cat"))
        flow.submit(assignment)
        yield flow


@pytest.fixture
def terminal(street: Flow, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal("labels.db", capsys)


@pytest.fixture
def job(street: Flow) -> Job:
    return street.jobs.get("cats")


def test_progress(terminal: Terminal, street: Flow, job: Job) -> None:
    assert terminal("progress", "cats").startswith("2 of 4 tasks done: ")
    assert terminal.json("progress", f"key:{job.id}") == [to_json(street.jobs.progress(job))]
    assert terminal("progress", "street/cats") == terminal("progress", "cats")


def test_members_with_what_they_are(terminal: Terminal, street: Flow) -> None:
    street.members.add("street", "eve", "leader", by="ada", external=True)
    street.members.pause("street", "eve", by="ada")
    street.members.add("street", "zoe", "operator", by="ada")
    street.members.remove("street", "zoe", by="ada")
    assert terminal("members", "street").splitlines() == [
        "ada: admin",
        "ben: operator; groups: night",
        "eve: leader; external; paused",
        "zoe: operator; removed",
    ]
    members = terminal.json("members", "street")
    assert [member["account"] for member in members] == ["ada", "ben", "eve", "zoe"]
    Draft202012Validator(json_schema("Member")).validate(members[0])


def test_events_of_a_job_of_a_workspace_and_behind_a_position(
    terminal: Terminal, street: Flow, job: Job
) -> None:
    every = terminal("events").splitlines()
    assert len(every) == len(list(street.events.since()))
    assert terminal("events", "--workspace", "street").splitlines() == every
    assert every[-1].endswith("ben submitted package 1")
    of_job = terminal("events", "cats").splitlines()
    assert of_job == every[-len(of_job) :]
    position = int(every[-2].split()[0])
    assert terminal("events", "--after", position).splitlines() == every[-1:]
    assert terminal("events", "cats", "--limit", 1).splitlines() == of_job[:1]
    last = terminal.json("events", "cats")[-1]
    assert last == to_json(list(street.events.list(job))[-1], street)
    assert last["member"]["account"] == "ben"


def test_events_are_followed(terminal: Terminal, street: Flow, tmp_path: Path) -> None:
    command = [*PROGRAM, "events", "labels.db", "--follow"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=SURROUNDINGS) as process:
        assert process.stdout is not None
        before = len(list(street.events.since()))
        lines = [process.stdout.readline() for _ in range(before)]
        street.members.add("street", "cy", "operator", by="ada")
        assert process.stdout.readline().rstrip().endswith("ada added member cy")
        process.kill()
    assert len(lines) == before


def test_explain(terminal: Terminal) -> None:
    assert terminal("explain", "ben", "cats", "label") == "something is waiting: claim it\n"
    (anywhere,) = terminal.json("explain", "ben", "--workspace", "street")
    assert anywhere == "job 'cats', label: something is waiting: claim it"


def test_verify_finds_nothing_or_says_what(terminal: Terminal, street: Flow, job: Job) -> None:
    for place in ((), ("--workspace", "street"), ("--job", "cats"), ("--snapshot",)):
        assert terminal("verify", *place) == "consistent\n"
        assert terminal.json("verify", *place) == []
    altered(street, at(street, Package, job.id, 1), wrong=1)
    found = terminal("verify", "--job", "cats", code=1)
    assert found == f"package 1 of job {job.id}: wrong is 1, and should be 0\n"
    (as_json,) = terminal.json("verify", code=1)
    assert (as_json["field"], as_json["actual"], as_json["expected"]) == ("wrong", 1, 0)


def test_copy_to_another_store(terminal: Terminal, street: Flow) -> None:
    assert terminal("copy", "backup.db").startswith("copied ")
    with itagflow.open("backup.db") as copied:
        assert copied.jobs.progress("cats") == street.jobs.progress("cats")
    assert "there is already" in terminal("copy", "backup.db", code=1)
    (report,) = terminal.json("copy", "other.db", "--workspace", "street", "--no-verify")
    assert report["copied"] > 10


def test_export_and_import(terminal: Terminal, street: Flow) -> None:
    shown = terminal("export", "cats", "itag", "cats.manifest")
    assert re.fullmatch(WROTE, shown)
    (report,) = terminal.json("export", "cats", "jsonl", "cats.jsonl", "--since", 0)
    later = ("export", "cats", "jsonl", "later.jsonl", "--since", report["complete_to"])
    assert terminal(*later).startswith("wrote 0 rows: none has a result; complete to ")
    assert "cannot be put together" in terminal(*later[:2], "itag", *later[3:], code=1)
    imported = ("import", "street", "again", "cats.manifest", "--by", "ada")
    assert terminal(*imported, "--template", "pets") == (
        "loaded 4 rows, left out 0 rows; 2 without a result\n"
    )
    assert street.jobs.progress("again").total == 4
    Path("pets.json").write_text(json.dumps(to_json(CATS)))
    (report,) = terminal.json("import", "street", "third", *imported[3:], "--template", "pets.json")
    assert (report["loaded"], report["skipped"]) == (4, 0)
    assert "there is already a Job 'again'" in terminal(*imported, "--template", "pets", code=1)


def test_export_takes_the_options_of_the_format(terminal: Terminal) -> None:
    terminal("export", "cats", "csv", "plain.csv")
    marked = (
        "cats",
        "csv",
        "marked.csv",
        "--option",
        "bom=true",
        "--option",
        "escape_formulas=false",
    )
    terminal("export", *marked)
    mark = b"\xef\xbb\xbf"
    assert Path("marked.csv").read_bytes() == mark + Path("plain.csv").read_bytes()


@pytest.mark.parametrize(
    ("format", "options", "message"),
    [
        ("csv", ["bom=1"], "bom: must be true or false, not '1'"),
        ("csv", ["bom=true", "bom=false"], "bom: is given 2 times, and takes one value"),
        ("csv", ["by=ada"], "by: is no option of the format 'csv'; it has escape_formulas, bom"),
        ("itag", ["bom=true"], "bom: is no option of the format 'itag'; it has none"),
        ("coco", ["kind=pictures"], "kind: must be 'instances' or 'captions' or 'results'"),
        ("short", ["length=long"], "length: must be a whole number, not 'long'"),
        ("short", ["length=0"], "length: must be"),
    ],
)
def test_an_option_is_checked_before_anything_is_written(
    format: str,
    options: list[str],
    message: str,
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "itagflow.formats.short", ShortFormat())
    monkeypatch.setattr(formats, "BUILT_IN", (*formats.BUILT_IN, "short"))
    given = [word for option in options for word in ("--option", option)]
    assert message in terminal("export", "cats", format, "out", *given, code=1)
    assert not Path("out").exists()


class ShortFormat:
    """A format of another package that takes a number, and says what it was given."""

    WRITE_OPTIONS = (FormatOption("length", int, 5, least=1),)

    def read(self, source: Any, context: FormatContext, /) -> Iterator[Any]:
        yield from ()

    def write(self, results: Any, target: Any, context: FormatContext, /) -> WriteReport:
        length = context.options["length"]
        return WriteReport(rows=length, blocks={}, abandoned=0, unfinished=0)


def test_a_number_is_given_to_the_format_as_one(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "itagflow.formats.short", ShortFormat())
    monkeypatch.setattr(formats, "BUILT_IN", (*formats.BUILT_IN, "short"))
    shown = terminal("export", "cats", "short", "out", "--option", "length=7")
    assert shown.startswith("wrote 7 rows")


def test_an_import_of_another_format(terminal: Terminal, street: Flow) -> None:
    terminal("export", "cats", "jsonl", "cats.jsonl")
    imported = ("import", "street", "again", "cats.jsonl", "--by", "ada", "--template", "pets")
    assert terminal(*imported, "--format", "jsonl").startswith("loaded 4 rows")
    replies = [result.replies for result in street.results.list("again")]
    assert replies == [result.replies for result in street.results.list("cats")]
    assert "no format 'nothing'" in terminal(*imported, "--format", "nothing", code=1)


def test_export_to_the_standard_output(street: Flow) -> None:
    command = [*PROGRAM, "export", "labels.db", "cats", "csv", "-", "--stage", "label"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=SURROUNDINGS)
    assert "1.jpg" in done.stdout
    assert re.fullmatch(WROTE, done.stderr)


def test_a_load_that_broke_off_is_completed(terminal: Terminal, street: Flow) -> None:
    def broken() -> Iterator[dict[str, Any]]:
        yield from rows(5_500)
        raise OSError("the network is gone")

    dogs = {"template": CATS, "workforce": {Stage.LABEL: ["ben"]}, "draft": True, "by": "ada"}
    job = street.jobs.create("street", "dogs", **dogs)
    with pytest.raises(OSError, match="the network is gone"):
        street.jobs.load(job, broken(), by="ada")
    read = street.jobs.progress(job).rows_read
    assert 0 < read < 6_000
    write_rows(Path("dogs.jsonl"), 6_000)
    shown = terminal("load", "dogs", "dogs.jsonl", "--by", "ada", "--publish")
    assert shown == f"loaded {6_000 - read} rows, left out 0 rows\n"
    assert street.jobs.get(job).state is itagflow.JobState.RUNNING
    assert street.jobs.progress(job).total == 6_000
    assert "it cannot load" in terminal("load", "dogs", "dogs.jsonl", "--by", "ada", code=1)


def test_bad_rows_are_refused_or_listed(terminal: Terminal, street: Flow) -> None:
    street.jobs.create("street", "dogs", template=CATS, draft=True, by="ada")
    Path("bad.jsonl").write_text('{"data": {"source": "1.jpg"}}\nno json\n')
    load = ("load", "dogs", "bad.jsonl", "--by", "ada")
    assert "line 2: is not JSON" in terminal(*load, code=1)
    first, second = terminal(*load, "--skip-bad").splitlines()
    assert first == "loaded 1 row, left out 1 row (1 bad)"
    assert second.startswith("line 2: is not JSON")
    street.jobs.create("street", "birds", template=CATS, draft=True, by="ada")
    (report,) = terminal.json("load", "birds", *load[2:], "--skip-bad")
    assert (report["loaded"], report["skipped"]) == (1, 1)
    Draft202012Validator(json_schema("LoadReport")).validate(report)


def test_formats_need_no_store(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["formats"]) == 0
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "brat",
        "coco",
        "conll",
        "csv",
        "cvat",
        "docbin",
        "hugging_face",
        "image_folder",
        "itag",
        "itag_v1",
        "jsonl",
        "label_studio",
        "labelme",
        "parquet",
        "rttm",
        "srt",
        "trl",
        "voc",
        "webdataset",
        "webvtt",
        "yolo",
    ]
    assert main(["formats", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["name"] == "brat"


def test_tick(terminal: Terminal) -> None:
    assert terminal("tick") == "1 job: nothing was due\n"
    for place in (("--workspace", "street"), ("--job", "cats")):
        assert terminal.json("tick", *place)[0]["jobs"] == 1


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("progress", "dogs"), "no Job 'dogs'"),
        (("progress", "key:17"), "no Job (17,)"),
        (("progress", "key:cats"), "must be a text of digits"),
        (("members", "nowhere"), "no Workspace 'nowhere'"),
        (("explain", "zoe", "cats"), "no Member 'zoe'"),
        (("export", "cats", "nothing", "out"), "no format 'nothing'; known are brat, coco"),
        (("export", "cats", "itag", "no/where/out"), "no/where"),
        (("load", "cats", "nothing.jsonl", "--by", "ada"), "cats"),
        (("import", "street", "x", "f", "--template", "none.json", "--by", "ada"), "none.json"),
        (("copy", "nosql://x"), "no known kind"),
    ],
)
def test_what_is_refused_is_told_in_plain_words(
    command: tuple[str, ...], message: str, terminal: Terminal
) -> None:
    shown = terminal(*command, code=1)
    assert shown.startswith("itagflow: ")
    assert message in shown
    assert "Traceback" not in shown
    assert len(shown.splitlines()) == 1


def test_a_template_that_is_none_is_refused(terminal: Terminal) -> None:
    imported = ("import", "street", "x", "f", "--by", "ada", "--template", "t.json")
    for text, message in (("{", "is not JSON"), ('{"questions": 1}', "questions: must be a list")):
        Path("t.json").write_text(text)
        assert message in terminal(*imported, code=1)


def test_a_store_that_is_not_there_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ("labels.db", "sqlite:///labels.db", str(tmp_path / "labels.db")):
        assert main(["verify", url]) == 1
        assert "there is no such file" in capsys.readouterr().err
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["verify"],
        ["verify", "labels.db", "--job", "a", "--workspace", "b"],
        ["events", "labels.db", "cats", "--follow"],
        ["events", "labels.db", "--after", "yesterday"],
        ["explain", "labels.db", "ben", "cats", "dance"],
        ["import", "labels.db", "street", "x", "f"],
        ["export", "labels.db", "cats", "csv", "-", "--option", "bom"],
        ["export", "labels.db", "cats", "csv", "-", "--option", "=true"],
    ],
)
def test_a_wrong_call_is_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: itagflow" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert COMMANDS[command].help in " ".join(capsys.readouterr().out.split())


def test_a_reader_that_has_read_enough_is_no_failure(street: Flow) -> None:
    command = [*PROGRAM, "members", "labels.db", "street", "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, env=SURROUNDINGS, **pipes) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert (ended.value.code, capsys.readouterr().out) == (0, f"itagflow {itagflow.__version__}\n")
