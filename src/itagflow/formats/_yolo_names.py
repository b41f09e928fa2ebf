"""Where files stand in a data set for YOLO."""

from __future__ import annotations

from itagflow.formats._names import split_name

SETTINGS, SIZES = "data.yaml", "images.jsonl"
IMAGES, LABELS = "images/train/", "labels/train/"


def find_label_file(file: str) -> str:
    """Return where the labels of an image stand.

    >>> find_label_file("images/train/1.jpg")
    'labels/train/1.txt'
    """
    stem, _ = split_name(file.removeprefix(IMAGES))
    return f"{LABELS}{stem}.txt"
