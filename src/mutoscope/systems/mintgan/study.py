"""A study with raters: pairs of clips to choose from (Tab. 5.6); `tally` says what they answered (Tabs. 5.6 to 5.8)."""

from mutoscope.errors import InputError
from mutoscope.media.results import Video
from mutoscope.systems.control import Fps, Scale, Seed, control
from mutoscope.systems.inputs import Frames, read_frames
from mutoscope.systems.mintgan.showing import Length, Showing, Truncation
from mutoscope.systems.preference import Preference, beside


class Study(Preference, Showing):
    """Clips from noise beside others."""

    @control
    def pair(
        self,
        *,
        other: Frames,
        frames: Length = None,
        truncation: Truncation = 1.0,
        scale: Scale = 2,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """A clip from noise beside another one, real or of another system, on sides that the seed draws (Tab. 5.6).

        Args:
            other: A video, a folder of frames, a GIF or a .npy, which is shown in the size of the system.
            seed: Seed of the clip and of its side, by which `tally` knows it.
        """
        length = frames or self.config.frames
        theirs = read_frames(other, self.config.image_size, self.config.channels)[:length]
        if len(theirs) < length:
            raise InputError(f"other: has {len(theirs)} frames (expected at least {length})")
        ours = next(self.draw(self.codes(self.appearances(1, seed), self.motions(1, seed, length), truncation)))
        return beside(ours, theirs, seed, scale=scale, fps=fps)
