"""Another process on the same store: it writes when it is told to, or all the time, and can strike whoever began it."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import threading
import time

import itagflow
from support.reliability.street import AT_ONCE, Ledger, Worker
from support.reliability.trials import SETTINGS


class Neighbor:
    """The other process, as the one who began it sees it."""

    def __init__(self, url: str, job: int, *, busy: bool = False) -> None:
        """Begin it; when *busy* it writes all the time."""
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "support.reliability.neighbor",
                url,
                str(job),
                "busy" if busy else "idle",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=SETTINGS,
            preexec_fn=os.setpgrp if not busy else None,  # a Ctrl-C of the terminal is not for it
        )
        self.ask("ready", 30)

    def write(self) -> None:
        """Have it write and read, and fail when it cannot at once."""
        self.ask("write", AT_ONCE)

    def strike(self, seconds: float) -> None:
        """Have it send a SIGINT to this process so many seconds from now."""
        os.write(self._into, f"strike {seconds}\n".encode())

    def struck(self) -> None:
        """Wait until it has."""
        self._hear("struck", AT_ONCE)

    def end(self) -> str:
        """End it, and return what it did all the time, if anything."""
        said = self.ask("end", AT_ONCE)
        assert self._process.stdin
        self._process.stdin.close()
        assert self._process.wait(10) == 0
        return said.removeprefix("end")

    def ask(self, word: str, seconds: float) -> str:
        """Say a word, and return the answer, which begins with it."""
        os.write(self._into, f"{word}\n".encode())
        return self._hear(word, seconds)

    @property
    def _into(self) -> int:
        assert self._process.stdin
        return self._process.stdin.fileno()

    def _hear(self, word: str, seconds: float) -> str:
        assert self._process.stdout
        told, _, _ = select.select([self._process.stdout.fileno()], [], [], seconds)
        assert told, f"another process still waits after {seconds:g} s"
        line = os.read(self._process.stdout.fileno(), 4096).decode().strip()  # one line at a time
        assert line.startswith(word), f"another process: {line}"
        return line


def main(url: str, job: int, how: str) -> None:
    """Do what the lines of the standard input say."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    flow = itagflow.open(url)
    account = "p7"
    worker = Worker(flow, flow.jobs.get(job), account, Ledger(), random.Random(7))
    busy = Busy(Worker(flow, flow.jobs.get(job), "p6", Ledger(), random.Random(6)))
    while line := sys.stdin.readline():
        word, *given = line.split()
        try:
            said = f"{word}\n"
            if word == "ready" and how == "busy":
                busy.begin()
            elif word == "write":
                worker.save()
                worker.look()
            elif word == "strike":
                time.sleep(float(given[0]))
                os.kill(os.getppid(), signal.SIGINT)
                said = "struck\n"
            elif word == "end":
                said = f"end{busy.end()}\n"
            assert not busy.error, busy.error
        except BaseException as error:
            said = f"{error!r}\n"
        os.write(1, said.encode())
    flow.close()


class Busy:
    """Writes all the time, and knows how long the longest write took."""

    def __init__(self, worker: Worker) -> None:
        self.worker, self.error = worker, ""
        self.done, self.longest = 0, 0.0
        self._stop, self._thread = False, threading.Thread(target=self._work)

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> str:
        """End, and return what was done."""
        self._stop = True
        if self._thread.ident:
            self._thread.join()
        return (
            f", another process wrote {self.done} times, at most for {self.longest:.3f} s"
            if self.done
            else ""
        )

    def _work(self) -> None:
        try:
            while not self._stop:
                began = time.monotonic()
                self.worker.save()
                self.longest = max(self.longest, time.monotonic() - began)
                self.done += 1
        except BaseException as error:
            self.error = f"{error!r}"


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
