"""How one network learns: recipe, loop, evaluation, and where it runs."""

from .execution import Execution, one_thread, parse, probe
from .learner import Epoch
from .loop import Pixels, TrainResult, evaluate, train, train_crew
from .recipe import Recipe

__all__ = [
    "Epoch",
    "Execution",
    "Pixels",
    "Recipe",
    "TrainResult",
    "evaluate",
    "one_thread",
    "parse",
    "probe",
    "train",
    "train_crew",
]
