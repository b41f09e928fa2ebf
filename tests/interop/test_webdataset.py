"""Samples in a tar file are streamed by the library that is made for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.exported import a_result

from itagflow import Choice, formats, templates

webdataset = pytest.importorskip("webdataset", reason="nox -s interop runs this")

pytestmark = pytest.mark.filterwarnings("ignore")
CATS = templates.image_classification(["cat", "dog"])


def test_webdataset_streams_samples(tmp_path: Path) -> None:
    results = [
        a_result({"1": Choice(key)}, number, {"source": f"猫.{number}.jpg"})
        for number, key in enumerate(["cat", "dog"], 1)
    ]
    path = tmp_path / "a.tar"
    formats.write("webdataset", results, path, template=CATS, lossy="error")
    samples = list(webdataset.WebDataset(str(path), shardshuffle=False, empty_check=False).decode())
    assert [sample["__key__"] for sample in samples] == ["000000001", "000000002"]
    assert [sample["json"]["row"]["data"]["source"] for sample in samples] == [
        "猫.1.jpg",
        "猫.2.jpg",
    ]
    assert [sample["json"]["stages"][0]["replies"]["1"]["key"] for sample in samples] == [
        "cat",
        "dog",
    ]
