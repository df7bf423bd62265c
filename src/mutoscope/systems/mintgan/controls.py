"""What one can do with a trained system: chapter 5 and the authors' project page, and what they leave out.

An appearance is the noise z_a drawn from a seed, a motion the noise z_m; one seed draws both, independently. Directions
of motion are numbered from 0, as in the thesis. Where none is given, those that vary most in sampled codes are taken.
The canonical basis tells the same motion by its principal axes, the widest first.
"""

from mutoscope.systems.mintgan.interpretation import Interpretation
from mutoscope.systems.mintgan.sampling import Sampling
from mutoscope.systems.mintgan.steering import Steering
from mutoscope.systems.mintgan.study import Study


class MintGANControls(Interpretation, Study, Steering, Sampling):
    """The controls of `MintGAN`: over noise, over directions, for a study, and what directions are found to do."""
