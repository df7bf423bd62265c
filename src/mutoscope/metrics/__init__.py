"""How good is it: plain functions that turn frames, features or codes into numbers.

Frames are measured as they would be saved, 8-bit with channels last (`n h w c`, or `t h w c` for a clip); what comes
from inside a network is a float tensor in [-1, 1]. No metric knows a system: where one must be asked for pictures it
is passed as a callable. A Fréchet distance is named after the features it was computed with (`frechet_name`).
"""

from mutoscope.metrics.animation_score import AnimationScore as AnimationScore
from mutoscope.metrics.animation_score import Window as Window
from mutoscope.metrics.animation_score import animation_score as animation_score
from mutoscope.metrics.animation_score import best_window as best_window
from mutoscope.metrics.animation_score import window_frames as window_frames
from mutoscope.metrics.anova import VarianceShares as VarianceShares
from mutoscope.metrics.anova import variance_shares as variance_shares
from mutoscope.metrics.bootstrap import Interval as Interval
from mutoscope.metrics.bootstrap import bootstrap_interval as bootstrap_interval
from mutoscope.metrics.classification import InceptionScore as InceptionScore
from mutoscope.metrics.classification import class_accuracies as class_accuracies
from mutoscope.metrics.classification import confusion_matrix as confusion_matrix
from mutoscope.metrics.classification import inception_score as inception_score
from mutoscope.metrics.classification import label_accuracy as label_accuracy
from mutoscope.metrics.codes import Controllability as Controllability
from mutoscope.metrics.codes import EffectSizes as EffectSizes
from mutoscope.metrics.codes import continuity as continuity
from mutoscope.metrics.codes import controllability as controllability
from mutoscope.metrics.codes import effect_sizes as effect_sizes
from mutoscope.metrics.codes import kendall as kendall
from mutoscope.metrics.codes import nmi as nmi
from mutoscope.metrics.codes import order_recovery as order_recovery
from mutoscope.metrics.codes import order_recovery_per_group as order_recovery_per_group
from mutoscope.metrics.codes import phase_by_pca as phase_by_pca
from mutoscope.metrics.codes import saturation as saturation
from mutoscope.metrics.codes import visible_motion as visible_motion
from mutoscope.metrics.compute import ComputeReport as ComputeReport
from mutoscope.metrics.compute import compute_report as compute_report
from mutoscope.metrics.extractors import Classifier as Classifier
from mutoscope.metrics.extractors import Extractor as Extractor
from mutoscope.metrics.extractors import PixelPCA as PixelPCA
from mutoscope.metrics.extractors import TrainedExtractor as TrainedExtractor
from mutoscope.metrics.extractors import load_trained_extractor as load_trained_extractor
from mutoscope.metrics.extractors import open_extractor as open_extractor
from mutoscope.metrics.extractors import train_clip_extractor as train_clip_extractor
from mutoscope.metrics.extractors import train_frame_extractor as train_frame_extractor
from mutoscope.metrics.frechet import FeatureStatistics as FeatureStatistics
from mutoscope.metrics.frechet import feature_statistics as feature_statistics
from mutoscope.metrics.frechet import frechet_distance as frechet_distance
from mutoscope.metrics.frechet import frechet_distance_of as frechet_distance_of
from mutoscope.metrics.frechet import frechet_name as frechet_name
from mutoscope.metrics.identity import acd_c as acd_c
from mutoscope.metrics.identity import acd_i as acd_i
from mutoscope.metrics.kernel import KernelDistance as KernelDistance
from mutoscope.metrics.kernel import kernel_distance as kernel_distance
from mutoscope.metrics.kernel import kernel_distance_interval as kernel_distance_interval
from mutoscope.metrics.kernel import kernel_distance_of_subsets as kernel_distance_of_subsets
from mutoscope.metrics.manifold import Manifolds as Manifolds
from mutoscope.metrics.manifold import manifold_measures as manifold_measures
from mutoscope.metrics.motion import DIRECTIONS as DIRECTIONS
from mutoscope.metrics.motion import MotionStatistics as MotionStatistics
from mutoscope.metrics.motion import SpeedHistogram as SpeedHistogram
from mutoscope.metrics.motion import flow as flow
from mutoscope.metrics.motion import flow_statistics as flow_statistics
from mutoscope.metrics.motion import motion_statistics as motion_statistics
from mutoscope.metrics.motion import speed_distance as speed_distance
from mutoscope.metrics.pixel import background_error as background_error
from mutoscope.metrics.pixel import flicker as flicker
from mutoscope.metrics.pixel import ms_ssim as ms_ssim
from mutoscope.metrics.pixel import ms_ssim_name as ms_ssim_name
from mutoscope.metrics.pixel import ms_ssim_scales as ms_ssim_scales
from mutoscope.metrics.pixel import psnr as psnr
from mutoscope.metrics.pixel import ssim as ssim
from mutoscope.metrics.pixel import temporal_difference_error as temporal_difference_error
from mutoscope.metrics.repeated import RepeatedScores as RepeatedScores
from mutoscope.metrics.repeated import Spread as Spread
from mutoscope.metrics.repeated import clip_statistics as clip_statistics
from mutoscope.metrics.repeated import repeated_scores as repeated_scores
