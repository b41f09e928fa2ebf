"""Runs a trial in a process of its own, so that a crash or a hang of it is a failed test and not the end of the tests."""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import itagflow

Trial = Callable[..., str]
"""Takes the URL of an empty store and how much to do; returns one line of figures, and raises when something broke."""
PATHS = (str(Path(itagflow.__file__).parents[1]), str(Path(__file__).parents[1]))
"""Where the processes find the library and the tests."""
SETTINGS = {**os.environ, "PYTHONPATH": os.pathsep.join(PATHS)}


def run(trial: Trial, url: str, *given: Any, seconds: float = 60) -> str:
    """Run *trial* in a new process, and return its figures; one that takes longer than *seconds* has failed."""
    name = f"{trial.__module__}:{trial.__name__}"
    process = subprocess.Popen(
        [sys.executable, "-m", "reliability.trials", name, json.dumps([url, *given])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=SETTINGS,
        start_new_session=True,
    )
    try:
        said, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)  # it prints where each thread is
        said, errors = end(process)
        raise AssertionError(f"{name} hangs after {seconds:g} s:\n{said}{errors}") from None
    finally:
        end(process)
    if process.returncode:
        how = signal.Signals(-process.returncode).name if process.returncode < 0 else f"code {process.returncode}"
        raise AssertionError(f"{name} ended with {how}:\n{said}{errors}")
    return said.strip().rpartition("\n")[2]


def end(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Kill what is left of a trial, with the processes that it has begun, and return what it said."""
    try:
        return process.communicate(timeout=2) if process.stdout and not process.stdout.closed else ("", "")
    except subprocess.TimeoutExpired:
        return ("", "it does not even say where it is")
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            process.wait()


def main(name: str, given: str) -> None:
    """Run one trial here."""
    faulthandler.enable()
    module, _, function = name.partition(":")
    trial: Trial = getattr(importlib.import_module(module), function)
    begun = os.getpid()
    try:
        print(trial(*json.loads(given)), flush=True)
    except SystemExit:
        if os.getpid() == begun:
            raise AssertionError("the trial itself must not exit") from None
        raise
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)  # whatever threads still run


if __name__ == "__main__":
    main(*sys.argv[1:])
