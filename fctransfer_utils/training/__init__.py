"""How one network learns: recipe, loop, evaluation, and where it runs."""

from .execution import Execution, one_thread, parse, probe
from .loop import Epoch, Pixels, TrainResult, evaluate, train
from .recipe import Recipe

__all__ = ["Epoch", "Execution", "Pixels", "Recipe", "TrainResult", "evaluate", "one_thread", "parse", "probe", "train"]
