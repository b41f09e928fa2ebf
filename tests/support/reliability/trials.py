"""Runs a trial in a process of its own: a crash or a hang of it is a failed test, not the end of the tests."""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import itagflow

Trial = Callable[..., str]
"""Takes the URL of an empty store and how much to do; returns one line of figures, and raises when something broke."""
PATHS = (str(Path(itagflow.__file__).parents[1]), str(Path(__file__).parents[2]))
"""Where the processes find the library and the tests."""
SETTINGS = {**os.environ, "PYTHONPATH": os.pathsep.join(PATHS)}


def run(trial: Trial, url: str, *given: Any, seconds: float = 60) -> str:
    """Run *trial* in a new process, and return its figures; one that takes longer than *seconds* has failed."""
    return run_all(url, (trial, *given), seconds=seconds)


def run_all(url: str, *steps: tuple[Any, ...], seconds: float = 60) -> str:
    """Run trials one after the other in one new process, each given as itself with what it takes behind the URL."""
    names = [f"{trial.__module__}:{trial.__name__}" for trial, *_ in steps]
    told = [[name, *given] for name, (_, *given) in zip(names, steps, strict=True)]
    with tempfile.TemporaryFile("w+") as said:  # not a pipe, which its children would keep open
        process = subprocess.Popen(
            [sys.executable, "-m", "support.reliability.trials", url, json.dumps(told)],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env=SETTINGS,
            start_new_session=True,
        )
        how = end(process, seconds)
        said.seek(0)
        text = said.read()
    assert not how, f"{', '.join(names)} {how}:\n{text}"
    return text.strip().rpartition("\n")[2]


def end(process: subprocess.Popen[bytes], seconds: float) -> str:
    """Wait so long, kill what is left with the processes that it has begun, and return how it failed, if it did."""
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)  # it prints where each thread is
        with suppress(subprocess.TimeoutExpired):
            process.wait(2)
        return f"hangs after {seconds:g} s"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if code:
        return f"ended with {signal.Signals(-code).name if code < 0 else f'code {code}'}"
    return ""


def main(url: str, steps: str) -> None:
    """Run trials here."""
    faulthandler.enable()
    begun = os.getpid()
    try:
        for name, *given in json.loads(steps):
            module, _, function = name.partition(":")
            trial: Trial = getattr(importlib.import_module(module), function)
            print(trial(url, *given), flush=True)
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
