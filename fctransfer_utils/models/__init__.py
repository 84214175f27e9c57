"""Networks as numbered layers, and the surgery that the treatments need."""

from .alexnet import LAYER_NAMES, build
from .arms import ARMS
from .spec import INITIALISATIONS, NETWORKS, NetSpec
from .surgery import check_cut, copy_layers, copy_prefix, freeze, layer_numbers, parameter_counts, state_of, train_mode

__all__ = [
    "ARMS",
    "INITIALISATIONS",
    "LAYER_NAMES",
    "NETWORKS",
    "NetSpec",
    "build",
    "check_cut",
    "copy_layers",
    "copy_prefix",
    "freeze",
    "layer_numbers",
    "parameter_counts",
    "state_of",
    "train_mode",
]
