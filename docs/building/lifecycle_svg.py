"""Draws a lifecycle as SVG: states one below the other, and the events that lead between them.

An event that leads down is drawn at the right, one that leads up at the left, and one that changes
no state stands in its box.  What leads to one state from several is one line that starts at each of
them.  The colors are those of the page around it, light or dark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import attrs

from itagflow.lifecycle.machine import Lifecycle, Step

ROW, BOX, PAD, CHARACTER, LINE = 104, 44, 16, 7.2, 15
"""In pixels: between two states, the height of a box, margins, a character, a line of text."""
BOX_WIDTH = 230


@attrs.frozen
class Line:
    """Events that lead to one state from the same states."""

    events: tuple[str, ...]
    sources: tuple[int, ...]
    target: int

    @property
    def top(self) -> int:
        """The first row that it touches."""
        return min(*self.sources, self.target)

    @property
    def bottom(self) -> int:
        """The last row that it touches."""
        return max(*self.sources, self.target)

    @property
    def width(self) -> float:
        """The width of its longest event."""
        return max(map(len, self.events)) * CHARACTER + 2 * PAD


def draw(lifecycle: Lifecycle, summary: str) -> str:
    """Return the SVG of a lifecycle.

    Args:
        lifecycle: The table.
        summary: What it shows, for people who do not see it.
    """
    states = list(lifecycle.states)
    lines = group(lifecycle.steps, states)
    down = place_lanes([line for line in lines if line.bottom == line.target])
    up = place_lanes([line for line in lines if line.bottom != line.target])
    left = sum(width_of(lane) for lane in up) + 2 * PAD
    width = left + BOX_WIDTH + sum(width_of(lane) for lane in down) + 2 * PAD
    height = (len(states) - 1) * ROW + BOX + 2 * PAD
    opening = (
        f'<svg class="lifecycle" viewBox="0 0 {width:.0f} {height}" role="img" '
        f'style="max-width: {width:.0f}px; width: 100%; color: inherit" '
        'font-family="inherit" font-size="13" xmlns="http://www.w3.org/2000/svg">'
    )
    told = "; ".join(map(describe, lifecycle.steps))
    parts = [opening, f"<title>{escape(summary)}</title>", f"<desc>{escape(told)}</desc>"]
    for row, state in enumerate(states):
        staying = [s.event for s in lifecycle.steps if s.source is state is s.target]
        parts += draw_box(left, row, state.value, staying)
    parts += draw_side(down, left + BOX_WIDTH, 1)
    parts += draw_side(up, left, -1)
    return "\n".join([*parts, "</svg>"])


def describe(step: Step) -> str:
    """Return a step in words, as `running to finished: finish`."""
    return f"{step.source.value} to {step.target.value}: {step.event}"


def group(steps: Iterable[Step], states: Sequence[object]) -> list[Line]:
    """Return the lines of a diagram: what changes no state has none."""
    sources: dict[tuple[str, int, bool], list[int]] = {}
    for step in steps:
        source, target = states.index(step.source), states.index(step.target)
        if source != target:
            sources.setdefault((step.event, target, source < target), []).append(source)
    events: dict[tuple[tuple[int, ...], int], list[str]] = {}
    for (event, target, _), found in sources.items():
        events.setdefault((tuple(sorted(found)), target), []).append(event)
    return [Line(tuple(names), *ends) for ends, names in events.items()]


def place_lanes(lines: Iterable[Line]) -> list[list[Line]]:
    """Return the lines by lanes from the inside out, so that no two in a lane touch one row."""
    lanes: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (line.bottom - line.top, line.top)):
        free = [lane for lane in lanes if all(is_apart(line, other) for other in lane)]
        if not free:
            lanes.append(free_lane := [])
            free = [free_lane]
        free[0].append(line)
    return lanes


def is_apart(line: Line, other: Line) -> bool:
    """Return whether two lines can stand in one lane."""
    return line.bottom <= other.top or other.bottom <= line.top


def width_of(lane: Sequence[Line]) -> float:
    """Return how wide a lane is: as the widest of its lines."""
    return max(line.width for line in lane)


def middle(row: int) -> float:
    """Return the height at which the middle of a state's box is."""
    return row * ROW + PAD + BOX / 2


def draw_box(left: float, row: int, name: str, staying: Sequence[str]) -> list[str]:
    """Return a state, with the events that leave it as it is."""
    x, y = left + BOX_WIDTH / 2, middle(row)
    rect = (
        f'<rect x="{left:.0f}" y="{y - BOX / 2:.0f}" width="{BOX_WIDTH}" height="{BOX}" rx="6" '
        'fill="currentColor" fill-opacity="0.06" stroke="currentColor"/>'
    )
    shift = -3 if staying else 5
    texts = [draw_text(x, y + shift, name, "font-weight: bold")]
    if staying:
        texts.append(draw_text(x, y + 14, f"stays: {', '.join(staying)}", "font-size: 11px"))
    return [rect, *texts]


def draw_side(lanes: Sequence[Sequence[Line]], edge: float, direction: int) -> list[str]:
    """Return all lines of one side of the boxes, whose edge is at *edge*."""
    parts: list[str] = []
    x = edge
    for number, lane in enumerate(lanes):
        x += direction * width_of(lane) / 2
        for line in lane:
            parts += draw_line(line, edge, x, direction, number)
        x += direction * width_of(lane) / 2
    return parts


def draw_line(line: Line, edge: float, x: float, direction: int, lane: int) -> list[str]:
    """Return a line with its arrow and the names of its events."""
    # lines leave a box above its middle and come to it below, each lane at a height of its own
    leave = [middle(source) + leaving(lane) * sign(line, source) for source in line.sources]
    arrive = middle(line.target) - leaving(lane) * sign(line, line.sources[0])
    ends = [*leave, arrive]
    path = f"M{x:.1f} {min(ends):.1f}V{max(ends):.1f}"
    path += "".join(f"M{edge:.1f} {y:.1f}H{x:.1f}" for y in ends)
    tip = f"M{edge:.1f} {arrive:.1f}l{direction * 8} -4v8z"
    parts = [
        f'<path d="{path}" fill="none" stroke="currentColor" stroke-opacity="0.6"/>',
        f'<path d="{tip}" fill="currentColor"/>',
    ]
    # behind the last place where it starts, so that the name stands between two boxes
    nearest = max(leave) if arrive > leave[0] else min(leave)
    center = (nearest + arrive) / 2
    top = center - (len(line.events) - 1) * LINE / 2
    return [*parts, *(draw_label(x, top + n * LINE, name) for n, name in enumerate(line.events))]


def sign(line: Line, source: int) -> int:
    """Return 1 where a line leads down from *source*, else -1."""
    return 1 if line.target > source else -1


def leaving(lane: int) -> float:
    """Return how far from the middle of a box the lines of a lane leave it."""
    return max(3.0, 19 - 4.0 * lane)


def draw_label(x: float, y: float, name: str) -> str:
    """Return the name of an event, with a border in the color of the page that hides the line."""
    style = "paint-order: stroke; stroke: var(--color-background-primary, white); stroke-width: 5px"
    return draw_text(x, y + 4, name, style)


def draw_text(x: float, y: float, text: str, style: str) -> str:
    """Return a text around *x*."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" fill="currentColor" '
        f'style="{style}">{escape(text)}</text>'
    )
