"""Frames a second from the cache, against decoding the files each time, in one run.

    python benchmarks/loader.py [--rounds 5] [--threads 2] [--write]

Files are made in a temporary folder; with MUTOSCOPE_DATA set, the Weizmann clips found there are read too. Decoding is
measured twice: as a bag of shuffled frames needs it, opening the file of every frame, and at its best, whole clips in
order, each file opened once.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import report
import timing
import torch
from torch.utils.data import DataLoader

from mutoscope.data import Clips, FrameBag, TrainingBatches, as_they_come, open_clips
from mutoscope.data.fitting import fit_frame
from mutoscope.data.synthetic import make_clips
from mutoscope.media.frames import open_frames, read_clip
from mutoscope.media.images import write_image
from mutoscope.media.video import write_video

BATCH = 100
CLIPS, FRAMES, SIZE = 40, 32, 64
BATCHES_PER_ROUND = 50  # from the cache; decoding each time is given one


def write_strips(folder: Path, suffix: str) -> None:
    """Clips as MoCoGAN publishes them: `<class>/<########><suffix>`, one picture a clip, frames left to right."""
    for i, clip in enumerate(make_clips("sprites", size=SIZE, max_clips=CLIPS, frames=FRAMES).clips):
        (folder / str(i % 2)).mkdir(parents=True, exist_ok=True)
        write_image(folder / str(i % 2) / f"{i:08d}{suffix}", np.concatenate(list(clip), axis=1))


def write_videos(folder: Path) -> None:
    """Clips as `<number>.mp4`, twice as large as the frames wanted."""
    folder.mkdir()
    for i, clip in enumerate(make_clips("sprites", size=2 * SIZE, max_clips=CLIPS, frames=FRAMES).clips):
        write_video(folder / f"{i:04d}.mp4", clip, fps=25)


def decode_shuffled(clips: Clips, bag: FrameBag, indices: list[int]) -> torch.Tensor:
    """A batch, each frame from its file: what a data set does that keeps nothing."""
    clip, time_ = bag.hidden()
    frames = []
    for i in indices:
        frame = next(islice(open_frames(clips.records[clip[i]].path, clips.channels), int(time_[i]), None))
        frames.append(torch.from_numpy(fit_frame(frame, (clips.height, clips.width), "crop")))
    return torch.stack(frames)


def decode_in_order(clips: Clips, count: int) -> int:
    """At least `count` frames of whole clips, each file opened once; returns how many."""
    done = 0
    for record in clips.records:
        done += len(
            [fit_frame(frame, (clips.height, clips.width), "crop") for frame in read_clip(record.path, clips.channels)]
        )
        if done >= count:
            break
    return done


def measure(source: Path, rounds: int) -> dict[str, Any]:
    """Frames a second each way, and what the cache costs once."""
    start = time.perf_counter()
    open_clips(source, size=SIZE)
    first = time.perf_counter() - start
    start = time.perf_counter()
    clips = open_clips(source, size=SIZE)
    again = time.perf_counter() - start
    bag = FrameBag(clips)
    batches = TrainingBatches(len(bag), BATCH)
    loader = iter(DataLoader(bag, batch_sampler=batches, collate_fn=as_they_come))
    endless = iter(batches)

    def from_bag() -> None:
        for _ in range(BATCHES_PER_ROUND):
            bag.__getitems__(next(endless))

    def from_loader() -> None:
        for _ in range(BATCHES_PER_ROUND):
            next(loader)

    in_order = decode_in_order(clips, BATCH)
    variants: dict[str, tuple[Callable[[], object], int]] = {
        "decoding, shuffled": (lambda: decode_shuffled(clips, bag, next(endless)), BATCH),
        "decoding, in order": (partial(decode_in_order, clips, BATCH), in_order),
        "FrameBag": (from_bag, BATCHES_PER_ROUND * BATCH),
        "training DataLoader": (from_loader, BATCHES_PER_ROUND * BATCH),
    }
    timings = timing.alternate({name: run for name, (run, _) in variants.items()}, rounds)
    per_frame = {
        name: [timing.Timing(t.wall / count, t.cpu / count) for t in timings[name]]
        for name, (_, count) in variants.items()
    }
    return {
        "clips": len(clips),
        "frames": clips.total_frames,
        "first_open_seconds": first,
        "later_open_seconds": again,
        "variants": {
            name: {
                "per_second": timing.spread([1 / t.wall for t in times]),
                "speedup": timing.speedup(per_frame["decoding, shuffled"], times),
                "speedup_in_order": timing.speedup(per_frame["decoding, in order"], times),
            }
            for name, times in per_frame.items()
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, help="CPU threads; torch's default if not given")
    parser.add_argument("--write", action="store_true", help="write reports/benchmarks_pseudo_label.md and its data")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["MUTOSCOPE_CACHE"] = str(folder / "cache")
        write_strips(folder / "png", ".png")
        write_strips(folder / "jpeg", ".jpg")
        write_videos(folder / "mp4")
        sources = {"PNG strips": folder / "png", "JPEG strips": folder / "jpeg", "MP4 clips": folder / "mp4"}
        real = Path(os.environ.get("MUTOSCOPE_DATA", "")) / "weizmann_actions"
        if "MUTOSCOPE_DATA" in os.environ and real.is_dir():
            sources["Weizmann strips"] = real
        results = {
            "machine": timing.machine(),
            "sources": {name: measure(source, options.rounds) for name, source in sources.items()},
        }
    report.show_loader(timing.plain(results))
    if options.write:
        timing.save("loader", results)
        report.write()


if __name__ == "__main__":
    main()
