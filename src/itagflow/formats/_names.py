"""Names of files that every system can take."""

from __future__ import annotations

import re

import attrs

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_UNSAFE = re.compile(r"""[\x00-\x1f\x7f-\x9f<>:"|?*\u2028\u2029\ud800-\udfff]""")
"""What no name may have on some system, or what ends a line."""
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
"""The names of devices on Windows."""
_LONGEST, _LONGEST_SUFFIX = 160, 16
"""In bytes: systems take 255, and there is room for a number."""


@attrs.define
class SafeNames:
    """Gives each image a name of its own, which every system can take."""

    taken: set[str] = attrs.field(factory=set[str], init=False)

    def choose(self, name: str, number: int) -> str:
        """Return the name of the file of an image, without folders.

        Two images need two names that differ without their suffix and in lower case: the labels of
        1.jpg and of 1.PNG would be the same file.

        Args:
            name: What the image is called: a name, a path or a URL.
            number: That of its task, which makes a name that is taken another one.

        >>> names = SafeNames()
        >>> names.choose("a/1.jpg", 1), names.choose("b/1.jpg", 2), names.choose("../CON", 3)
        ('1.jpg', '1-2.jpg', '_CON')
        """
        stem, suffix = split_name(make_safe(name))
        chosen = stem
        while chosen.casefold() in self.taken:
            chosen = f"{chosen}-{number}"
        self.taken.add(chosen.casefold())
        return chosen + suffix


def make_safe(name: str) -> str:
    r"""Return the last part of a path or URL as a name that every system can take.

    >>> make_safe("https://example.org/a?size=1/b"), make_safe("C:\\images\\what?.jpg")
    ('a', 'what_.jpg')
    """
    if _URL.match(name):
        name = re.split(r"[?#]", name, maxsplit=1)[0]
    last = re.split(r"[/\\]", name.rstrip("/\\"))[-1]
    safe = _UNSAFE.sub("_", last).strip(" .")
    if not safe or _RESERVED.fullmatch(safe):
        safe = f"_{safe}"
    stem, suffix = split_name(safe)
    # a name in another alphabet is two or three times as many bytes
    stem = stem.encode()[:_LONGEST].decode(errors="ignore").rstrip(" .")
    return stem + suffix


def split_name(name: str) -> tuple[str, str]:
    """Return a name without its suffix, and the suffix with its dot.

    >>> split_name("a.b.jpg"), split_name(".jpg")
    (('a.b', '.jpg'), ('.jpg', ''))
    """
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix.encode()) > _LONGEST_SUFFIX:
        return name, ""
    return stem, dot + suffix
