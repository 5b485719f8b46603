#!/usr/bin/env python3
"""Draws docs/tcp-states.svg from the table of legal steps in src/transport/tcp/state.c.

  scripts/tcp_states.py            complains when the picture is not what the table says, exit status 1
  scripts/tcp_states.py --write    draws it

The table knows which steps there are; here stands where the boxes are and what makes a step happen. A step without an
explanation, or an explanation without a step, is a mistake.
"""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCE = os.path.join(ROOT, "src", "transport", "tcp", "state.c")
PICTURE = os.path.join(ROOT, "docs", "tcp-states.svg")

WIDTH, HEIGHT = 900, 710
BOX_WIDTH, BOX_HEIGHT = 132, 38
# The centre of each box.
PLACES = {
    "CLOSED": (450, 50), "LISTEN": (190, 150), "SYN_SENT": (710, 150), "SYN_RECEIVED": (190, 290),
    "ESTABLISHED": (710, 290), "FIN_WAIT_1": (330, 430), "CLOSE_WAIT": (710, 430), "FIN_WAIT_2": (130, 550),
    "CLOSING": (560, 550), "LAST_ACK": (710, 550), "TIME_WAIT": (330, 660), "CLOSED again": (710, 660),
}
# Each step: what happens, and what is sent for it (program's calls in small letters; I: in, O: out), then where the
# label stands beside the middle of the arrow, and how far the arrow bends.
STEPS = {
    ("CLOSED", "LISTEN"): ("listen", "", (-8, -6, "end"), 0),
    ("CLOSED", "SYN_SENT"): ("connect", "SYN", (-12, 12, "end"), 0),
    ("LISTEN", "CLOSED"): ("close", "", (12, 16, "start"), 60),
    ("LISTEN", "SYN_RECEIVED"): ("SYN", "SYN, ACK", (10, -2, "start"), 0),
    ("SYN_SENT", "CLOSED"): ("close", "", (12, -4, "start"), 60),
    ("SYN_SENT", "SYN_RECEIVED"): ("SYN", "SYN, ACK", (40, 12, "start"), 0),
    ("SYN_SENT", "ESTABLISHED"): ("SYN, ACK", "ACK", (10, -2, "start"), 0),
    ("SYN_RECEIVED", "ESTABLISHED"): ("ACK", "", (0, -8, "middle"), 0),
    ("SYN_RECEIVED", "LISTEN"): ("RST", "", (-8, 0, "end"), -46),
    ("SYN_RECEIVED", "FIN_WAIT_1"): ("close", "FIN", (-2, 18, "end"), 0),
    ("SYN_RECEIVED", "CLOSE_WAIT"): ("FIN", "ACK", (60, 34, "middle"), 0),
    ("ESTABLISHED", "FIN_WAIT_1"): ("close", "FIN", (-70, 12, "end"), 0),
    ("ESTABLISHED", "CLOSE_WAIT"): ("FIN", "ACK", (10, -2, "start"), 0),
    ("FIN_WAIT_1", "FIN_WAIT_2"): ("ACK of FIN", "", (-12, -6, "end"), 0),
    ("FIN_WAIT_1", "CLOSING"): ("FIN", "ACK", (12, -6, "start"), 0),
    ("FIN_WAIT_1", "TIME_WAIT"): ("FIN, ACK of FIN", "ACK", (8, 0, "start"), 0),
    ("FIN_WAIT_2", "TIME_WAIT"): ("FIN", "ACK", (-12, 14, "end"), 0),
    ("CLOSING", "TIME_WAIT"): ("ACK of FIN", "", (20, 18, "start"), 0),
    ("CLOSE_WAIT", "LAST_ACK"): ("close", "FIN", (10, -2, "start"), 0),
    ("LAST_ACK", "CLOSED"): ("ACK of FIN", "", (10, 4, "start"), 0),
    ("TIME_WAIT", "CLOSED"): ("two segment lifetimes later", "", (0, 22, "middle"), 0),
    ("TIME_WAIT", "SYN_RECEIVED"): ("SYN of a new incarnation", "SYN, ACK", (10, 127, "start"), -480),
}
# From these the only step to CLOSED is the one that leads there from everywhere.
ANYWHERE = "RST, timeout or abort: from here to CLOSED as well"
STYLE = """
    .bg { fill: #ffffff } .box { fill: #f2f5f9; stroke: #6b7a8d } .name { fill: #14202e; font-weight: 600 }
    .say { fill: #45556a } .out { fill: #b4461f } .line { stroke: #45556a; fill: none; stroke-width: 1.3 }
    .tip { fill: #45556a } .open { fill: #c4e5c6 } .any { fill: #b4461f }
    @media (prefers-color-scheme: dark) {
      .bg { fill: #10161d } .box { fill: #1b2530; stroke: #5d6f84 } .name { fill: #e8eef5 } .say { fill: #a9b8c9 }
      .out, .any { fill: #ef8f6b } .line { stroke: #a9b8c9 } .tip { fill: #a9b8c9 } .open { fill: #2f6435 }
    }
  """


def table():
    """The legal steps, as pairs of names, in the order of the source."""
    with open(SOURCE, encoding="utf-8") as file:
        text = file.read()
    rows = re.findall(r"\[STRATA_TCP_(\w+)\] = ([^,]*),", text[text.index("steps[]"):])
    return [(start, end) for start, targets in rows for end in re.findall(r"TO\((\w+)\)", targets)]


def border(place, towards):
    """Where the line from the centre of a box to a point leaves the box."""
    x, y = place
    dx, dy = towards[0] - x, towards[1] - y
    scale = min(abs(BOX_WIDTH / 2 / dx) if dx else 1e9, abs(BOX_HEIGHT / 2 / dy) if dy else 1e9)
    return x + dx * scale, y + dy * scale


def arrow(step):
    event, action, (label_x, label_y, anchor), bend = STEPS[step]
    start = PLACES[step[0]]
    end = PLACES["CLOSED again" if step in (("LAST_ACK", "CLOSED"), ("TIME_WAIT", "CLOSED")) else step[1]]
    length = ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5
    # The control point of a curve that bends to one side.
    middle = ((start[0] + end[0]) / 2 - (end[1] - start[1]) / length * bend,
              (start[1] + end[1]) / 2 + (end[0] - start[0]) / length * bend)
    (x1, y1), (x2, y2) = border(start, middle), border(end, middle)
    top = ((x1 + 2 * middle[0] + x2) / 4, (y1 + 2 * middle[1] + y2) / 4)
    lines = [f'  <path class="line" marker-end="url(#tip)" d="M{x1:.0f} {y1:.0f}Q{middle[0]:.0f} {middle[1]:.0f} '
             f'{x2:.0f} {y2:.0f}"/>']
    sent = f'&#160;&#160;<tspan class="out">/ {action}</tspan>' if action else ""
    lines.append(f'  <text class="say" x="{top[0] + label_x:.0f}" y="{top[1] + label_y + 4:.0f}" '
                 f'text-anchor="{anchor}" font-size="13">{event}{sent}</text>')
    return lines


def box(name, anywhere):
    x, y = PLACES[name]
    text = name.replace(" again", "").replace("_", "-")
    kind = "open" if name == "ESTABLISHED" else "box"
    lines = [f'  <rect class="box {kind}" x="{x - BOX_WIDTH // 2}" y="{y - BOX_HEIGHT // 2}" width="{BOX_WIDTH}" '
             f'height="{BOX_HEIGHT}" rx="6"/>',
             f'  <text class="name" x="{x}" y="{y + 5}" text-anchor="middle">{text}</text>']
    if anywhere:
        lines.append(f'  <circle class="any" cx="{x + BOX_WIDTH // 2 - 9}" cy="{y - BOX_HEIGHT // 2 + 9}" r="3.5"/>')
    return lines


def draw(steps):
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="system-ui, '
             '\'DejaVu Sans\', sans-serif" font-size="14" role="img" aria-label="The states of a TCP connection '
             'and the steps between them, as the code allows them.">',
             f"  <style>{STYLE}</style>", f'  <rect class="bg" width="{WIDTH}" height="{HEIGHT}"/>',
             '  <defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
             'orient="auto"><path class="tip" d="M0 0L10 5L0 10z"/></marker></defs>']
    for step in steps:
        if step in STEPS:
            lines += arrow(step)
    for name in PLACES:
        lines += box(name, (name, "CLOSED") in steps)
    lines += ['  <circle class="any" cx="24" cy="24" r="3.5"/>',
              f'  <text class="say" x="34" y="28" font-size="13">{ANYWHERE}</text>',
              f'  <text class="say" x="{WIDTH - 24}" y="28" font-size="13" text-anchor="end">what comes in or is called'
              '&#160;&#160;<tspan class="out">/ what goes out</tspan></text>',
              "</svg>", ""]
    return "\n".join(lines)


def mistakes(steps):
    names = {name for step in steps for name in step}
    for name in sorted(names - set(PLACES)):
        yield f"{name} has no place in the picture"
    for start, end in steps:
        if end != "CLOSED" and (start, end) not in STEPS:
            yield f"the step from {start} to {end} has no explanation"
    for start, end in STEPS:
        if (start, end) not in steps:
            yield f"the step from {start} to {end} is explained, but state.c does not allow it"


def main():
    steps = table()
    wrong = list(mistakes(steps))
    if not wrong:
        picture = draw(steps)
        if "--write" in sys.argv[1:]:
            with open(PICTURE, "w", encoding="utf-8") as file:
                file.write(picture)
        elif not os.path.exists(PICTURE) or open(PICTURE, encoding="utf-8").read() != picture:
            wrong.append("docs/tcp-states.svg is not what state.c says: run `make docs-states`")
    for complaint in wrong:
        print("tcp_states:", complaint)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
