"""Pascal VOC: boxes go out as programs for training read them, and come back."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from support.amounts import amount
from support.answering import replies
from support.exported import a_result, marked, read, unzip, write, zipped

import itagflow
from itagflow import Box, InvalidData, Mask, Point, Polygon, Regions, RotatedBox, formats, templates
from itagflow.formats._files import MAX_ROW_BYTES
from itagflow.templates import Option, Question, QuestionKind

quiet = settings(
    deadline=None, max_examples=amount(10, 300), suppress_health_check=list(HealthCheck)
)
ANIMALS = templates.object_detection(["zebra", "ant"])
(PLAIN,) = ANIMALS.questions


def a_radio(id: str, title: str, *keys: str) -> Question:
    return Question(id, QuestionKind.RADIO, title, [Option(key) for key in keys], required=False)


FULL = attrs.evolve(
    ANIMALS,
    questions=[
        attrs.evolve(
            PLAIN,
            children=[
                *PLAIN.children,
                a_radio("7", "pose", "Left", "Right"),
                a_radio("8", "Difficult", "Yes", "No"),
                a_radio("9", "truncated", "1", "0"),
                a_radio("10", "occluded", "a little", "a lot"),
                Question(
                    "11", QuestionKind.CHECKBOX, "seen", [Option("tail"), Option("ear")],
                    required=False,
                ),
                Question("12", QuestionKind.INPUT, "note", required=False),
            ],
        )
    ],
)  # fmt: skip
CLASS = PLAIN.children[0].title
ANT = Box(10, 20, 30, 5, label="ant")
FILE = "Annotations/1.xml"


class TestWhatGoesOut:
    def test_a_box_is_its_edges_in_pixels_from_0(self) -> None:
        content, losses = write("voc", [marked(ANT), marked(number=2)], ANIMALS)
        files = unzip(content)
        assert losses == {}
        assert files[FILE].splitlines() == [
            "<annotation>",
            "  <folder>JPEGImages</folder>",
            "  <filename>1.jpg</filename>",
            "  <path>images/1.jpg</path>",
            "  <size><width>100</width><height>50</height><depth>3</depth></size>",
            "  <segmented>0</segmented>",
            "  <object>",
            "    <name>ant</name>",
            "    <pose>Unspecified</pose>",
            "    <truncated>0</truncated>",
            "    <difficult>0</difficult>",
            "    <bndbox><xmin>10</xmin><ymin>20</ymin><xmax>40</xmax><ymax>25</ymax></bndbox>",
            "  </object>",
            "</annotation>",
        ]
        assert "<object>" not in files["Annotations/2.xml"]
        assert files["ImageSets/Main/train.txt"] == "1\n2\n"

    def test_the_development_kit_counts_pixels_from_1_with_the_last_one(self) -> None:
        content, _ = write("voc", [marked(ANT)], ANIMALS, one_based=True)
        assert (
            "<xmin>11</xmin><ymin>21</ymin><xmax>40</xmax><ymax>25</ymax>" in (unzip(content)[FILE])
        )
        (reply,) = read("voc", content, ANIMALS, one_based=True)
        assert reply["1"].regions[0].bounds == ANT.bounds

    def test_the_classes_are_listed_in_their_order(self) -> None:
        for more, names in (
            ({}, "zebra ant"),
            ({"classes": ["ant", "bee", "zebra"]}, "ant bee zebra"),
        ):
            content, _ = write("voc", [], ANIMALS, **more)
            lines = unzip(content)["labelmap.txt"].splitlines()
            assert lines == ["# label:color_rgb:parts:actions", *(f"{n}:::" for n in names.split())]
        odd = templates.object_detection(["a:b", "#c", "d"])
        assert unzip(write("voc", [], odd)[0])["labelmap.txt"].splitlines()[1:] == ["d:::"]

    def test_what_is_asked_about_a_box_is_in_its_elements_or_attributes(self) -> None:
        labels = {
            CLASS: "ant", "pose": "Left", "Difficult": "Yes", "truncated": "0",
            "occluded": "a lot", "seen": ("tail", "ear"), "note": "<&>\r\n",
        }  # fmt: skip
        box = attrs.evolve(ANT, labels=labels, label=None)
        content, losses = write("voc", [marked(box)], FULL)
        text = unzip(content)[FILE]
        for element in ("pose>Left<", "difficult>1<", "truncated>0<"):
            assert element in text
        assert text.count("<attribute>") == 4
        assert "<value>&lt;&amp;&gt;&#13;&#10;</value>" in text
        assert losses == {}
        (reply,) = read("voc", content, FULL)
        assert reply["1"].regions == (box,)

    def test_what_is_asked_and_not_answered_is_not_said(self) -> None:
        content, _ = write("voc", [marked(ANT)], FULL)
        text = unzip(content)[FILE]
        assert not re.search("pose|difficult|truncated|occluded", text)

    def test_names_are_safe_and_have_no_spaces_and_the_data_has_them_as_they_were(self) -> None:
        names = ["../a b.jpg", "x/a_b.png", "https://example.org/猫.jpg?size=1", "\r.jpg"]
        results = [marked(number=n, name=name) for n, name in enumerate(names, 1)]
        content, losses = write("voc", results, ANIMALS)
        assert list(unzip(content))[1:4] == [
            "Annotations/a_b.xml",
            "Annotations/a_b-2.xml",
            "Annotations/猫.xml",
        ]
        assert losses == {}
        assert [row["data"]["source"] for row in read("voc", content, None)] == names

    def test_an_image_that_nobody_has_answered_is_not_one_with_nothing_on_it(self) -> None:
        content, _ = write("voc", [a_result(None), marked(number=2)], ANIMALS)
        assert list(unzip(content)) == [
            "labelmap.txt",
            "Annotations/2.xml",
            "ImageSets/Main/train.txt",
        ]

    def test_the_same_results_are_the_same_bytes(self) -> None:
        assert write("voc", [marked(ANT)], ANIMALS) == write("voc", [marked(ANT)], ANIMALS)

    @pytest.mark.parametrize("subset", ["../x", "a/b", "", "a\nb"])
    def test_a_list_that_no_file_can_be_called_is_refused(self, subset: str) -> None:
        with pytest.raises(InvalidData, match="subset: must be a name that a file can have"):
            write("voc", [], ANIMALS, subset=subset)


LABELED: Any = {CLASS: "ant"}
AROUND = "shapes other than boxes (written as the boxes around them)"


class TestWhatItCannotHold:
    @pytest.mark.parametrize(
        ("region", "lost", "kept"),
        [
            (Polygon([(0, 0), (9, 0), (9, 9)], labels=LABELED), AROUND, 1),
            (RotatedBox(4.5, 4.5, 9, 9, 90, labels=LABELED), AROUND, 1),
            (Mask([0, 9, 72], labels=LABELED), AROUND, 1),
            (Mask([81], labels=LABELED), "masks without a pixel", 0),
            (Point(1, 1, labels=LABELED), "keypoints, lines and single points", 0),
            (Box(0, 0, 1e-9, 1, labels=LABELED), "regions without an extent", 0),
            (Box(0, 0, 1, 1), "regions of no class", 0),
            (Box(0, 0, 1, 1, label="sea"), "regions of a class that the template does not have", 0),
            (Box(0, 0, 1, 1, labels={**LABELED, "note": "\0x"[1:] + "\x01"}),
             "labels with characters that XML does not have", 1),
        ],
    )  # fmt: skip
    def test_is_counted_or_refused(self, region: Any, lost: str, kept: int) -> None:
        result = marked(region, width=9, height=9)
        content, losses = write("voc", [result], ANIMALS)
        assert losses == {lost: 1}
        assert unzip(content)[FILE].count("<object>") == kept
        with pytest.raises(InvalidData, match="task 1: "):
            write("voc", [result], ANIMALS, lossy="error")

    def test_names_that_xml_cannot_have(self) -> None:
        odd = templates.object_detection(["a\uffffb"])
        box = Box(0, 0, 1, 1, labels={CLASS: "a\uffffb"})
        content, losses = write("voc", [marked(box, name="a\x01.jpg")], odd)
        assert losses == {
            "names of images with characters that XML does not have": 1,
            "regions of a class with characters that XML does not have": 1,
        }
        assert read("voc", content, None) == [{"data": {"source": "a_.jpg"}}]

    def test_an_image_of_unknown_size_is_left_out(self) -> None:
        content, losses = write("voc", [marked(width=0)], ANIMALS)
        assert list(unzip(content)) == ["labelmap.txt", "ImageSets/Main/train.txt"]
        assert losses == {"images of unknown size": 1}

    def test_a_template_without_regions_is_refused(self) -> None:
        with pytest.raises(InvalidData, match="has no PICTURE question"):
            write("voc", [], templates.image_classification(["cat"]))


@pytest.mark.parametrize("template", [ANIMALS, FULL], ids=["boxes", "attributes"])
@pytest.mark.parametrize("one_based", [False, True])
@quiet
@given(data=st.data())
def test_what_comes_out_goes_in_again(template: Any, one_based: bool, data: st.DataObject) -> None:
    said = [data.draw(replies(template)) for _ in range(2)]
    for reply in said:
        boxes = [each for each in reply["1"].regions if isinstance(each, Box)]
        kept = [attrs.evolve(each, id=None, color=None) for each in boxes]
        reply["1"] = attrs.evolve(reply["1"], regions=kept)
    results = [a_result(each, n) for n, each in enumerate(said, 1)]
    content, losses = write("voc", results, template, one_based=one_based)
    assert (losses, read("voc", content, template, one_based=one_based)) == ({}, said)


def test_an_export_becomes_a_finished_job_with_the_same_boxes() -> None:
    content, _ = write("voc", [marked(ANT, rotation=90)], ANIMALS)
    with itagflow.open("memory:") as flow:
        flow.workspaces.create("street", admin="ada")
        job = flow.jobs.import_results(
            "street", "pets", template=ANIMALS, data=io.BytesIO(content), format="voc", by="ada"
        )
        (result,) = flow.results.list(job)
        reply = (result.replies or {})["1"]
        assert isinstance(reply, Regions)
        assert (reply.regions[0].label, reply.rotation) == ("ant", 90)
        again = io.BytesIO()
        flow.results.export(job, "voc", again)
        assert again.getvalue() == content


XML = """<?xml version="1.0" encoding="latin-1"?>
<annotation verified="yes">
    <filename>7.jpg</filename>
    <source><database>The VOC2007 Database</database></source>
    <size> <width> 9 </width> <height>9.0</height> </size>
    <object>
        <name>ant</name> <difficult>1</difficult> <occluded>0</occluded>
        <bndbox> <xmax>9</xmax> <xmin> 0 </xmin> <ymin>0.5</ymin> <ymax>9</ymax> </bndbox>
        <part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>
        <attributes>
            <attribute><name>seen</name><value>ear</value></attribute>
            <attribute><name>speed</name><value>3</value></attribute>
        </attributes>
    </object>
</annotation>"""
GOOD: dict[str, Any] = {
    "VOCdevkit/VOC2007/Annotations/7.xml": XML,
    "VOCdevkit/VOC2007/ImageSets/Main/val.txt": "7 -1\r\n",
    "VOCdevkit/VOC2007/JPEGImages/7.jpg": b"\xff\xd8",
}
PLACE = "VOCdevkit/VOC2007/Annotations/7.xml"


class TestWhatOthersWrite:
    @pytest.mark.parametrize("subset", [None, "val"])
    def test_another_order_and_further_elements(self, subset: str | None) -> None:
        content = zipped(GOOD, compression=zipfile.ZIP_DEFLATED)
        (reply,) = read("voc", content, FULL, subset=subset)
        labels = {CLASS: "ant", "Difficult": "Yes", "seen": ("ear",)}
        assert reply["1"].regions == (Box(0, 0.5, 9, 8.5, labels=labels),)

    def test_without_a_template_there_are_rows_only(self) -> None:
        assert read("voc", zipped(GOOD), None) == [{"data": {"source": "7.jpg"}}]

    @pytest.mark.parametrize(
        ("before", "after", "said"),
        [
            ("</annotation>", "", ": is not XML: no element found"),
            ("latin-1", "utf-99", ": cannot be decoded: unknown encoding"),
            ("<annotation verified", "<!DOCTYPE x><annotation verified", ": has a document type"),
            (" 9 </width>", "</width>", ", size.width: must be the size of the image"),
            ("9.0", "-9", ", size.height: must be the size"),
            ("<filename>7.jpg", "<filename>", ", filename: must be the name of the image"),
            ("<name>ant", "<name>", ", object[0].name: must be the class of the object"),
            ("0.5", "nan", ", object[0].bndbox.ymin: must be an edge of the box"),
            ("0.5", "9" * 500, ", object[0].bndbox.ymin: must be an edge of the box"),
            ("<ymax>9", "<ymax>0.5", ", object[0].height: must be more than 0"),
            ("<source>", "<rotation>5</rotation><source>", ", rotation: must be 0, 90"),
            ("<source>", "<rotation>x</rotation><source>", ", rotation: must be 0, 90"),
        ],
    )
    def test_what_is_broken_is_a_problem_with_its_place(
        self, before: str, after: str, said: str
    ) -> None:
        assert before in XML
        (problem,) = read("voc", zipped({**GOOD, PLACE: XML.replace(before, after)}), FULL)
        assert problem.startswith(PLACE + said)

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({PLACE: None}, "the file: has no Annotations/ with an XML file for each image"),
            ({"VOCdevkit/VOC2007/ImageSets/Main/val.txt": None},
             "ImageSets/Main/val.txt: is missing: it has a line for each image"),
            ({"VOCdevkit/VOC2007/ImageSets/Main/val.txt": "8\n"},
             "VOCdevkit/VOC2007/ImageSets/Main/val.txt, line 1: must be the name of a file in"),
            ({"VOCdevkit/VOC2007/ImageSets/Main/val.txt": b"\xff\n"},
             "VOCdevkit/VOC2007/ImageSets/Main/val.txt, line 1: must be the name of a file in"),
            ({PLACE: b"\xff"}, f"{PLACE}: is not XML"),
            ({PLACE: b""}, f"{PLACE}: is not XML"),
            ({PLACE: b"<a>" * 41}, f"{PLACE}: has elements that are nested more than 40 deep"),
        ],
    )  # fmt: skip
    def test_a_file_that_is_missing_or_no_xml_is_a_problem(
        self, changes: dict[str, Any], said: str
    ) -> None:
        (problem,) = read("voc", zipped({**GOOD, **changes}), FULL, subset="val")
        assert problem.startswith(said)

    def test_entities_are_refused_so_that_a_small_file_stays_small(self) -> None:
        levels = "".join(f'<!ENTITY x{n} "{f"&x{n - 1};" * 10}">' for n in range(1, 10))
        bomb = f'<!DOCTYPE a [<!ENTITY x0 "ha">{levels}]><annotation>&x9;</annotation>'
        outside = (
            '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>&x;</annotation>'
        )
        for text in (bomb, outside):
            (problem,) = read("voc", zipped({**GOOD, PLACE: text}), FULL)
            assert (
                problem == f"{PLACE}: has a document type (DOCTYPE), which is not read: remove it"
            )

    def test_a_file_that_would_fill_the_memory_is_not_read(self) -> None:
        large = {**GOOD, PLACE: " " * (MAX_ROW_BYTES + 1)}
        (problem,) = read("voc", zipped(large, compression=zipfile.ZIP_DEFLATED), FULL)
        assert problem == f"{PLACE}: cannot be read: {PLACE} is too large"

    def test_one_broken_image_leaves_the_others(self) -> None:
        files = {**GOOD, "VOCdevkit/VOC2007/Annotations/8.xml": "<annotation/>"}
        good, problem = read("voc", zipped(files), FULL)
        assert len(good["1"].regions) == 1
        assert problem.endswith("8.xml, filename: must be the name of the image")

    @pytest.mark.parametrize("content", [b"", b"PK\3\4", b"<annotation/>"])
    def test_what_is_no_zip_file_is_one_problem(self, content: bytes) -> None:
        (problem,) = read("voc", content, ANIMALS)
        assert problem.startswith("the file: is no zip file that can be read")

    def test_a_file_that_is_cut_off_or_changed_is_a_problem(self) -> None:
        content = zipped(GOOD)
        for place in range(0, len(content), 7):
            assert read("voc", content[:place], FULL)[-1].startswith("the file: ")
            changed = content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]
            assert read("voc", changed, FULL) is not None

    def test_xml_that_is_cut_off_or_changed_is_a_problem_or_another_answer(self) -> None:
        content = XML.encode("latin-1")
        for place in range(0, len(content), 5):
            (problem,) = read("voc", zipped({**GOOD, PLACE: content[:place]}), FULL)
            assert problem.startswith(f"{PLACE}: is not XML")
            for sign in (b"<", b"&", b"\0", b"\xff"):
                changed = content[:place] + sign + content[place + 1 :]
                assert len(read("voc", zipped({**GOOD, PLACE: changed}), FULL)) == 1

    def test_a_source_that_is_no_file_is_refused(self) -> None:
        with pytest.raises(InvalidData, match="is a URL"):
            list(formats.read("voc", "https://example.org/labels.zip"))
