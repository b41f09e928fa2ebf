"""spaCy stores texts with their spans, loads them again, and can be trained with them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from support.amounts import amount
from support.exported import a_result, read, write

import itagflow
from itagflow import InvalidData, Relation, Spans, TextSpan, formats, templates
from itagflow.templates import Question, QuestionKind

spacy = pytest.importorskip("spacy", reason="nox -s interop runs this")
tokens = pytest.importorskip("spacy.tokens", reason="nox -s interop runs this")

pytestmark = pytest.mark.filterwarnings("ignore")
quiet = settings(
    deadline=None, max_examples=amount(10, 100), suppress_health_check=list(HealthCheck)
)
NAMES = templates.entity_relation(["company", "old place"], ["bought"])
(ASKED,) = NAMES.questions
CLASS, HOLDS = ASKED.children[0].title, ASKED.relations[0].title
NOTE = Question("9", QuestionKind.INPUT, "note", required=False)
NOTED = attrs.evolve(
    NAMES, questions=[attrs.evolve(ASKED, children=[*ASKED.children, NOTE])]
)  # fmt: skip
TEXT = "Acme 猫 bought 😀 Widget Ltd in Oslo.\n Cheap"


def span(start: int, end: int, *keys: str, text: str = TEXT, **more: Any) -> TextSpan:
    return TextSpan(start, end, text[start:end], labels={CLASS: keys or ("company",), **more})


def marked(*spans: Any, relations: Any = (), number: int = 1, text: Any = TEXT) -> Any:
    return a_result({"1": Spans(spans, relations)}, number, {"source": text})


ACME, WIDGET, OSLO = span(0, 4), span(16, 26), span(30, 34, "old place")


def test_spacy_loads_texts_spans_and_entities(tmp_path: Path) -> None:
    inner = span(23, 26, "old place")
    path = tmp_path / "train.spacy"
    formats.write(
        "docbin", [marked(ACME, inner, WIDGET, OSLO), marked(number=2)], path, template=NAMES,
        lossy="error",
    )  # fmt: skip
    first, second = tokens.DocBin().from_disk(path).get_docs(spacy.blank("en").vocab)
    assert first.text == second.text == TEXT
    assert [(each.text, each.label_) for each in first.spans["sc"]] == [
        ("Acme", "company"),
        ("Ltd", "old place"),
        ("Widget Ltd", "company"),
        ("Oslo", "old place"),
    ]
    # the longest of those that overlap
    assert [(each.text, each.label_) for each in first.ents] == [
        ("Acme", "company"),
        ("Widget Ltd", "company"),
        ("Oslo", "old place"),
    ]
    assert (len(second.spans["sc"]), second.ents) == (0, ())
    assert read("docbin", path.read_bytes(), NAMES) == [
        {"1": Spans([ACME, inner, WIDGET, OSLO])},
        {"1": Spans([])},
    ]
    assert read("docbin", path.read_bytes(), None) == [{"data": {"source": TEXT}}] * 2


def test_spacy_can_be_trained_with_it() -> None:
    content, _ = write("docbin", [marked(ACME, OSLO)], NAMES)
    nlp = spacy.blank("xx")
    nlp.add_pipe("ner")
    examples = [
        spacy.training.Example(nlp.make_doc(doc.text), doc)
        for doc in tokens.DocBin().from_bytes(content).get_docs(nlp.vocab)
    ]
    nlp.initialize(lambda: examples)
    assert nlp.get_pipe("ner").labels == ("company", "old place")
    assert nlp.update(examples)["ner"] > 0


@pytest.mark.parametrize(
    ("spans", "lost"),
    [
        ([span(1, 4)], "spans that begin or end inside of a word"),
        ([span(0, 90)], "spans that begin or end inside of a word"),
        ([TextSpan(0, 4)], "spans of no class"),
        ([span(0, 4, "company", "old place")], "spans of several classes"),
        ([span(0, 4, "sea")], "spans of a class that the template does not have"),
        ([span(0, 4, note="x")], "further labels of spans"),
    ],
)
def test_what_it_cannot_hold_is_counted_or_refused(spans: list[Any], lost: str) -> None:
    _, losses = write("docbin", [marked(*spans)], NOTED)
    assert losses == {lost: 1}
    with pytest.raises(InvalidData, match="task 1: "):
        write("docbin", [marked(*spans)], NOTED, lossy="error")


def test_relations_and_halves_of_surrogate_pairs() -> None:
    holds = [Relation(0, 1, labels={HOLDS: "bought"})]
    _, losses = write("docbin", [marked(ACME, OSLO, relations=holds)], NAMES)
    assert losses == {"relations between spans": 1}
    content, losses = write("docbin", [marked(text="a\ud800b")], NAMES)
    assert losses == {"halves of surrogate pairs in texts (written as ?)": 1}
    assert read("docbin", content, None) == [{"data": {"source": "a?b"}}]


def test_a_language_that_spacy_does_not_know_is_refused() -> None:
    with pytest.raises(InvalidData, match="language: is no language that spaCy can cut"):
        write("docbin", [], NAMES, language="q9")
    content, losses = write("docbin", [marked(ACME)], NAMES, language="en")
    assert (losses, read("docbin", content, NAMES)) == ({}, [{"1": Spans([ACME])}])


def test_the_group_of_spans_can_have_another_name_or_be_missing() -> None:
    content, _ = write("docbin", [marked(OSLO, ACME)], NAMES, spans_key="ours")
    assert read("docbin", content, NAMES, spans_key="ours") == [{"1": Spans([OSLO, ACME])}]
    # the entities, as they stand in the text
    assert read("docbin", content, NAMES) == [{"1": Spans([ACME, OSLO])}]


words = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8
)


@quiet
@given(text=st.lists(words, max_size=8).map(" ".join), data=st.data())
def test_what_comes_out_goes_in_again(text: str, data: st.DataObject) -> None:
    document = spacy.blank("xx").make_doc(text)
    places = st.integers(0, max(0, len(document) - 1))
    pairs = data.draw(st.lists(st.tuples(places, places), max_size=4) if document else st.just([]))
    spans = [
        span(part.start_char, part.end_char, text=text)
        for pair in pairs
        for part in [document[min(pair) : max(pair) + 1]]
    ]
    content, losses = write("docbin", [marked(*spans, text=text)], NAMES)
    assert losses == {}
    assert read("docbin", content, NAMES) == [{"1": Spans(spans)}]
    assert read("docbin", content, None) == [{"data": {"source": text}}]


def test_an_export_becomes_a_finished_job_with_the_same_spans() -> None:
    content, _ = write("docbin", [marked(ACME, OSLO)], NAMES)
    with itagflow.open("memory:") as flow:
        flow.workspaces.create("street", admin="ada")
        job = flow.jobs.import_results(
            "street", "names", template=NAMES, data=io.BytesIO(content), format="docbin", by="ada"
        )
        (result,) = flow.results.list(job)
        assert [each.text for each in result.replies["1"].spans] == ["Acme", "Oslo"]


def test_a_file_that_is_none_is_a_problem() -> None:
    content, _ = write("docbin", [marked(ACME, OSLO)], NAMES)
    for broken in (b"", b"PK", content[:-9], content[:20] + b"x" + content[21:]):
        assert read("docbin", broken, NAMES)[-1].startswith("the file: is no DocBin")


def test_a_document_that_spacy_cannot_read_is_a_problem_and_the_next_one_is_read() -> None:
    made = tokens.DocBin(attrs=["ENT_IOB"])
    for text in ("a b c", "d e"):
        made.add(spacy.blank("xx").make_doc(text))
    # inside of an entity that has not begun
    made.tokens[0][:, made.attrs.index(spacy.attrs.ENT_IOB)] = [2, 1, 2]
    broken, good = read("docbin", made.to_bytes(), NAMES)
    assert broken.startswith("document 1: cannot be read: ValueError")
    assert good == {"1": Spans([])}
    assert read("docbin", made.to_bytes(), None) == [
        {"data": {"source": "a b c"}},
        {"data": {"source": "d e"}},
    ]
