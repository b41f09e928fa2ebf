"""CVAT: regions go out as shapes of *CVAT for images 1.1*, and come back."""

from __future__ import annotations

import io
import random
from typing import Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from support.amounts import amount
from support.answering import replies
from support.exported import a_result, marked, read, write

import itagflow
from itagflow import (
    Box,
    InvalidData,
    Keypoint,
    Keypoints,
    Mask,
    Point,
    Polygon,
    Polyline,
    Regions,
    RotatedBox,
    formats,
    templates,
)
from itagflow.formats._masks import crop_mask, spread_mask
from itagflow.templates import Option, Question, QuestionKind

quiet = settings(
    deadline=None, max_examples=amount(10, 300), suppress_health_check=list(HealthCheck)
)
ANIMALS = templates.object_detection(["zebra", "ant & bee"])
(PLAIN,) = ANIMALS.questions
BODIES = templates.keypoints(["nose", "ear", "tail"], ["ant & bee"])
CLASS = PLAIN.children[0].title
LABELED: Any = {CLASS: "ant & bee"}
FULL = attrs.evolve(
    ANIMALS,
    questions=[
        attrs.evolve(
            PLAIN,
            children=[
                *PLAIN.children,
                Question(
                    "8", QuestionKind.CHECKBOX, "seen", [Option("tail"), Option("an ear")],
                    required=False,
                ),
                Question("9", QuestionKind.INPUT, "note", required=False),
            ],
        )
    ],
)  # fmt: skip
ANT = Box(10, 20, 30, 5, labels=LABELED)


class TestWhatGoesOut:
    def test_each_kind_of_region_is_a_shape(self) -> None:
        shapes = [
            ANT,
            RotatedBox(25, 15, 30, 20, 30, labels=LABELED),
            Polygon([(1, 1), (9, 1.5), (9, 8)], labels=LABELED),
            Polyline([(1, 1), (9, 1)], labels=LABELED),
            Point(3, 4, labels=LABELED),
            Mask([0, 1, 5_000 - 1], labels=LABELED),
        ]
        content, losses = write("cvat", [marked(*shapes, rotation=90)], ANIMALS)
        assert losses == {}
        about = 'label="ant &amp; bee" source="manual" occluded="0"'
        assert content.decode().splitlines() == [
            '<?xml version="1.0" encoding="utf-8"?>',
            "<annotations>",
            "  <version>1.1</version>",
            "  <meta><task><labels>",
            "    <label><name>zebra</name><attributes></attributes></label>",
            "    <label><name>ant &amp; bee</name><attributes></attributes></label>",
            "  </labels></task></meta>",
            '  <image id="1" name="images/1.jpg" width="100" height="50" rotation="90">',
            f'    <box {about} xtl="10" ytl="20" xbr="40" ybr="25" z_order="0"/>',
            f'    <box {about} xtl="10" ytl="5" xbr="40" ybr="25" rotation="30" z_order="0"/>',
            f'    <polygon {about} points="1,1;9,1.5;9,8" z_order="0"/>',
            f'    <polyline {about} points="1,1;9,1" z_order="0"/>',
            f'    <points {about} points="3,4" z_order="0"/>',
            f'    <mask {about} rle="0, 1" left="0" top="0" width="1" height="1" z_order="0"/>',
            "  </image>",
            "</annotations>",
        ]
        (reply,) = read("cvat", content, ANIMALS)
        assert reply == {"1": Regions(shapes, width=100, height=50, rotation=90)}

    def test_keypoints_are_a_skeleton(self) -> None:
        body = Keypoints(
            [Keypoint("nose", 3, 4), Keypoint("ear", 5, 6, 1)],
            labels={BODIES.questions[0].children[0].title: "ant & bee"},
        )
        content, losses = write("cvat", [marked(body)], BODIES)
        assert losses == {}
        text = content.decode()
        assert "<label><name>ant &amp; bee</name><type>skeleton</type>" in text
        assert "<name>nose</name><type>points</type><parent>ant &amp; bee</parent></label>" in text
        assert [line.strip() for line in text.splitlines() if "<points" in line] == [
            '<points label="nose" source="manual" outside="0" occluded="0" points="3,4"/>',
            '<points label="ear" source="manual" outside="0" occluded="1" points="5,6"/>',
            '<points label="tail" source="manual" outside="1" occluded="0" points="0,0"/>',
        ]
        (reply,) = read("cvat", content, BODIES)
        gone = Keypoint("tail", visibility=0)
        assert reply["1"].regions == (attrs.evolve(body, keypoints=[*body.keypoints, gone]),)

    def test_what_is_asked_about_a_region_is_an_attribute(self) -> None:
        labels = {**LABELED, "seen": ("tail", "an ear"), "note": "<&>\r\n"}
        content, losses = write("cvat", [marked(Box(0, 0, 1, 1, labels=labels))], FULL)
        assert losses == {}
        assert '<attribute name="seen">an ear</attribute>' in content.decode()
        assert (
            "<input_type>select</input_type><default_value></default_value><values>tail\nan ear"
            in (content.decode())
        )
        (reply,) = read("cvat", content, FULL)
        assert reply["1"].regions[0].labels == labels

    def test_an_angle_is_one_of_less_than_a_full_turn(self) -> None:
        turned = [RotatedBox(5, 5, 2, 4, angle, labels=LABELED) for angle in (-90, 450, 360)]
        content, _ = write("cvat", [marked(*turned)], ANIMALS)
        (reply,) = read("cvat", content, ANIMALS)
        assert [getattr(each, "angle", None) for each in reply["1"].regions] == [270, 90, None]

    def test_an_image_that_nobody_has_answered_is_not_one_with_nothing_on_it(self) -> None:
        content, _ = write("cvat", [a_result(None), marked(number=2)], ANIMALS)
        assert content.count(b"<image ") == 1
        assert read("cvat", content, ANIMALS) == [{"1": Regions([], width=100, height=50)}]

    def test_classes_are_in_the_order_that_is_asked(self) -> None:
        content, _ = write("cvat", [], ANIMALS, classes=["ant & bee", "cow", "zebra"])
        text = content.decode()
        assert text.index("ant &amp; bee") < text.index("cow") < text.index("zebra")


class TestWhatItCannotHold:
    @pytest.mark.parametrize(
        ("region", "lost", "kept"),
        [
            (Polygon([(0, 0), (9, 0), (9, 9)], [[(5, 1), (6, 1), (6, 2)]], labels=LABELED),
             "holes of polygons", 1),
            (Mask([81], labels=LABELED),
             "masks without a pixel, or of another size than the image", 0),
            (Mask([1, 9], labels=LABELED),
             "masks without a pixel, or of another size than the image", 0),
            (Box(0, 0, 1, 1), "regions of no class", 0),
            (Box(0, 0, 1, 1, label="sea"), "regions of a class that the template does not have", 0),
            (Box(0, 0, 1, 1, labels={**LABELED, "note": "\x01"}),
             "labels with characters that XML does not have", 1),
        ],
    )  # fmt: skip
    def test_is_counted_or_refused(self, region: Any, lost: str, kept: int) -> None:
        result = marked(region, width=9, height=9)
        content, losses = write("cvat", [result], ANIMALS)
        assert (losses, content.count(b"z_order")) == ({lost: 1}, kept)
        with pytest.raises(InvalidData, match="task 1: "):
            write("cvat", [result], ANIMALS, lossy="error")

    def test_keypoints_that_the_template_does_not_have(self) -> None:
        body = Keypoints([Keypoint("toe", 1, 1)], label="ant & bee")
        content, losses = write("cvat", [marked(body)], BODIES)
        assert losses == {"objects of other keypoints than the template has": 1}
        assert b"<skeleton" not in content

    def test_names_that_xml_cannot_have(self) -> None:
        odd = templates.object_detection(["a\uffffb"])
        box = Box(0, 0, 1, 1, labels={CLASS: "a\uffffb"})
        content, losses = write("cvat", [marked(box, name="a\x01.jpg")], odd)
        assert losses == {
            "names of images with characters that XML does not have": 1,
            "regions of a class with characters that XML does not have": 1,
        }
        assert read("cvat", content, None) == [{"data": {"source": "a_.jpg"}}]

    def test_an_image_of_unknown_size_and_a_template_without_regions(self) -> None:
        content, losses = write("cvat", [marked(width=0)], ANIMALS)
        assert (content.count(b"<image"), losses) == (0, {"images of unknown size": 1})
        with pytest.raises(InvalidData, match="has no PICTURE question"):
            write("cvat", [], templates.image_classification(["cat"]))


def as_read(region: Any, names: tuple[str, ...]) -> Any:
    """A region as the format holds it: without what is documented as lost."""
    plain = attrs.evolve(region, id=None, color=None)
    if isinstance(plain, Polygon):
        return attrs.evolve(plain, points=rounded(plain.points), holes=())
    if isinstance(plain, Polyline):
        return attrs.evolve(plain, points=rounded(plain.points))
    if isinstance(plain, Mask) and plain.counts[-1] == 0:
        return attrs.evolve(plain, counts=plain.counts[:-1])
    if isinstance(plain, RotatedBox):
        angle = round(plain.angle, 6) % 360
        if not angle:
            left, top = plain.x - plain.width / 2, plain.y - plain.height / 2
            return Box(left, top, plain.width, plain.height, labels=plain.labels)
        return attrs.evolve(plain, angle=angle)
    if isinstance(plain, Point):
        return attrs.evolve(plain, x=round(plain.x, 6), y=round(plain.y, 6))
    if isinstance(plain, Keypoints):
        given = {each.name: each for each in plain.keypoints}
        return attrs.evolve(
            plain,
            keypoints=[
                rounded_point(given.get(name, Keypoint(name, visibility=0)))
                for name in names or given
            ],
        )
    return plain


def rounded(points: Any) -> Any:
    return tuple((round(x, 6), round(y, 6)) for x, y in points)


def rounded_point(point: Keypoint) -> Keypoint:
    return attrs.evolve(point, x=round(point.x, 6), y=round(point.y, 6))


@pytest.mark.parametrize("template", [ANIMALS, FULL, BODIES], ids=["plain", "labels", "keypoints"])
@quiet
@given(data=st.data())
def test_what_comes_out_goes_in_again(template: Any, data: st.DataObject) -> None:
    said = [data.draw(replies(template)) for _ in range(2)]
    results = [a_result(each, n) for n, each in enumerate(said, 1)]
    content, losses = write("cvat", results, template)
    names = template.questions[0].keypoints
    kept = [
        {"1": attrs.evolve(each["1"], regions=[as_read(one, names) for one in each["1"].regions])}
        for each in said
    ]
    assert set(losses) <= {"holes of polygons"}
    assert read("cvat", content, template) == kept


def test_masks_go_from_columns_to_rows_and_back() -> None:
    for seed in range(200):
        chance = random.Random(seed)
        width, height = chance.randint(1, 7), chance.randint(1, 7)
        pixels = [[chance.random() < 0.4 for _ in range(width)] for _ in range(height)]
        pixels[chance.randrange(height)][chance.randrange(width)] = True
        counts = [0]
        for column in range(width):
            for row in range(height):
                inside = len(counts) % 2 == 0
                if pixels[row][column] is inside:
                    counts[-1] += 1
                else:
                    counts.append(1)
        box = Mask(counts).measure_bounds(height)
        sides = (int(box.left), int(box.top), int(box.width), int(box.height))
        runs = crop_mask(counts, height, sides)
        seen = [bool(index % 2) for index, count in enumerate(runs) for _ in range(count)]
        left, top, across, down = sides
        assert seen == [
            pixels[row][column]
            for row in range(top, top + down)
            for column in range(left, left + across)
        ]
        assert spread_mask(runs, (width, height), sides) == counts


def test_an_export_becomes_a_finished_job_with_the_same_regions() -> None:
    content, _ = write("cvat", [marked(ANT, rotation=90)], ANIMALS)
    with itagflow.open("memory:") as flow:
        flow.workspaces.create("street", admin="ada")
        job = flow.jobs.import_results(
            "street", "pets", template=ANIMALS, data=io.BytesIO(content), format="cvat", by="ada"
        )
        again = io.BytesIO()
        flow.results.export(job, "cvat", again)
        assert again.getvalue() == content


XML = """<?xml version="1.0" encoding="latin-1"?>
<annotations>
  <version>1.1</version>
  <meta><task><name>pets</name><labels><label><name>zebra</name></label></labels></task></meta>
  <image id="0" name="7.jpg" subset="train" width="9" height="9.0">
    <tag label="zebra" source="manual"/>
    <box label="zebra" occluded="1" xtl="0.50" ytl="1" xbr="9.0" ybr="9" z_order="4" group_id="1">
      <attribute name="note">left</attribute><attribute name="age">4</attribute>
    </box>
    <mask label="zebra" rle="0, 4, 2, 4" left="1" top="2" width="5" height="2"/>
  </image>
</annotations>
"""


class TestWhatOthersWrite:
    def test_shapes_with_more_attributes_than_are_asked(self) -> None:
        (reply,) = read("cvat", XML.encode("latin-1"), FULL)
        box, mask = reply["1"].regions
        assert box == Box(0.5, 1, 8.5, 8, labels={CLASS: "zebra", "note": "left"})
        # 1111 0 / 0 1111, row by row
        assert mask.counts == (11, 1, 8, 2, 7, 2, 7, 2, 8, 1, 32)

    @pytest.mark.parametrize(
        ("before", "after", "problem"),
        [
            ('name="7.jpg"', "", "image 1, name: must be the name of the image"),
            ('width="9"', 'width="x"', "image 1, width: must be a number of pixels"),
            ('width="9"', 'width="9" rotation="45"', "image 1, rotation: must be 0, 90"),
            ('xtl="0.50"', 'xtl="nan"', "image 1, box[1].xtl: must be a number"),
            ('xbr="9.0"', 'xbr="0.5"', "image 1, box[1].width: must be more than 0"),
            ("<mask", "<cuboid", "image 1, cuboid[2].: is a shape that is not read"),
            ('rle="0, 4, 2, 4"', 'rle="0, 4, x"', "image 1, mask[2].rle: must be counts"),
            ('rle="0, 4, 2, 4"', 'rle="0, 4, -2, 8"', "image 1, mask[2].rle: must be counts"),
            ('rle="0, 4, 2, 4"', 'rle="0, 4"', "image 1, mask[2].rle: must have 5 times 2 pixels"),
            ('left="1"', 'left="7"', "image 1, mask[2].the box: must lie on the image"),
            ("<tag", '<polygon points="1,2;3"/><tag', "image 1, polygon[0].points: must be x,y"),
            ("<tag", '<points points="1,2;3,4"/><tag', "image 1, points[0].points: must be one"),
            ("<version>", "<track/><version>", "track: is of a video"),
            ("<annotations>", "<!DOCTYPE a [<!ENTITY b 'c'>]><annotations>",
             "the file: has a document type"),
            ("</annotations>", "", "the file: is not XML"),
        ],
    )  # fmt: skip
    def test_what_is_broken_is_a_problem_with_its_place(
        self, before: str, after: str, problem: str
    ) -> None:
        text = XML.replace(before, after)
        found = read("cvat", text.encode("latin-1"), FULL)
        assert any(str(each).startswith(problem) for each in found), found

    def test_a_large_mask_is_refused_before_it_takes_memory(self) -> None:
        size = 2_147_483_647
        text = (
            f'<annotations><image name="a" width="{size}" height="{size}"><mask label="zebra" '
            f'rle="{size * size}" left="0" top="0" width="{size}" height="{size}"/></image>'
            "</annotations>"
        )
        (problem,) = read("cvat", text.encode(), ANIMALS)
        assert problem.startswith("image 1, mask[0].rle: ")

    def test_files_of_other_kinds_are_named(self) -> None:
        (problem,) = read("cvat", b"PK\x03\x04", ANIMALS)
        assert problem.startswith("line 1: cannot be read: the file is a ZIP file")
        (problem,) = read("cvat", b"<annotation></annotation>", ANIMALS)
        assert problem.startswith("the file: has no image")

    def test_whatever_is_cut_off_or_changed_is_no_crash(self) -> None:
        text = XML.encode("latin-1")
        for place in range(len(text)):
            for changed in (text[:place], text[:place] + b"9" + text[place + 1 :]):
                assert read("cvat", changed, FULL)

    def test_an_address_is_refused(self) -> None:
        with pytest.raises(InvalidData, match="is a URL"):
            list(formats.read("cvat", "https://example.org/a.xml"))
