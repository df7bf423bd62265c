"""The page that tells what every motion direction does: figures, pictures, and sentences that say how to read them."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int64, UInt8

from mutoscope.media.flow_colours import flow_colours, wheel_picture
from mutoscope.media.images import to_channels
from mutoscope.media.plots import line_plot
from mutoscope.media.results import Page, embedded
from mutoscope.media.sheets import in_a_strip, tiled
from mutoscope.metrics.flow_sectors import FOUR_WAYS
from mutoscope.metrics.motion import DIRECTIONS, flow
from mutoscope.systems.mintgan.direction_measures import DirectionEffect, MagnitudeStatistics
from mutoscope.systems.mintgan.drawing import Clip

RANKED = 10
STRIP = 8
SLOWEST_SCALE = 0.5
"""Pixels per frame that get full colours where next to nothing moves, so that errors of the flow do not."""
AS_STRONG = 0.75
"""A way counts among those that directions of a group go if it has this share of the strongest one's φ."""


class Portrait(NamedTuple):
    """What there is to show of one direction.

    Attributes:
        effect: what clips lose with it.
        alpha: its magnitudes in a few clips.
        only: a clip in which no other direction moves.
        without: the same clip in which all others move.
    """

    effect: DirectionEffect
    alpha: Float[np.ndarray, "n s"]
    only: Clip
    without: Clip


class Walks(NamedTuple):
    """Linear walks (Eq. 5.8) along directions, from the one most used on.

    Attributes:
        directions: their numbers.
        clips: one of each.
        phi: motion of each in eight sectors (Eq. 5.9).
        group: number of the group of each.
        letter: what names of directions begin with in this basis.
    """

    directions: Sequence[int]
    clips: Sequence[Clip]
    phi: Float64[np.ndarray, "k 8"]
    group: Int64[np.ndarray, "k"]
    letter: str


def interpretation_page(
    title: str, lead: str, statistics: MagnitudeStatistics, clip: Clip, portraits: Sequence[Portrait], walks: Walks
) -> Page:
    """The whole page.

    Args:
        title: Its heading.
        lead: What was looked at, in plain text.
        statistics: Of the magnitudes of all directions.
        clip: The clip that portraits take apart.
        portraits: The directions shown, all of which have a walk.
        walks: Of the directions shown, and more.
    """
    fastest = max(SLOWEST_SCALE, float(np.linalg.norm(flow(clip), axis=-1).max()))
    sections = [
        f"<p>{escape(lead)}</p>",
        _section("How to read this page", _reading(fastest)),
        _section("How much each direction is used", _usage(statistics, walks.letter)),
        *(_portrait(portrait, statistics, clip, walks, fastest) for portrait in portraits),
        _section("Directions that move alike", _groups(walks)),
    ]
    return Page(title, "\n".join(sections))


def ways(phi: Float64[np.ndarray, "8"]) -> str:
    """Where a walk's motion goes, in words."""
    if not phi.any():
        return "nothing moves"
    strong = [name for name, value in zip(DIRECTIONS, phi, strict=True) if value >= AS_STRONG * phi.max()]
    return "every way" if len(strong) > len(DIRECTIONS) // 2 else " and ".join(strong)


def _section(heading: str, body: str) -> str:
    return f"<section>\n<h2>{escape(heading)}</h2>\n{body}\n</section>"


def _reading(fastest: float) -> str:
    """What is shown, and what the words and colours mean."""
    legend = embedded(
        wheel_picture(112), "colour wheel: red to the right, yellow down, cyan left, violet up", smooth=True
    )
    return f"""
<p>The latent code of a clip moves from frame to frame by a sum of directions: w<sub>t</sub> = w<sub>0</sub> + Σ α d,
where α says how far each step goes along a direction d (Eqs. 5.2 and 5.4). Setting the α of a direction to 0 switches
it off; what then no longer moves is what it was for.</p>
<p>Pictures of motion have a colour for each way that pixels go, as on this wheel: white is still, full colours are
{fastest:.1f} pixels per frame, darker ones are faster. All of them on this page have the same scale.</p>
<figure class="legend">{legend}</figure>"""


def _usage(statistics: MagnitudeStatistics, letter: str) -> str:
    """A bar for each of the directions that vary most, and the largest means."""
    top = statistics.strongest("variance", RANKED)
    shares = statistics.shares
    longest = shares[top[0]] or 1.0
    rows = "".join(
        f"<tr><td>{letter}{k}</td><td>{statistics.mean[k]:+.3f}</td><td>{statistics.variance[k]:.4f}</td><td>{shares[k]:.1%}</td>"
        f'<td><span class="bar" style="width: {100 * shares[k] / longest:.1f}%"></span></td></tr>'
        for k in top
    )
    steady = ", ".join(f"{letter}{k} ({statistics.mean[k]:+.3f})" for k in statistics.strongest("mean", RANKED))
    return f"""
<p>Mean and variance of α over many clips and all of their steps, none of them drawn (Fig. 5.3). If all directions were
used alike, each would have {1 / len(shares):.1%} of the variance.</p>
<div class="scroll"><table class="bars">
<tr><th>direction</th><th>mean α</th><th>variance</th><th>share</th><th></th></tr>
{rows}
</table></div>
<p>A direction of large variance swings to and fro; one of large mean goes steadily one way. The largest means have
{steady}.</p>"""


def _portrait(portrait: Portrait, statistics: MagnitudeStatistics, clip: Clip, walks: Walks, fastest: float) -> str:
    """All about one direction."""
    effect = portrait.effect
    k, place = effect.direction, list(walks.directions).index(effect.direction)
    direction = f"{walks.letter}{k}"
    clips = {"all": clip, f"only {direction}": portrait.only, f"without {direction}": portrait.without}
    parts = {name: np.stack([to_channels(frame, 3) for frame in part]) for name, part in clips.items()}
    motions = {name: _coloured(part, fastest) for name, part in parts.items()}
    rows = [row for name in parts for row in ((name, parts[name]), ("motion", motions[name]))]
    names = ", ".join(parts)
    playing = embedded(tiled([*parts.values(), *motions.values()], 3), f"one clip three times: {names}")
    return _section(
        f"{direction}: {effect.words}",
        f"""
<p>It has {statistics.shares[k]:.1%} of the variance of all magnitudes, and moves like the directions of group
{walks.group[place]}.</p>
<figure>{_strips([("walk", walks.clips[place])])}
<figcaption>One appearance as α goes from −5 towards 5, all else standing still (Eq. 5.8).</figcaption></figure>
<div class="side-by-side">
<figure>{playing}
<figcaption>From left to right: {names}. Below each, its motion.</figcaption></figure>
<figure>{_curves(portrait.alpha, direction)}
<figcaption>How far each step of a few clips goes along {direction} (Fig. 5.4).</figcaption></figure>
</div>
<figure>{_strips(rows)}
<figcaption>The same clip frame by frame (Figs. 5.5, 5.7); motion is that which led to the frame.</figcaption></figure>
{_effect_table(effect)}""",
    )


def _effect_table(effect: DirectionEffect) -> str:
    """φ and what becomes of it, sector by sector."""
    full, change = effect.full, effect.change
    values = zip(FOUR_WAYS, full.phi, change.phi, full.per_pixel, change.per_pixel, strict=True)
    everywhere = ("all", full.Phi, change.Phi, full.per_pixel.sum(), change.per_pixel.sum())
    rows = "".join(
        f"<tr><td>{name}</td><td>{phi:.3f}</td><td>{d_phi:+.3f}</td><td>{pixel:.4f}</td><td>{d_pixel:+.4f}</td></tr>"
        for name, phi, d_phi, pixel, d_pixel in [*values, everywhere]
    )
    regions = effect.regions
    told = (
        f"<p>Within regions (Tab. 5.5): ΔΦ of the head {regions.head:+.3f}, of the mouth {regions.mouth:+.3f}; of the "
        f"mouth beyond the head's {regions.mouth_alone:+.3f}.</p>"
        if regions
        else ""
    )
    return f"""
<div class="scroll"><table>
<tr><th>motion</th><th>φ</th><th>Δφ</th><th>per pixel</th><th>Δ per pixel</th></tr>
{rows}
<caption>φ is how fast moving pixels go in a sector, from 0 to 1 (Eq. 5.6; all sectors: Φ, Eq. 5.7). Δφ is what is added
when the direction is switched off (Tab. 5.4): negative is motion that it made. Per pixel, still pixels count too, so
that these fall when fewer pixels move; the words in the heading follow them.</caption>
</table></div>{told}"""


def _curves(alpha: Float[np.ndarray, "n s"], direction: str) -> str:
    """α of a few clips over time."""
    steps = np.arange(alpha.shape[1])
    curves = {f"clip {number}": (steps, values) for number, values in enumerate(alpha)}
    picture = line_plot(None, curves, title=direction, xlabel="step", ylabel="α")
    return embedded(picture, f"curves of the magnitudes of {direction} over time", smooth=True)


def _groups(walks: Walks) -> str:
    """The walks of each group."""
    parts = [
        "<p>Walks along directions (Eq. 5.8), told apart by how strongly they move each of eight ways (Eq. 5.9) and "
        "put in groups by k-means. A direction seldom used may still have a clear meaning.</p>"
    ]
    for group in range(walks.group.max() + 1):
        members = np.flatnonzero(walks.group == group).tolist()
        directions = "1 direction" if len(members) == 1 else f"{len(members)} directions"
        parts.append(f"<h3>Group {group}: {directions}, {ways(walks.phi[members].mean(axis=0))}</h3>")
        parts.append(
            f"<figure>{_strips((f'{walks.letter}{walks.directions[i]}', walks.clips[i]) for i in members)}</figure>"
        )
    return "\n".join(parts)


def _strips(clips: Iterable[tuple[str, Clip]]) -> str:
    """A strip of each clip beside its name."""
    rows = [f"<span>{escape(name)}</span>{embedded(in_a_strip(clip, STRIP), name)}" for name, clip in clips]
    return f'<div class="labelled">{"".join(rows)}</div>'


def _coloured(clip: Clip, fastest: float) -> UInt8[np.ndarray, "t h w 3"]:
    """The motion that led to each frame; none leads to the first."""
    return flow_colours(np.pad(flow(clip), ((1, 0), (0, 0), (0, 0), (0, 0))), fastest)
