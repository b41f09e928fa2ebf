"""Fuzzes one target: ``python -m fuzz.run manifest 600`` does so for 600 seconds; needs atheris.

What reaches new code is added to ``.fuzz/<target>``, from where `keep` takes inputs into the
corpus; an input that fails is left in ``.fuzz``.
"""

from __future__ import annotations

import sys
from random import Random

import atheris

with atheris.instrument_imports(include=["itagflow"]):
    from fuzz.targets import TARGETS

from fuzz.inputs import CORPUS, FOUND, REGRESSIONS
from fuzz.mutate import SIGNS, TOKENS, mutated

MAX_BYTES = 4096
"""How long an input may be; all that the readers tell apart fits."""


def mutator(data: bytes, max_size: int, seed: int) -> bytes:
    """Return *data* changed: mostly as what it is, else as bytes."""
    random = Random(seed)
    new = mutated(data, random) if random.random() < 0.8 else atheris.Mutate(data, max_size)
    return new if len(new) <= max_size else data[:max_size]


def arguments(name: str, seconds: int) -> list[str]:
    """Return what libFuzzer is told, with the folders made."""
    found, corpus, regressions = (home / name for home in (FOUND, CORPUS, REGRESSIONS))
    for folder in (found, corpus, regressions):  # libFuzzer refuses a folder that is not there
        folder.mkdir(parents=True, exist_ok=True)
    tokens = found.with_suffix(".dict")
    signs = SIGNS if name == "rule" else TOKENS
    tokens.write_text("".join('"' + sign.replace("\\", "\\\\") + '"\n' for sign in signs))
    limits = [
        "-timeout=10",
        f"-max_total_time={seconds}",
        f"-max_len={MAX_BYTES}",
        "-rss_limit_mb=2048",
    ]
    out = [f"-dict={tokens}", f"-artifact_prefix={found.parent}/{name}-", "-print_final_stats=1"]
    return [*limits, *out, str(found), str(corpus), str(regressions)]


def main() -> None:
    """Run the target that the command line names."""
    name, seconds = sys.argv[1:]
    atheris.Setup(
        [sys.argv[0], *arguments(name, int(seconds))], TARGETS[name], custom_mutator=mutator
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
