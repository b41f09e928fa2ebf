"""What the fuzzer runs: each target takes any bytes and lets nothing out.

Where the library refuses, it must do so with an error of its own tree; anything else that comes out
is a finding, and so is a broken promise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fuzz.files import OTHERS, make_target
from fuzz.flows import imported, prelabeled
from fuzz.json_texts import json_text
from fuzz.readers import answer, manifest, records, rule, template

TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "answer": answer,
    "csv": records,
    "import": imported,
    "json": json_text,
    "manifest": manifest,
    "prelabel": prelabeled,
    "rule": rule,
    "template": template,
    **{name: make_target(name) for name in OTHERS},
}
"""The targets by name."""
SLOW = frozenset({"import", "prelabel"})
"""Those that make a job of each input."""
