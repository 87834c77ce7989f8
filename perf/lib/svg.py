# SPDX-License-Identifier: GPL-3.0-or-later
"""Bar charts as SVG text."""

import html

WIDTH = 900
ROW = 26
BAR = 16
LABEL_WIDTH = 130
VALUE_WIDTH = 200
MARGIN = 12
COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#9d755d", "#72b7b2")
MET, MISSED = "#54a24b", "#e45756"


def text(x, y, content, anchor="start", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">'
            f"{html.escape(content)}</text>")


def rect(x, y, width, height, colour, tip=""):
    title = f"<title>{html.escape(tip)}</title>" if tip else ""
    return (f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
            f' fill="{colour}">{title}</rect>')


def document(height, parts):
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
            f' viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">')
    return "\n".join([head, rect(0, 0, WIDTH, height, "#ffffff"), *parts, "</svg>"]) + "\n"


def target_bars(title, rows, longest=2.0):
    """rows: label, how far the target is reached (1: just so), whether all is well, and what is
    written behind the bar. All bars are measured by one line, the target's; those beyond `longest`
    are cut there."""
    scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH - 2 * MARGIN) / longest
    left = MARGIN + LABEL_WIDTH
    top = 3 * MARGIN + ROW
    bottom = top + ROW * len(rows)
    parts = [text(MARGIN, 2 * MARGIN, title, weight="bold"),
             text(left + scale, top - 6, "target", "middle")]
    for idx, (label, reached, met, value) in enumerate(rows):
        y = top + ROW * idx
        width = min(reached, longest) * scale
        parts += [text(left - 8, y + BAR - 3, label, "end"),
                  rect(left, y, width, BAR, MET if met else MISSED, value),
                  text(left + longest * scale + 8, y + BAR - 3, value)]
    parts.append(f'<line x1="{left + scale:.1f}" y1="{top - 2}" x2="{left + scale:.1f}"'
                 f' y2="{bottom - 6}" stroke="#000000" stroke-dasharray="4 3"/>')
    return document(bottom + MARGIN, parts)


def stacked_bars(title, names, rows, unit):
    """rows: label and a value for each of `names`."""
    left = MARGIN + LABEL_WIDTH
    scale = ((WIDTH - LABEL_WIDTH - VALUE_WIDTH // 2 - 2 * MARGIN)
             / max(sum(values) for _, values in rows))
    top = 3 * MARGIN + ROW
    parts = [text(MARGIN, 2 * MARGIN, title, weight="bold")]
    for idx, name in enumerate(names):
        x = left + idx * (WIDTH - left) / len(names)
        parts += [rect(x, top - ROW + 4, 11, 11, COLOURS[idx % len(COLOURS)]),
                  text(x + 16, top - ROW + 14, name)]
    for idx, (label, values) in enumerate(rows):
        x, y = left, top + ROW * idx
        parts.append(text(left - 8, y + BAR - 3, label, "end"))
        for stage, value in enumerate(values):
            parts.append(rect(x, y, value * scale, BAR, COLOURS[stage % len(COLOURS)],
                              f"{names[stage]}: {value:.1f} {unit}"))
            x += value * scale
        parts.append(text(x + 8, y + BAR - 3, f"{sum(values):.0f} {unit}"))
    return document(top + ROW * len(rows) + MARGIN, parts)
