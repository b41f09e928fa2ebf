"""The command line: ``itagflow`` looks after a store without a program of one's own.

It acts as the application itself; where a verb needs to know who acts, ``--by`` says so.  The exit
code is 0, or 1 when a command finds something or is refused, or 2 when it is called wrongly.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from itagflow import jsontext
from itagflow.cli.arguments import make_parser, parse_options
from itagflow.cli.commands import COMMANDS, Command, Options
from itagflow.cli.places import open_existing
from itagflow.errors import ItagflowError
from itagflow.json import to_json

__all__ = ["main"]

FOUND = 1
"""The exit code of a command that finds something that should not be, or is refused."""
STOPPED = 130
"""The exit code after Ctrl-C, as shells have it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return the exit code.

    Args:
        arguments: What follows ``itagflow`` on the command line; that of this process unless given.

    >>> main(["explain", "nothing.db", "ben"])
    1
    """
    options = parse_options(make_parser(), arguments)
    command = COMMANDS[options.command]
    try:
        return _run(command, options)
    except ItagflowError as error:
        print(f"itagflow: {error}", file=sys.stderr)
        return FOUND
    except BrokenPipeError:  # whoever reads has read enough, such as `head`
        # the interpreter would complain when it closes the stream
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # of the standard output: files are told of as errors of ours
        print(f"itagflow: {error.strerror or error}", file=sys.stderr)
        return FOUND
    except KeyboardInterrupt:
        return STOPPED


def _run(command: Command, options: Options) -> int:
    if not command.needs_store:
        return _print(command, options)
    with open_existing(options.store) as flow:
        return _print(command, options.on(flow))


def _print(command: Command, options: Options) -> int:
    """Print what a command yields, one by one, and return the exit code."""
    count = 0
    for value in command.run(options):
        count += 1
        print(_show(command, options, value), file=options.output, flush=command.is_endless)
    if not count and not options.as_json and command.nothing:
        print(command.nothing, file=options.output)
    options.output.flush()
    return FOUND if count and command.is_finding else 0


def _show(command: Command, options: Options, value: object) -> str:
    if not options.as_json:
        return command.show(value)
    return jsontext.dumps(to_json(value, options.known_flow))
