"""What the command line takes."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from itagflow.cli.commands import COMMANDS, Options
from itagflow.model.job import Stage

_STORE = "the path of a SQLite file, or a URL such as postgresql://user@host/name"
_JOB = "its name, workspace/name, or key:NUMBER"
_STAGES = [stage.value for stage in Stage]
Parser = argparse.ArgumentParser


def make_parser() -> Parser:
    """Return the parser of all commands."""
    parser = Parser(prog="itagflow", description="Look after a store of itagflow.")
    parser.add_argument("--version", action="version", version=f"itagflow {version('itagflow')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        of_command = commands.add_parser(name, help=command.help, description=command.help)
        of_command.add_argument("--json", action="store_true", help="print JSON, a value a line")
        if command.needs_store:
            of_command.add_argument("store", metavar="STORE", help=_STORE)
        _ARGUMENTS[name](of_command)
    return parser


def parse_options(parser: Parser, arguments: Sequence[str] | None) -> Options:
    """Return what was given; what is wrong ends the process with code 2, as argparse has it."""
    given = vars(parser.parse_args(arguments))
    is_of_all = given.get("follow") or given.get("workspace")
    if given["command"] == "events" and given["job"] and is_of_all:
        parser.error("events: --follow and --workspace go without a JOB")
    return Options(
        command=given.pop("command"),
        store=given.pop("store", ""),
        as_json=given.pop("json"),
        given=given,
    )


def _add_nothing(_: Parser) -> None:
    """Take no more arguments."""


def _add_verify(parser: Parser) -> None:
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--workspace", help="check only this workspace")
    place.add_argument("--job", help=f"check only this job: {_JOB}")
    parser.add_argument("--snapshot", action="store_true", help="check one moment of it all")


def _add_copy(parser: Parser) -> None:
    parser.add_argument("target", metavar="TARGET", help="the other store, which may be new")
    parser.add_argument("--workspace", help="copy only this workspace")
    parser.add_argument("--no-verify", action="store_true", help="do not check the copy")


def _add_export(parser: Parser) -> None:
    parser.add_argument("job", metavar="JOB", help=_JOB)
    parser.add_argument("format", metavar="FORMAT", help="see: itagflow formats")
    parser.add_argument("target", metavar="FILE", help="the file; - is the standard output")
    help = "what was kept under this name, and not what is there now"
    parser.add_argument("--snapshot", default=False, metavar="NAME", help=help)
    help = "only what changed since; an export says to which position it is complete"
    parser.add_argument("--since", type=int, metavar="POSITION", help=help)
    help = "only its results; may be repeated"
    parser.add_argument("--stage", dest="stages", action="append", choices=_STAGES, help=help)
    parser.add_argument(
        "--option",
        dest="options",
        action="append",
        type=_parse_pair,
        metavar="NAME=VALUE",
        help="an option of the format; may be repeated",
    )


def _parse_pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign):
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, not {text!r}")
    return name, value


def _add_import(parser: Parser) -> None:
    parser.add_argument("workspace", metavar="WORKSPACE")
    parser.add_argument("name", metavar="NAME", help="the name of the new job")
    parser.add_argument("source", metavar="FILE", help="an exported file")
    help = "what was asked: a template of the workspace, or a JSON file with one"
    parser.add_argument("--template", required=True, help=help)
    parser.add_argument("--by", required=True, help="the account of the member who imports")
    _add_format(parser)
    parser.add_argument("--of-job", help="the id in label-<id>, where several jobs have results")
    _add_skip_bad(parser)


def _add_load(parser: Parser) -> None:
    parser.add_argument("job", metavar="JOB", help=_JOB)
    parser.add_argument("source", metavar="FILE", help="the same file as before, to go on with it")
    parser.add_argument("--by", required=True, help="the account of the member who loads")
    _add_format(parser)
    parser.add_argument("--publish", action="store_true", help="publish the job afterwards")
    _add_skip_bad(parser)


def _add_format(parser: Parser) -> None:
    parser.add_argument("--format", default="itag", help="see: itagflow formats")


def _add_skip_bad(parser: Parser) -> None:
    parser.add_argument("--skip-bad", action="store_true", help="leave bad rows out, and list them")


def _add_progress(parser: Parser) -> None:
    parser.add_argument("job", metavar="JOB", help=_JOB)


def _add_events(parser: Parser) -> None:
    parser.add_argument("job", metavar="JOB", nargs="?", help=f"only of this job: {_JOB}")
    parser.add_argument("--workspace", help="only of this workspace")
    parser.add_argument("--after", type=int, default=0, help="only behind this position")
    parser.add_argument("--limit", type=int, help="so many at the most")
    parser.add_argument("--follow", action="store_true", help="go on with what comes")


def _add_explain(parser: Parser) -> None:
    parser.add_argument("member", metavar="MEMBER", help="an account, or key:NUMBER")
    parser.add_argument("job", metavar="JOB", nargs="?", help=_JOB)
    parser.add_argument("stage", metavar="STAGE", nargs="?", choices=_STAGES)
    parser.add_argument("--workspace", help="where, without a job")


def _add_members(parser: Parser) -> None:
    parser.add_argument("workspace", metavar="WORKSPACE")


def _add_tick(parser: Parser) -> None:
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--workspace", help="only in this workspace")
    place.add_argument("--job", help=f"only in this job: {_JOB}")


_ARGUMENTS: Mapping[str, Callable[[Parser], Any]] = {
    "verify": _add_verify,
    "copy": _add_copy,
    "export": _add_export,
    "import": _add_import,
    "load": _add_load,
    "progress": _add_progress,
    "events": _add_events,
    "explain": _add_explain,
    "members": _add_members,
    "formats": _add_nothing,
    "tick": _add_tick,
}
"""What each command takes beside the store."""
