"""Files for Label Studio are judged against their labeling configuration by its own library."""

from __future__ import annotations

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from support.amounts import amount
from support.answering import ALL, TEXT, replies
from support.exported import a_result, write

from itagflow import Choice, templates

interface = pytest.importorskip("label_studio_sdk.label_interface")

pytestmark = pytest.mark.filterwarnings("ignore")
quiet = settings(
    deadline=None, max_examples=amount(10, 100), suppress_health_check=list(HealthCheck)
)
NAMES = sorted(
    {*ALL} - {"video_segmentation", "pairwise_preference", "preference_ranking", "keypoints"}
)


def annotate(name: str, said: Any) -> Any:
    """Return the annotation of an answer, and the label interface of its template."""
    template = ALL[name]
    result = a_result(said, data=dict.fromkeys(template.fields, TEXT))
    content, _ = write("label_studio", [result], template)
    (task,) = json.loads(content)
    config = templates.to_label_studio(template)
    return task["annotations"][0], interface.LabelInterface(config)


@pytest.mark.parametrize("name", NAMES)
@quiet
@given(data=st.data())
def test_every_answer_is_valid(name: str, data: st.DataObject) -> None:
    annotation, judge = annotate(name, data.draw(replies(ALL[name])))
    assert judge.validate_annotation(annotation), annotation


def test_an_unknown_label_is_not() -> None:
    annotation, judge = annotate("image_classification", {"1": Choice("none")})
    assert not judge.validate_annotation(annotation)


@pytest.mark.parametrize("name", NAMES)
def test_every_configuration_is_valid(name: str) -> None:
    interface.LabelInterface(templates.to_label_studio(ALL[name])).validate()
