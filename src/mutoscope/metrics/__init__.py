"""How good is it: plain functions that turn frames, features or codes into numbers.

Frames are measured as they would be saved, 8-bit with channels last (`n h w c`, or `t h w c` for a clip); what comes
from inside a network is a float tensor in [-1, 1]. No metric knows a system: where one must be asked for pictures it
is passed as a callable. A Fréchet distance is named after the features it was computed with (`frechet_name`).
"""

from mutoscope.metrics.animation_score import AnimationScore, Window, animation_score, best_window, window_frames
from mutoscope.metrics.codes import (
    Controllability,
    EffectSizes,
    continuity,
    controllability,
    effect_sizes,
    kendall,
    nmi,
    order_recovery,
    order_recovery_per_group,
    phase_by_pca,
    saturation,
    visible_motion,
)
from mutoscope.metrics.compute import ComputeReport, compute_report
from mutoscope.metrics.features import CNNExtractor, PixelPCA, train_extractor
from mutoscope.metrics.frechet import (
    Extractor,
    FeatureStatistics,
    feature_statistics,
    frechet_distance,
    frechet_name,
)
from mutoscope.metrics.pixel import psnr, ssim

__all__ = [
    "AnimationScore",
    "CNNExtractor",
    "ComputeReport",
    "Controllability",
    "EffectSizes",
    "Extractor",
    "FeatureStatistics",
    "PixelPCA",
    "Window",
    "animation_score",
    "best_window",
    "compute_report",
    "continuity",
    "controllability",
    "effect_sizes",
    "feature_statistics",
    "frechet_distance",
    "frechet_name",
    "kendall",
    "nmi",
    "order_recovery",
    "order_recovery_per_group",
    "phase_by_pca",
    "psnr",
    "saturation",
    "ssim",
    "train_extractor",
    "visible_motion",
    "window_frames",
]
