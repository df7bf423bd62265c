"""Whether a face stays the same person: average content distances (Wang et al. 2020, ImaGINator; Tulyakov et al. 2018).

Both are for one clip and take any embedding of its frames; average them over clips. In units of the embedding.
"""

import numpy as np
from jaxtyping import Float

from mutoscope.errors import InputError


def acd_c(embeddings: Float[np.ndarray, "t k"]) -> float:
    """Content consistency: mean of `‖e_i − e_j‖₂` over pairs of frames i < j; lower is better, 0 if none differ.

    Args:
        embeddings: e, of the t frames of one clip, at least two.

    Raises:
        InputError: there are fewer than two frames.
    """
    from scipy.spatial.distance import pdist

    if len(embeddings) < 2:
        raise InputError(f"ACD-C: the clip has {len(embeddings)} frames (expected at least two)")
    return float(pdist(embeddings).mean())


def acd_i(embeddings: Float[np.ndarray, "t k"], input_embedding: Float[np.ndarray, "k"]) -> float:
    """Identity: mean of `‖e_t − e_input‖₂` over frames; lower is better, 0 if all frames have the input's embedding.

    Args:
        embeddings: e, of the t frames of one clip.
        input_embedding: that of the picture from which the clip was made.

    Raises:
        InputError: there are no frames.
    """
    if not len(embeddings):
        raise InputError("ACD-I: the clip has no frames (expected at least one)")
    return float(np.linalg.norm(embeddings.astype(np.float64) - input_embedding, axis=1).mean())
