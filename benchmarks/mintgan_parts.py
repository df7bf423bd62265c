"""What MintGAN's parts cost: the pyramid against 3-D discriminators, layers against their literal form."""

from collections.abc import Callable
from typing import Any

import mintgan_reference as reference
import report
import timing
import torch
import variants
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode, conv_flop_count

from mutoscope.nn import TemporalPyramid
from mutoscope.nn.filters import blur, upsample
from mutoscope.systems.mintgan.discriminator_3d import VideoDiscriminator3d
from mutoscope.systems.mintgan.motion_bank import MotionBank
from mutoscope.systems.mintgan.networks import ModulatedConv2d

FRAMES, CODE = 16, 512
LEVELS = (1, 2, 3, 4)
STRIDED, POOLED = "3-D, strided", "3-D, pooled"

JUDGE_COLUMNS = ("discriminator", "precision", f"× {STRIDED}, clock", "ms a clip", "GFLOP a clip", "million weights")
LAYER_COLUMNS = ("part", "literal, ms", "ours, ms", "× literal, clock", "× literal, work")


def flops(step: Callable[[], object]) -> int:
    """Floating point operations of one step, counted.

    torch counts a grouped convolution's gradient by its weights once for every pair of groups, not for every group.
    """
    fixed = {torch.ops.aten.convolution_backward: conv_backward_flops}
    with FlopCounterMode(display=False, custom_mapping=fixed) as counter:
        step()
    return counter.get_total_flops()


def conv_backward_flops(
    gradient: list[int], x: list[int], weight: list[int], *rest: Any, out_shape: list[list[int] | None]
) -> int:
    """Each of the two gradients takes as many operations as the convolution, of tensors of these shapes."""
    transposed, wanted = rest[4], rest[-1][:2]
    return conv_flop_count(gradient, weight, x, not transposed) * sum(wanted)


# Discriminators of clips.


def measure_judges(batch: int, image_size: int, widths: list[int] | None, rounds: int) -> dict[str, Any]:
    """Forward and backward through pyramids and 3-D discriminators of equal widths, in both precisions."""
    clips = variants.random_clips(batch, FRAMES, 3, image_size, image_size).float() / 127.5 - 1
    as_ours = clips.transpose(1, 2).contiguous(memory_format=torch.channels_last_3d)
    judges: dict[str, tuple[nn.Module, Tensor]] = {
        STRIDED: (reference.Discriminator3d(3, image_size, FRAMES, widths or reference.WIDTHS), clips),
        POOLED: (VideoDiscriminator3d(3, image_size, widths), as_ours),
    }
    for levels in LEVELS:
        judges[pyramid_name(levels)] = TemporalPyramid(3, image_size, FRAMES, levels, widths), as_ours
    measured: dict[str, Any] = {}
    for precision in variants.PRECISIONS:
        runs = {name: judging(network, seen, precision) for name, (network, seen) in judges.items()}
        timings = timing.alternate(runs, rounds)
        measured[precision] = {
            name: {
                "milliseconds": timing.spread([1000 * t.wall / batch for t in timings[name]]),
                "speedup": timing.speedup(timings[STRIDED], timings[name]),
                "flops": flops(runs[name]) / batch,
                "parameters": sum(p.numel() for p in network.parameters()),
            }
            for name, (network, _) in judges.items()
        }
    return measured


def pyramid_name(levels: int) -> str:
    return f"pyramid, {levels} level{'s' if levels > 1 else ''}"


def judging(network: nn.Module, clips: Tensor, precision: str) -> Callable[[], None]:
    """Forward and backward, into the weights and into the clips."""

    def run() -> None:
        network.zero_grad()
        seen = clips.detach().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            scores = network(seen)
        torch.stack([score.float().sum() for score in scores]).sum().backward()

    return run


# Layers.


def measure_layers(rounds: int, channels: int = 512) -> dict[str, Any]:
    """Forward and backward of single parts on the frames of one clip, literal and ours, in float32."""
    return {
        name: compare(literal, ours, rounds)
        for name, literal, ours in (
            modulated(channels, channels, 16, up=False),
            modulated(channels, channels // 2, 32, up=True),
            (
                f"blur before a stride, {channels // 4} channels, 64 px",
                *filters(
                    channels // 4, 64, lambda x: reference.upfirdn(x, reference.FIR, pad=(2, 2)), lambda x: blur(x, 2)
                ),
            ),
            (
                "doubled colours, to 64 px",
                *filters(3, 32, lambda x: reference.upfirdn(x, 4 * reference.FIR, up=2, pad=(2, 1)), upsample),
            ),
            bank(channels),
        )
    }


def compare(literal: Callable[[], object], ours: Callable[[], object], rounds: int) -> dict[str, Any]:
    timings = timing.alternate({"literal": literal, "ours": ours}, rounds)
    milliseconds = {name: timing.spread([1000 * t.wall for t in taken]) for name, taken in timings.items()}
    return {"milliseconds": milliseconds, "speedup": timing.speedup(timings["literal"], timings["ours"])}


Part = tuple[str, Callable[[], object], Callable[[], object]]


def modulated(n_in: int, n_out: int, size: int, up: bool) -> Part:
    """A modulated convolution: weights of their own for each frame, and one weight for all."""
    theirs, ours = reference.ModulatedConv(n_in, n_out, 3, CODE, upsample=up), ModulatedConv2d(n_in, n_out, 3, CODE, up)
    x, w = torch.randn(FRAMES, n_in, size, size), torch.randn(FRAMES, CODE)
    last = x.contiguous(memory_format=torch.channels_last)

    def own(x: Tensor) -> Tensor:
        y, demodulation = ours(x, w)
        return y * demodulation

    name = f"modulated 3×3, {n_in} to {n_out} channels, {size} {f'to {2 * size} ' if up else ''}px"
    return name, backward(lambda x: theirs(x, w), x), backward(own, last)


def filters(channels: int, size: int, theirs: Callable[[Tensor], Tensor], ours: Callable[[Tensor], Tensor]) -> Any:
    x = torch.randn(FRAMES, channels, size, size)
    return backward(theirs, x), backward(ours, x.contiguous(memory_format=torch.channels_last))


def backward(layer: Callable[[Tensor], Tensor], x: Tensor) -> Callable[[], None]:
    """Forward and backward, from a gradient in the layout of the output."""

    def run() -> None:
        y = layer(x.detach().requires_grad_())
        y.backward(torch.ones_like(y))

    return run


def bank(N: int) -> Part:
    """The motion bank in one training step: torch's SVD in both passes of the generator and its gradient, and ours."""
    torch.manual_seed(0)
    M, ours, towards = torch.randn(N, N, requires_grad=True), MotionBank(N), torch.randn(N, N)

    def theirs() -> None:
        with torch.no_grad():
            torch.linalg.svd(M)
        torch.linalg.svd(M).Vh.backward(towards)

    def own() -> None:
        ours().backward(towards)
        ours.settle()

    return f"motion bank, {N} directions, one training step", theirs, own


# What is said of them.


def judge_rows(results: dict[str, Any]) -> report.Rows:
    return [
        (
            name,
            precision,
            report.spread(found["speedup"]["wall"]),
            report.whole(found["milliseconds"]),
            f"{found['flops'] / 1e9:.0f}",
            f"{found['parameters'] / 1e6:.1f}",
        )
        for precision, judges in results["judges"].items()
        for name, found in judges.items()
    ]


def layer_rows(results: dict[str, Any]) -> report.Rows:
    return [
        (
            name,
            *(report.spread(found["milliseconds"][who]) for who in ("literal", "ours")),
            report.spread(found["speedup"]["wall"]),
            report.spread(found["speedup"]["cpu"]),
        )
        for name, found in results["layers"].items()
    ]


def page(results: dict[str, Any]) -> list[str]:
    """The paragraphs on parts."""
    return [
        "## The pyramid's cost",
        "Forward and backward, into weights and clips, of what judges clips of 16×64×64, all with the widths of "
        f"StyleGAN2. *{STRIDED}* has residual blocks of 3×3×3 convolutions, strided over space and time, in torch's "
        f"default memory format, as one writes them first; *{POOLED}* is the system's own (`d_v: 3d`), means "
        f"instead of strides, channels last. Ratios are to *{STRIDED}* in the same precision.",
        report.markdown(JUDGE_COLUMNS, judge_rows(results)),
        "## Parts",
        "Forward and backward of single parts, float32, on the 16 frames of one clip.",
        report.markdown(LAYER_COLUMNS, layer_rows(results)),
    ]


def show(results: dict[str, Any]) -> None:
    console = report.wide_console()
    report.show(console, "The pyramid's cost", JUDGE_COLUMNS, judge_rows(results))
    report.show(console, "Parts", LAYER_COLUMNS, layer_rows(results))
