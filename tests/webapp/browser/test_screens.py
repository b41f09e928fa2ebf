"""A screen for every kind of question: what is clicked and drawn is what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from selenium.webdriver import Keys

from itagflow import Choice, Choices, Preference, Ranking, Rating, Regions, Segments, Spans, Text
from itagflow.model import Tie

from .conftest import Browse, Server
from .screen import Screen

SURFACE = "svg.surface"


def stored(server: Server, task: int = 0) -> Mapping[str, Any]:
    """The replies of ben's only assignment."""
    (held,) = server.flow.assignments.list("ben")
    answer = list(server.flow.tasks(held))[task].answer
    assert answer is not None
    assert answer.replies is not None
    return answer.replies


def use(screen: Screen, tool: str) -> None:
    screen.click(f'[data-tool="{tool}"]')


def draw_every_shape(screen: Screen) -> None:
    use(screen, "box")
    screen.drag(SURFACE, (0.1, 0.1), (0.3, 0.4))
    screen.count(".parts li", 1)
    screen.click('.parts li.chosen, [data-part="0"]')
    screen.click('[data-key="square"]')
    use(screen, "rotated box")
    screen.drag(SURFACE, (0.5, 0.2), (0.7, 0.4))
    screen.count(".parts li", 2)
    screen.type('[aria-label="angle"]', "30" + Keys.TAB)
    for tool, places in (
        ("polygon", ((0.1, 0.6), (0.3, 0.6), (0.2, 0.9))),
        ("polyline", ((0.5, 0.6), (0.9, 0.9))),
    ):
        use(screen, tool)
        for place in places:
            screen.tap(SURFACE, place)
        screen.click("#finish")
    screen.count(".parts li", 4)
    use(screen, "point")
    screen.tap(SURFACE, (0.5, 0.5))
    screen.count(".parts li", 5)
    use(screen, "keypoints")
    screen.shows("place: left")
    screen.tap(SURFACE, (0.8, 0.2))
    screen.shows("place: right")
    screen.click("#not-there")
    screen.count(".parts li", 6)
    use(screen, "mask")
    screen.drag(SURFACE, (0.8, 0.5), (0.85, 0.55), (0.9, 0.5))
    screen.click("#finish")
    screen.count(".parts li", 7)


def test_regions_of_every_shape(server: Server, browse: Browse) -> None:
    ben = browse("ben")
    ben.grab("label", "Objects-in-pictures")
    ben.find(SURFACE)
    draw_every_shape(ben)
    ben.click('[data-part="0"]')
    ben.type("fieldset fieldset input", "at the edge")
    ben.take_picture("web-regions")
    ben.save()
    reply = stored(server)["1"]
    assert isinstance(reply, Regions)
    kinds = [type(region).__name__ for region in reply.regions]
    assert kinds == ["Box", "RotatedBox", "Polygon", "Polyline", "Point", "Keypoints", "Mask"]
    assert (reply.width, reply.height) == (320, 240)
    box, rotated, *_, mask = reply.regions
    assert box.labels == {"Kind": "square", "Note": "at the edge"}
    assert (box.x, box.y) == (pytest.approx(32, abs=2), pytest.approx(24, abs=2))  # type: ignore[union-attr]
    assert (box.width, box.height) == (pytest.approx(64, abs=2), pytest.approx(72, abs=2))  # type: ignore[union-attr]
    assert rotated.angle == 30  # type: ignore[union-attr]
    assert mask.area > 500  # type: ignore[union-attr]
    assert ben.errors() == []


def test_regions_are_moved_and_deleted(server: Server, browse: Browse) -> None:
    ben = browse("ben")
    ben.grab("label", "Objects-in-pictures")
    ben.find(SURFACE)
    for left in (0.1, 0.5):
        ben.drag(SURFACE, (left, 0.1), (left + 0.2, 0.3))
    ben.count(".parts li", 2)
    use(ben, "choose")
    ben.drag(SURFACE, (0.2, 0.2), (0.3, 0.5))
    ben.tap(SURFACE, (0.6, 0.2))
    ben.find('.chosen [data-part="1"]')
    ben.press(Keys.DELETE)
    ben.count(".parts li", 1)
    ben.save()
    (box,) = stored(server)["1"].regions
    assert (box.x, box.y) == (pytest.approx(64, abs=3), pytest.approx(96, abs=3))


def mark(screen: Screen, text: str) -> None:
    """Select a text as a mouse does, and press the button."""
    script = """
        const walker = document.createTreeWalker(document.querySelector(".marked"), NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const at = walker.currentNode.data.indexOf(arguments[0]);
            if (at < 0) continue;
            const range = document.createRange();
            range.setStart(walker.currentNode, at);
            range.setEnd(walker.currentNode, at + arguments[0].length);
            getSelection().removeAllRanges();
            getSelection().addRange(range);
        }
    """
    screen.run(script, text)
    screen.click("#mark")


def test_spans_and_relations_of_a_text_with_an_emoji(server: Server, browse: Browse) -> None:
    ben = browse("ben")
    ben.grab("label", "Names-in-texts")
    mark(ben, "Marie Curie")
    ben.count(".parts li", 1)
    mark(ben, "Warsaw")
    ben.count(".parts li", 2)
    ben.click('fieldset fieldset [data-key="place"]')
    ben.click('fieldset fieldset [data-key="person"]')
    ben.click("#join")
    ben.shows("Marie Curie → 2. Warsaw")
    ben.take_picture("web-spans")
    ben.save()
    reply = stored(server)["1"]
    assert isinstance(reply, Spans)
    found = [(span.text, span.labels) for span in reply.spans]
    assert found == [
        ("Marie Curie", {"Text content": ("person",)}),
        ("Warsaw", {"Text content": ("place",)}),
    ]
    assert [(each.source, each.target, each.label) for each in reply.relations] == [
        (0, 1, "born in")
    ]
    ben.click('[aria-label^="task 1"]')
    ben.click('[data-part="0"]')
    ben.press(Keys.DELETE)
    ben.count(".parts li", 1)
    assert not ben.has("#join")
    assert ben.errors() == []


def test_segments_of_a_sound(server: Server, browse: Browse) -> None:
    ben = browse("ben")
    ben.grab("label", "Who-speaks")
    ben.find("#line path")  # the waveform
    ben.drag("#line", (0.1, 0.5), (0.4, 0.5))
    ben.type("fieldset fieldset input", "a low tone")
    ben.drag("#line", (0.5, 0.5), (0.9, 0.5))
    ben.count(".parts li", 2)
    ben.click('[data-key="high"]')
    ben.type("fieldset fieldset input", "a high tone")
    ben.take_picture("web-segments")
    ben.save()
    reply = stored(server)["1"]
    assert isinstance(reply, Segments)
    assert reply.duration == pytest.approx(5)
    low, high = reply.segments
    assert (low.start, low.end) == (pytest.approx(0.5, abs=0.05), pytest.approx(2, abs=0.05))
    assert sorted(high.labels.values()) == ["a high tone", "high"]
    assert ben.errors() == []


def test_preferences_and_rankings_in_an_order_of_their_own(server: Server, browse: Browse) -> None:
    ben = browse("ben")
    ben.grab("label", "Which-answer-is-better")
    (held,) = server.flow.assignments.list("ben")
    first, second = next(server.flow.tasks(held)).order["1"]
    shown = [
        each.get_attribute("data-field")
        for each in ben.driver.find_elements("css selector", ".view")
    ]
    assert shown == ["prompt", first, second]
    ben.press("2")
    ben.click('[data-degree="3"]')
    ben.type("[data-text]", "clearer")
    ben.save()
    assert stored(server) == {"1": Preference(second, degree=3), "2": Text("clearer")}
    ben.click('[data-tie="both bad"]')
    ben.save()
    assert stored(server, 1)["1"] == Preference(None, tie=Tie.BOTH_BAD)
    ben.click("#release")
    ben.find(".empty")

    ben.grab("label", "Rank-the-answers")
    for key in ("b", "c", "a"):
        ben.click(f'[data-key="{key}"]')
    ben.click('[data-key="c"]')  # and all behind it
    for key in ("a", "c"):
        ben.click(f'[data-key="{key}"]')
    ben.save()
    assert stored(server)["1"] == Ranking(["b", "a", "c"])


def test_choices_ratings_and_texts(server: Server, browse: Browse) -> None:
    ben = browse("ben")
    ben.grab("label", "Posts")
    ben.press("d")  # the key of "remove"
    ben.click('[data-question="2"] [data-key="threat"]')
    ben.click('[data-question="2"] [data-key="spam"]')
    ben.click('[data-question="3"] [data-key="0.3"]')
    ben.type('[data-text="4"]', "Buy cheap pills now!")
    ben.type('[data-text="5"]', "english")
    ben.click("#save")
    ben.shows("[a-z]{2}")  # what is refused, and why
    ben.click("fieldset .options + .options button, [data-question='5'] .option")
    ben.save()
    assert stored(server) == {
        "1": Choice("remove"),
        "2": Choices(["threat", "spam"]),
        "3": Rating(0.3),
        "4": Text("Buy cheap pills now!"),
        "5": Text("en"),
    }
    ben.click('[aria-label^="task 1"]')
    ben.click('[data-key="keep"]')
    ben.wait(lambda: not ben.has('[data-question="2"]'))
    ben.click("#save")
    ben.wait(lambda: "2" not in stored(server))
    ben.click("#abandon")
    ben.dialog("", reason="another language")
    ben.find(".steps .gone")
    ben.press("]")
    ben.press("[")
    ben.leave_by("#submit") if not ben.has("#notice .bad") else None


def test_a_phone_shows_everything_and_draws_with_a_finger(server: Server, browse: Browse) -> None:
    ben = browse("ben", is_small=True)

    def fits() -> bool:
        return ben.read("document.documentElement.scrollWidth <= window.innerWidth") is True

    ben.open("label")
    ben.find("#available")
    assert fits()
    ben.grab("label", "Objects-in-pictures")
    ben.find(SURFACE)
    ben.drag(SURFACE, (0.2, 0.2), (0.6, 0.6), is_touch=True)
    ben.count(".parts li", 1)
    assert fits()
    ben.run("scrollTo(0, 260)")
    ben.take_picture("web-phone")
    ben.save()
    assert len(stored(server)["1"].regions) == 1
    for job in ("Posts", "Names-in-texts", "Who-speaks"):
        ben.grab("label", job)
        ben.find("fieldset")
        assert fits(), job


def test_the_page_of_somebody_with_work(server: Server, browse: Browse) -> None:
    ben = browse("ben")
    ben.grab("label", "Shapes")
    ben.open("label")
    ben.find("#mine")
    ben.take_picture("web-available")
    ben.click("#sign-out")
    ben.find("#sign-in")
    ben.driver.refresh()
    ben.find("#sign-in")
