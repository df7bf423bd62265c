"""The demo's page: one HTML file beside the media, without scripts and without anything from elsewhere."""

import math
import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template

from mutoscope.demo.exhibits import Exhibit, Section
from mutoscope.media.images import read_image
from mutoscope.media.video import probe


def page(folder: Path, sections: Sequence[Section], suggestions: Mapping[str, str], footer: str) -> str:
    """The whole page.

    Args:
        folder: Where the exhibits' files lie.
        sections: What there is to show.
        suggestions: Commands to go on with, by what they do.
        footer: A closing line.
    """
    titles = {identifier(section.title): section.title for section in sections} | {"next": "What to try next"}
    template = Template((resources.files("mutoscope.demo") / "template.html").read_text(encoding="utf-8"))
    return template.substitute(
        contents="\n".join(f'<a href="#{name}">{escape(title)}</a>' for name, title in titles.items()),
        sections="\n".join(section_html(folder, section) for section in sections),
        suggestions="\n".join(f"<div><dt>{escape(k)}</dt><dd>{code(v)}</dd></div>" for k, v in suggestions.items()),
        footer=escape(footer),
    )


def identifier(title: str) -> str:
    """A title as the name of an anchor."""
    return re.sub(r"\W+", "-", title.lower())


def code(command: str) -> str:
    """A command to copy."""
    return f"<pre><code>{escape(command)}</code></pre>"


def section_html(folder: Path, section: Section) -> str:
    """A heading, its paragraph, its measures and commands, its figures."""
    parts = [f"<h2>{escape(section.title)}</h2>", f"<p>{escape(section.lead)}</p>"]
    if section.measures:
        parts.append(measures_html(section.measures))
    if section.commands:
        parts.append(f'<div class="commands">{"".join(map(code, section.commands))}</div>')
    figures = "\n".join(figure_html(folder, exhibit) for exhibit in section.exhibits)
    parts.append(f'<div class="figures">\n{figures}\n</div>')
    return f'<section id="{identifier(section.title)}">\n' + "\n".join(parts) + "\n</section>"


def measures_html(measures: Sequence[tuple[str, str, float, float]]) -> str:
    """A table of values in [0, 1] with bars, before and after training."""
    rows = [
        f'<tr><th scope="row">{escape(name)}<small>{escape(meaning)}</small></th>{bar(before)}{bar(after)}</tr>'
        for name, meaning, before, after in measures
    ]
    head = '<tr><th scope="col">Measure</th><th scope="col">before training</th><th scope="col">after</th></tr>'
    note = "1 is perfect. Random weights are not at 0, because of several codes the one that fits best counts."
    return f"<table><caption>{note}</caption><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def bar(value: float) -> str:
    """A cell with a value and its length."""
    if not math.isfinite(value):
        return "<td>–</td>"
    return f'<td><span class="bar" style="width: {60 * min(max(value, 0), 1):.0f}%"></span>{value:.2f}</td>'


def figure_html(folder: Path, exhibit: Exhibit) -> str:
    """The media on a plate, the words and the command below."""
    shown = [file for file in exhibit.files if file.endswith((".png", ".mp4"))]
    links = [f'<a href="{escape(file)}">{Path(file).name}</a>' for file in exhibit.files if file not in shown]
    also = f" Also as {', '.join(links)}." if links else ""
    words = f"<h3>{escape(exhibit.title)}</h3><p>{escape(exhibit.caption)}{also}</p>"
    command = code(exhibit.command) if exhibit.command else ""
    media = "".join(medium_html(folder, file, exhibit.alt) for file in shown)
    return (
        f'<figure class="span-{exhibit.span}"><div class="plate">{media}</div>'
        f"<figcaption>{words}{command}</figcaption></figure>"
    )


def medium_html(folder: Path, file: str, alt: str) -> str:
    """A picture, or a video that plays by itself, with its size so that the page does not jump."""
    if file.endswith(".png"):
        height, width, _ = read_image(folder / file).shape
        return f'<img class="sheet" src="{escape(file)}" width="{width}" height="{height}" alt="{escape(alt)}">'
    video = probe(folder / file)
    return (
        f'<video class="pixels" src="{escape(file)}" width="{video.width}" height="{video.height}" '
        f'autoplay loop muted playsinline aria-label="{escape(alt)}"></video>'
    )
