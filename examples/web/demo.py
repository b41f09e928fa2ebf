"""The data of the demonstration: members, pictures, a sound, and a job for each kind of screen."""

from __future__ import annotations

import math
import random
import struct
import wave
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from itagflow import Accept, FixedSize, Flow, Inspect, Label, Role, Stage, Workflow, Workspace
from itagflow import templates as ready
from itagflow.templates import Option, Question, Scale, Template, View

PASSWORDS = dict.fromkeys(("ada", "ben", "cy", "di", "vic"), "demo")
WORKFORCE = {Stage.LABEL: ["ben", "cy"], Stage.INSPECT: ["di"], Stage.ACCEPT: ["ada"]}
COLORS = ((214, 69, 65), (52, 120, 196), (64, 150, 86))
WIDTH, HEIGHT = 320, 240
Pixel = tuple[int, int, int]


def prepare(flow: Flow) -> Workspace:
    """Make what is not there yet, and return the workspace; run again it changes nothing."""
    demo = flow.workspaces.create("demo", admin="ada", exist_ok=True)
    for account in ("ben", "cy", "di"):
        flow.members.add(demo, account, Role.OPERATOR, by="ada", exist_ok=True)
    flow.members.add(demo, "vic", Role.VIEWER, by="ada", exist_ok=True)
    for name, template, rows in JOBS:
        votes = 2 if name == "Which-answer-is-better" else 1
        # a lease, so that who closes the page does not keep the work, and a limit
        label = Label(votes=votes, min_votes=votes, lease=timedelta(minutes=30), limit=2)
        flow.jobs.create(
            demo,
            name,
            template=template,
            data=[{"data": row} for row in rows],
            workflow=Workflow(
                label, Inspect(task_share=0.5, reasons=("wrong label", "inexact")), Accept()
            ),
            packaging=FixedSize(3),
            workforce=WORKFORCE,
            guideline=GUIDELINES.get(name, ""),
            by="ada",
            exist_ok=True,
        )
    return demo


PLACES = Question(
    "1",
    "PICTURE",
    "Objects",
    children=(
        Question(
            "1",
            "RADIO",
            "Kind",
            (
                Option("circle", color="#d64541", shortcut="c"),
                Option("square", color="#3478c4", shortcut="s"),
                Option("triangle", color="#409656", shortcut="t"),
            ),
        ),
        Question("2", "INPUT", "Note", required=False),
    ),
    keypoints=("left", "right"),
)
POST = Template(
    questions=(
        Question(
            "1",
            "RADIO",
            "Decision",
            (Option("keep", shortcut="k"), Option("remove", shortcut="d")),
            children=(
                Question(
                    "2",
                    "CHECKBOX",
                    "Why",
                    (
                        Option("spam"),
                        Option("rude", children=(Option("insult"), Option("threat"))),
                    ),
                    when=("remove",),
                ),
            ),
        ),
        Question("3", "RATING", "How sure are you?", scale=Scale(0, 1, 0.1)),
        Question("4", "TEXT_EDIT", "The text without mistakes", field="text"),
        Question("5", "INPUT", "Language", rule="[a-z]{2}", presets=("en", "de"), default="en"),
        Question("6", "OPEN_ENDED", "Comment", required=False),
    ),
    views=(View("Text", "text", title="Post"), View("Image", "image")),
    abandon_reasons=("not readable", "another language"),
)
ANSWERS = (
    ("What is 2 + 2?", "4.", "It is 5, I am sure!"),
    ("Which planet is red?", "Mars is called the red planet.", "Venus."),
    ("How far is the moon?", "Very far.", "About 384,000 km from here."),
)
TEXTS = (
    "Marie Curie 🙂 was born in Warsaw and worked in Paris.",
    "Alan Turing was born in London; he worked at Bletchley Park.",
    "Ada Lovelace wrote to Charles Babbage from London.",
)


def _with_comment(template: Template, *more: Question) -> Template:
    return Template(questions=(*template.questions, *more), views=template.views)


JOBS: tuple[tuple[str, Template, list[dict[str, Any]]], ...] = (
    (
        "Shapes",
        ready.image_classification(["circle", "square", "triangle"]),
        [{"source": f"/media/shape-{n}.png"} for n in range(6)],
    ),
    (
        "Objects-in-pictures",
        Template(questions=(PLACES,), views=(View("Image", "source"),)),
        [{"source": f"/media/scene-{n}.png"} for n in range(3)],
    ),
    (
        "Names-in-texts",
        ready.entity_relation(["person", "place"], ["born in", "works in"]),
        [{"source": text} for text in TEXTS],
    ),
    (
        "Which-answer-is-better",
        _with_comment(
            ready.pairwise_preference(degrees=3),
            Question("2", "OPEN_ENDED", "Comment", required=False),
        ),
        [dict(zip(("prompt", "a", "b"), answers, strict=True)) for answers in ANSWERS],
    ),
    (
        "Rank-the-answers",
        ready.preference_ranking(["a", "b", "c"]),
        [{"prompt": question, "a": a, "b": b, "c": "No idea."} for question, a, b in ANSWERS],
    ),
    (
        "Who-speaks",
        ready.audio_segmentation(["low", "high"]),
        [{"source": f"/media/sound-{n}.wav"} for n in range(2)],
    ),
    (
        "Posts",
        POST,
        [
            {"text": "Buy cheep pills now!", "image": "/media/shape-0.png"},
            {"text": "I like this recipy.", "image": "/media/shape-1.png"},
        ],
    ),
)
GUIDELINES = {
    "Shapes": "What is the largest shape in the picture?",
    "Objects-in-pictures": "Mark every shape, as tightly as you can.",
    "Who-speaks": "Mark where a tone is heard, and write what you hear.",
}


def write_media(folder: Path) -> None:
    """Write the pictures and sounds, where they are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, Callable[[], bytes]] = {}
    for n in range(6):
        files[f"shape-{n}.png"] = lambda n=n: draw_picture(n, 1)  # type: ignore[misc]
    for n in range(3):
        files[f"scene-{n}.png"] = lambda n=n: draw_picture(n, 4)  # type: ignore[misc]
    for name, draw in files.items():
        if not (folder / name).exists():
            (folder / name).write_bytes(draw())
    for n in range(2):
        if not (folder / f"sound-{n}.wav").exists():
            write_sound(folder / f"sound-{n}.wav", n)


def draw_picture(number: int, count: int) -> bytes:
    """Return a PNG with so many shapes; the same number gives the same picture."""
    dice = random.Random(number)
    shapes = [
        (
            dice.randrange(3) if count > 1 else number % 3,
            dice.randrange(60, WIDTH - 60),
            dice.randrange(50, HEIGHT - 50),
            dice.randrange(18, 44) if count > 1 else 46,
        )
        for _ in range(count)
    ]
    rows = [[(232, 236, 241)] * WIDTH for _ in range(HEIGHT)]
    for shape in shapes:
        _draw_shape(rows, *shape)
    return write_png(rows)


def _draw_shape(rows: list[list[Pixel]], kind: int, left: int, top: int, size: int) -> None:
    for y in range(top - size, top + size):
        for x in range(left - size, left + size):
            across, down = x - left, y - top
            is_inside = (
                across**2 + down**2 < size**2,
                True,
                abs(across) < (down + size) / 2,
            )
            if is_inside[kind]:
                rows[y][x] = COLORS[kind]


def write_png(rows: list[list[Pixel]]) -> bytes:
    """Return rows of pixels as a PNG file."""
    lines = b"".join(b"\0" + bytes(value for pixel in row for value in pixel) for row in rows)
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
        for name, content in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def write_sound(path: Path, number: int) -> None:
    """Write five seconds with two tones and silence between them."""
    rate, samples = 8_000, bytearray()
    for at in range(5 * rate):
        second = at / rate
        low, high = 0.5 + number / 2 < second < 2, 2.5 < second < 4.5
        tone = 220 if low else 660
        loud = 9_000 if low or high else 0
        samples += struct.pack("<h", int(loud * math.sin(2 * math.pi * tone * second)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(samples))
