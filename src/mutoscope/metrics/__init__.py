"""How good is it: plain functions that turn frames, features or codes into numbers.

Frames are measured as they would be saved, 8-bit with channels last (`n h w c`, or `t h w c` for a clip); what comes
from inside a network is a float tensor in [-1, 1]. No metric knows a system: where one must be asked for pictures it
is passed as a callable. A Fréchet distance is named after the features it was computed with (`frechet_name`).
"""

from mutoscope.metrics.animation_score import AnimationScore, Window, animation_score, best_window, window_frames
from mutoscope.metrics.anova import VarianceShares, variance_shares
from mutoscope.metrics.bootstrap import Interval, bootstrap_interval
from mutoscope.metrics.classification import (
    InceptionScore,
    class_accuracies,
    confusion_matrix,
    inception_score,
    label_accuracy,
)
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
from mutoscope.metrics.extractors import (
    Classifier,
    Extractor,
    PixelPCA,
    TrainedExtractor,
    load_trained_extractor,
    open_extractor,
    train_clip_extractor,
    train_frame_extractor,
)
from mutoscope.metrics.frechet import (
    FeatureStatistics,
    feature_statistics,
    frechet_distance,
    frechet_distance_of,
    frechet_name,
)
from mutoscope.metrics.identity import acd_c, acd_i
from mutoscope.metrics.kernel import (
    KernelDistance,
    kernel_distance,
    kernel_distance_interval,
    kernel_distance_of_subsets,
)
from mutoscope.metrics.manifold import Manifolds, manifold_measures
from mutoscope.metrics.motion import (
    DIRECTIONS,
    MotionStatistics,
    SpeedHistogram,
    flow,
    flow_statistics,
    motion_statistics,
    speed_distance,
)
from mutoscope.metrics.pixel import (
    background_error,
    flicker,
    ms_ssim,
    ms_ssim_name,
    ms_ssim_scales,
    psnr,
    ssim,
    temporal_difference_error,
)
from mutoscope.metrics.repeated import RepeatedScores, Spread, clip_statistics, repeated_scores

__all__ = [
    "DIRECTIONS",
    "AnimationScore",
    "Classifier",
    "ComputeReport",
    "Controllability",
    "EffectSizes",
    "Extractor",
    "FeatureStatistics",
    "InceptionScore",
    "Interval",
    "KernelDistance",
    "Manifolds",
    "MotionStatistics",
    "PixelPCA",
    "RepeatedScores",
    "SpeedHistogram",
    "Spread",
    "TrainedExtractor",
    "VarianceShares",
    "Window",
    "acd_c",
    "acd_i",
    "animation_score",
    "background_error",
    "best_window",
    "bootstrap_interval",
    "class_accuracies",
    "clip_statistics",
    "compute_report",
    "confusion_matrix",
    "continuity",
    "controllability",
    "effect_sizes",
    "feature_statistics",
    "flicker",
    "flow",
    "flow_statistics",
    "frechet_distance",
    "frechet_distance_of",
    "frechet_name",
    "inception_score",
    "kendall",
    "kernel_distance",
    "kernel_distance_interval",
    "kernel_distance_of_subsets",
    "label_accuracy",
    "load_trained_extractor",
    "manifold_measures",
    "motion_statistics",
    "ms_ssim",
    "ms_ssim_name",
    "ms_ssim_scales",
    "nmi",
    "open_extractor",
    "order_recovery",
    "order_recovery_per_group",
    "phase_by_pca",
    "psnr",
    "repeated_scores",
    "saturation",
    "speed_distance",
    "ssim",
    "temporal_difference_error",
    "train_clip_extractor",
    "train_frame_extractor",
    "variance_shares",
    "visible_motion",
    "window_frames",
]
