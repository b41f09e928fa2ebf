"""DocBin: spans of texts go out as spaCy stores them; `tests/interop` has spaCy write and read."""

from __future__ import annotations

import subprocess
import sys


def test_without_spacy_it_says_how_to_install_it() -> None:
    code = """
import importlib.util, io
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "spacy" else found(name, package)
import itagflow
from itagflow import formats, templates
template = templates.entity_recognition(["company"])
for act in (
    lambda: formats.write("docbin", [], io.BytesIO(), template=template),
    lambda: list(formats.read("docbin", io.BytesIO(b""))),
):
    try:
        act()
    except itagflow.InvalidData as error:
        print(error)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    reason = "spacy: is not installed: install it with pip install 'itagflow[spacy]'"
    assert found.stdout.splitlines() == [f"the format 'docbin': {reason}"] * 2
