"""Random answers that fit a template, for every kind of question; and ways to break one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import hypothesis.strategies as st

from itagflow import (
    Box,
    Choice,
    Choices,
    Keypoint,
    Keypoints,
    Mask,
    Point,
    Polygon,
    Polyline,
    Preference,
    Ranking,
    Rating,
    Regions,
    Relation,
    RotatedBox,
    Segment,
    Segments,
    Spans,
    Template,
    Text,
    TextSpan,
    templates,
)
from itagflow.templates import Question, QuestionKind, Scale, Shape
from itagflow.validation.geometry import find_extent_error

TEXT = "Acme 猫 bought 😀 Widget Ltd in Oslo."
WIDTH, HEIGHT = 40, 30
CHOOSING = (QuestionKind.RADIO, QuestionKind.CHECKBOX)

ALL: dict[str, Template] = {
    "audio_classification": templates.audio_classification(["rain", "wind"]),
    "audio_segmentation": templates.audio_segmentation(["agent", "customer"]),
    "dialogue_rating": templates.dialogue_rating(["helpful", "harmless"], scale=Scale(0, 1, 0.25)),
    "entity_recognition": templates.entity_recognition(["company", "place"]),
    "entity_relation": templates.entity_relation(["company", "place"], ["bought", "lies in"]),
    "image_captioning": templates.image_captioning(tags=["indoor", "outdoor"]),
    "image_classification": templates.image_classification(["cat", "dog"], multiple=True),
    "keypoints": templates.keypoints(["nose", "ear", "tail"], ["cat"]),
    "moderation": templates.moderation(["violence", "fraud"]),
    "object_detection": templates.object_detection(["car", "sign"]),
    "ocr": templates.ocr(["amount", "date"]),
    "pairwise_preference": templates.pairwise_preference(degrees=3, comment=True),
    "pdf_pages": templates.pdf_pages(["invoice", "letter"], fields=["amount"]),
    "preference_ranking": templates.preference_ranking(["a", "b", "c"]),
    "segmentation": templates.segmentation(["road", "roof"]),
    "speech_recognition": templates.speech_recognition(),
    "table_recognition": templates.table_recognition(),
    "text_classification": templates.text_classification(["tech", "sport"]),
    "video_classification": templates.video_classification(["sport", "news"]),
    "video_segmentation": templates.video_segmentation(["goal"]),
    "custom": Template(
        questions=(
            *templates.entity_recognition(["company"]).questions,
            attrs.evolve(
                templates.entity_recognition(["place"], title="Places").questions[0], id="2"
            ),
            Question("3", QuestionKind.TEXT_EDIT, "Put right", rule="[^\n]+", required=False),
        ),
        views=templates.entity_recognition(["company"]).views,
    ),
}
"""A template of each function of `itagflow.templates`, and one that asks for spans twice."""


def a_row(template: Template) -> dict[str, Any]:
    return {"data": dict.fromkeys(template.fields, TEXT)}


letters = st.characters(exclude_categories=["Cs", "Cc"])
words = st.text(letters, min_size=1, max_size=8).filter(str.strip)
x, y = st.floats(0, WIDTH), st.integers(0, HEIGHT)
places = st.tuples(x, y)


def replies(template: Template) -> st.SearchStrategy[dict[str, Any]]:
    """Answers that fit *template*."""

    @st.composite
    def build(draw: st.DrawFn) -> dict[str, Any]:
        said: dict[str, Any] = {}
        for question in template.questions:
            _ask(draw, question, said, lambda q: q.id, _reply)
        return said

    return build()


def _ask(
    draw: st.DrawFn,
    question: Question,
    said: dict[str, Any],
    name: Callable[[Question], str],
    of: Any,
) -> None:
    if not question.required and draw(st.booleans()):
        return
    value = said[name(question)] = draw(of(question))
    keys = {
        Choice: lambda: {value.key},
        Choices: lambda: set(value.keys),
        str: lambda: {value},
    }.get(type(value), set)()
    for child in question.children if question.kind in CHOOSING else ():
        if keys.intersection(child.when) if child.when else keys:
            _ask(draw, child, said, name, of)


def _keys(question: Question) -> list[str]:
    return sorted(question.keys)


def _value(question: Question) -> st.SearchStrategy[Any]:
    """What a part can be answered with."""
    if question.kind is QuestionKind.RADIO:
        return st.sampled_from(_keys(question))
    if question.kind is QuestionKind.CHECKBOX:
        return st.lists(st.sampled_from(_keys(question)), min_size=1, unique=True).map(tuple)
    return st.from_regex(r"[1-9][0-9]{0,3}", fullmatch=True) if question.rule else words


def _labels(children: tuple[Question, ...]) -> st.SearchStrategy[dict[str, Any]]:
    @st.composite
    def build(draw: st.DrawFn) -> dict[str, Any]:
        said: dict[str, Any] = {}
        for child in children:
            _ask(draw, child, said, lambda q: q.title, _value)
        return said

    return build()


def _reply(question: Question) -> st.SearchStrategy[Any]:
    match question.kind:
        case QuestionKind.RADIO:
            return _value(question).map(Choice)
        case QuestionKind.CHECKBOX:
            return _value(question).map(Choices)
        case QuestionKind.RANKING:
            return st.permutations(_keys(question)).map(Ranking)
        case QuestionKind.RATING:
            scale = question.scale or Scale()
            steps = round((scale.high - scale.low) / scale.step)
            return st.integers(0, steps).map(lambda n: Rating(scale.low + n * scale.step))
        case QuestionKind.PREFERENCE:
            most = int(question.scale.high) if question.scale else 1
            won = st.builds(Preference, st.sampled_from(_keys(question)), st.integers(1, most))
            ties = st.sampled_from([None, "both good", "both bad"])
            return won | ties.map(lambda tie: Preference(None, tie=tie))
        case QuestionKind.PICTURE:
            sides = {
                "width": st.just(WIDTH),
                "height": st.just(HEIGHT),
                "rotation": st.sampled_from([0, 90]),
            }
            return st.builds(Regions, st.lists(_region(question), max_size=4), **sides)
        case QuestionKind.SLOT:
            return _spans(question)
        case QuestionKind.VIDEO:
            return st.builds(
                Segments,
                st.lists(_segment(question), max_size=3),
                duration=st.sampled_from([0, 90.5]),
            )
        case _:
            return words.map(Text)


FRAME = ((0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT))


def _can_be_seen(region: Any) -> bool:
    return find_extent_error(region) is None


def _region(question: Question) -> st.SearchStrategy[Any]:
    about = {
        "labels": _labels(question.children),
        "id": words,
        "color": st.none() | st.just("#239125"),
    }
    line = st.lists(places, min_size=3, max_size=6)
    small = st.tuples(*([st.integers(1, 5)] * 2))
    point = st.builds(Keypoint, st.just("nose"), x, y, st.sampled_from([1, 2]))
    gone = st.builds(Keypoint, st.just("tail"), visibility=st.just(0))
    runs = st.integers(0, WIDTH * HEIGHT - 1).map(lambda n: (n, 1, WIDTH * HEIGHT - n - 1))
    turned = st.tuples(st.integers(10, 30), st.integers(10, 20), small, st.floats(0, 360))
    shapes = {
        Shape.BOX: small.flatmap(
            lambda s: st.builds(
                Box, st.integers(0, 30), st.integers(0, 20), *map(st.just, s), **about
            )
        ),
        Shape.ROTATED_BOX: turned.flatmap(
            lambda t: st.builds(
                RotatedBox, *map(st.just, (float(t[0]), float(t[1]), *t[2], t[3])), **about
            )
        ),
        Shape.POLYGON: (
            st.builds(Polygon, line, **about)
            | st.builds(Polygon, st.just(FRAME), st.lists(line, min_size=1, max_size=1), **about)
        ).filter(_can_be_seen),
        Shape.POLYLINE: st.builds(Polyline, line, **about).filter(_can_be_seen),
        Shape.POINT: st.builds(Point, x, y, **about),
        Shape.KEYPOINTS: st.builds(Keypoints, st.tuples(point, gone), **about),
        Shape.MASK: st.builds(Mask, runs, **about),
    }
    return st.one_of(*(shapes[shape] for shape in question.shapes or Shape))


def _spans(question: Question) -> st.SearchStrategy[Spans]:
    @st.composite
    def build(draw: st.DrawFn) -> Spans:
        starts = draw(st.lists(st.integers(0, len(TEXT) - 1), max_size=4))
        ends = [draw(st.integers(start + 1, len(TEXT))) for start in starts]
        spans = [
            TextSpan(start, end, TEXT[start:end], labels=draw(_labels(question.children)))
            for start, end in zip(starts, ends, strict=True)
        ]
        pairs = [(a, b) for a in range(len(spans)) for b in range(len(spans)) if a != b]
        joined = (
            draw(st.lists(st.sampled_from(pairs), max_size=2))
            if pairs and question.relations
            else []
        )
        return Spans(
            spans, [Relation(a, b, labels=draw(_labels(question.relations))) for a, b in joined]
        )

    return build()


def _segment(question: Question) -> st.SearchStrategy[Segment]:
    start, length = st.floats(0, 50), st.floats(0.01, 40)
    return st.builds(
        lambda a, n, labels: Segment(a, a + n, labels=labels),
        start,
        length,
        _labels(question.children),
    )


def as_written(reply: Any) -> Any:
    """What a reply is after iTAG's files: an upright box is a polygon of four points there."""
    if not isinstance(reply, Regions):
        return reply
    outlines = [
        Polygon(r.points, labels=r.labels) if isinstance(r, Box) else r for r in reply.regions
    ]
    return attrs.evolve(reply, regions=outlines)


def broken(question: Question, reply: Any) -> list[tuple[Any, str]]:
    """Ways to break a reply to *question*, each with the path of the problem that it is."""
    id, ways = (
        question.id,
        [(Choice("?") if not isinstance(reply, Choice) else Text("?"), question.id)],
    )
    match reply:
        case Choice():
            ways.append((Choice("no such option"), id))
        case Choices():
            ways += [
                (Choices([*reply.keys, "no such option"]), id),
                (Choices([*reply.keys, *reply.keys]), id),
            ]
        case Text():
            ways += [(Text("a" * 1_000_001), id)]
        case Ranking():
            ways += [(Ranking(reply.keys[1:]), id), (Ranking([*reply.keys, "x"]), id)]
        case Rating():
            ways += [(Rating(1e9), id), (Rating(-1e9), id)]
        case Preference():
            ways += [(Preference("x"), id), (Preference("a", degree=9), f"{id}.degree")]
        case _:
            ways += _broken_marks(question, reply)
    return ways


def _broken_marks(question: Question, reply: Any) -> list[tuple[Any, str]]:
    id = question.id
    if isinstance(reply, Spans):
        spans, at = reply.spans, f"{id}.spans[{len(reply.spans)}]"
        return [
            (Spans([*spans, TextSpan(0, 99)]), f"{at}.end"),
            (Spans([*spans, TextSpan(0, 1, "?")]), f"{at}.text"),
            (Spans(spans, [Relation(0, 99)]), f"{id}.relations[0].target"),
        ]
    if isinstance(reply, Segments):
        late = Segments([Segment(0, 9)], duration=5)
        return [(late, f"{id}.segments[0].end")]
    at, size = f"{id}.regions[{len(reply.regions)}]", {"width": reply.width, "height": reply.height}
    ways = [(Regions(reply.regions, width=0, height=9), f"{id}.width")]
    if question.keypoints:
        return [
            *ways,
            (Regions([*reply.regions, Keypoints([Keypoint("nose", -5, 0)])], **size), at),
        ]
    on_a_line, outside = ((0, 0), (1, 1), (2, 2)), ((0, 0), (1, 1), (99, 0))
    ways.append((Regions([*reply.regions, Polygon(on_a_line)], **size), at))
    return [*ways, (Regions([*reply.regions, Polygon(outside)], **size), at)]
