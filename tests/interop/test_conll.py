"""Tags of words are read back by the library that people find names with."""

from __future__ import annotations

import io

import pytest
from support.exported import a_result

from itagflow import Spans, TextSpan, formats, templates

converters = pytest.importorskip("spacy.training.converters")

pytestmark = pytest.mark.filterwarnings("ignore")
NAMES = templates.entity_recognition(["company", "old place"])
CLASS = NAMES.questions[0].children[0].title
TEXT = "Acme Corp bought Initech , 猫 in Oslo\nIt was cheap"
MARKED = [("Acme Corp", "company"), ("Initech", "company"), ("Oslo", "old place")]


def test_spacy_reads_words_and_spans_of_each_document() -> None:
    spans = [
        TextSpan(start, start + len(name), name, labels={CLASS: (key,)})
        for name, key in MARKED
        for start in [TEXT.index(name)]
    ]
    results = [
        a_result({"1": Spans(spans)}, 1, {"source": TEXT}),
        a_result({"1": Spans([])}, 2, {"source": "Nothing here"}),
    ]
    target = io.BytesIO()
    formats.write("conll", results, target, template=NAMES, lossy="error")
    docs = list(converters.conll_ner_to_docs(target.getvalue().decode(), n_sents=0, no_print=True))
    assert [[word.text for word in doc] for doc in docs] == [TEXT.split(), ["Nothing", "here"]]
    assert [(each.text, each.label_) for each in docs[0].ents] == [
        (name, key.replace(" ", "_")) for name, key in MARKED
    ]
    assert docs[1].ents == ()
