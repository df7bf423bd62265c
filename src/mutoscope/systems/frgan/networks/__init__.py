"""The networks of FRGAN: forecasting (Table 1), refining (Table 2), their critics, the pose predictor (section 4)."""

from mutoscope.systems.frgan.networks.forecasting import Forecast, ForecastingNetwork, FrameCritic, Source
from mutoscope.systems.frgan.networks.pose_lstm import PosePredictor
from mutoscope.systems.frgan.networks.refining import ClipCritic, Refined, RefiningNetwork

__all__ = [
    "ClipCritic",
    "Forecast",
    "ForecastingNetwork",
    "FrameCritic",
    "PosePredictor",
    "Refined",
    "RefiningNetwork",
    "Source",
]
