"""The options that describe a study, which several commands share, and the study that they describe."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from .errors import unknown

if TYPE_CHECKING:
    from .experiments.study import Study
    from .training.execution import Execution

MOST_NUMBERS = 1000
_STUDY_OPTIONS = (
    "seeds", "splits", "directions", "treatments", "cuts", "net", "width", "batch_norm", "dropout", "init", "epochs",
    "batch_size", "learning_rate", "steps", "schedule", "drop_every", "crop", "image_size", "images_per_class",
    "glyph_classes", "glyphs_per_class", "volumes",
    "few_steps", "long_epochs", "labels", "keep_steps", "targets", "arms", "protocols",
    "rates", "fc_steps", "views",
)  # fmt: skip


def add(parser: argparse.ArgumentParser, *, profile: str | None) -> None:
    """The options of a study; ``profile`` is the one that is taken where none is given."""
    group = parser.add_argument_group("the study (what is left out comes from the profile)")
    group.add_argument("--profile", default=profile, metavar="smoke|quick|full|paper", help=f"default: {profile}")
    group.add_argument(
        "--data", default="glyphs", metavar="NAME", help="glyphs, tiny-imagenet, cifar10, folder:PATH ..."
    )
    group.add_argument("--data-root", metavar="DIR", help="where the public sets lie or are downloaded to")
    group.add_argument("--seeds", type=_numbers, metavar="0,1|0-4")
    group.add_argument("--splits", type=words, metavar="random0,random1")
    group.add_argument("--directions", type=_directions, metavar="A-B,B-A", help="source-target")
    group.add_argument("--treatments", type=words, metavar="base,BnB,...")
    group.add_argument("--cuts", type=_numbers, metavar="1-7|1,4,7")
    group.add_argument("--net", metavar="NAME", help="alexnet_mini, alexnet or caffenet")
    group.add_argument("--width", type=int, metavar="W", help="filters of conv1 of alexnet_mini, a multiple of 12")
    group.add_argument("--batch-norm", action="store_true", default=None)
    group.add_argument("--dropout", type=float, metavar="P", help="in fc6 and fc7")
    group.add_argument(
        "--init", metavar="he|gaussian", help="how new layers are drawn: He, or the 2014 paper's Gaussian"
    )
    group.add_argument("--epochs", type=int, metavar="N")
    group.add_argument("--batch-size", type=int, metavar="N")
    group.add_argument("--learning-rate", type=float, metavar="RATE")
    group.add_argument("--steps", type=int, metavar="N", help="between two evaluations; default: one pass")
    group.add_argument("--schedule", metavar="linear|step", help="how the learning rate falls")
    group.add_argument("--drop-every", type=int, metavar="N", help="schedule step: steps until it is divided by 10")
    group.add_argument("--crop", type=int, metavar="PIXELS", help="random crops of this side; default: whole images")
    group.add_argument("--image-size", type=int, metavar="PIXELS")
    group.add_argument("--images-per-class", type=int, metavar="K", help="training images of the target; 0: all")
    group.add_argument("--volumes", type=_numbers, metavar="1,5,20", help="study volume: images per class")
    group.add_argument("--few-steps", type=int, metavar="N", help="study volume: steps per epoch with few images")
    group.add_argument("--long-epochs", type=int, metavar="N", help="study dip: epochs of the longer schedule")
    group.add_argument("--labels", type=_numbers, metavar="5,20,100", help="studies keep, fc: images per class")
    group.add_argument("--keep-steps", type=int, metavar="N", help="study keep: steps per epoch")
    group.add_argument("--targets", type=words, metavar="folder:PATH,...", help="studies keep, fc: other sets")
    group.add_argument("--arms", type=words, metavar="A,B", help="study fc: what stands behind the convolutions")
    group.add_argument("--protocols", type=words, metavar="P1,P3,...", help="study fc: how a network is moved")
    group.add_argument("--rates", type=rates, metavar="0.003,0.01", help="study fc: learning rates on a target")
    group.add_argument("--fc-steps", type=int, metavar="N", help="study fc: steps on a target")
    group.add_argument("--views", type=words, metavar="grey,inverted", help="study fc: views of the held-out classes")
    group.add_argument("--glyph-classes", type=int, metavar="K")
    group.add_argument("--glyphs-per-class", type=int, metavar="K")


def describes_study(options: argparse.Namespace) -> bool:
    """Whether any of the options says what the study is."""
    return bool(options.profile) or any(getattr(options, name) is not None for name in _STUDY_OPTIONS)


def study_of(options: argparse.Namespace) -> Study:
    """The study that the options describe. Raises InputError for what is no study."""
    from .experiments.profiles import study_profile

    chosen = {name: getattr(options, name) for name in _STUDY_OPTIONS}
    return study_profile(getattr(options, "study", "transfer"), options.profile, options.data, **chosen)


def execution_of(text: str | None, *, elsewhere: bool = False) -> Execution | None:
    """The device and precision that ``text`` names; None without one.

    Raises InputError for what is none and, unless it is for machines ``elsewhere``, for a device that is not here.
    """
    if text is None:
        return None
    from .training.execution import parse

    execution = parse(text)
    if not elsewhere:
        execution.check_device()
    return execution


def words(text: str) -> list[str]:
    """What stands between the commas of ``text``."""
    return [word.strip() for word in text.split(",") if word.strip()]


def _numbers(text: str) -> list[int]:
    """``0,1,4-6`` as [0, 1, 4, 5, 6]."""
    numbers: list[int] = []
    for word in words(text):
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", word)
        if not found or (found[2] and int(found[2]) < int(found[1])):
            raise argparse.ArgumentTypeError(f"{word!r} is not a number or a range such as 0-4")
        several = range(int(found[1]), int(found[2] or found[1]) + 1)
        if several.stop - several.start + len(numbers) > MOST_NUMBERS:
            raise argparse.ArgumentTypeError(f"{word!r} makes more than {MOST_NUMBERS} numbers")
        numbers += several
    return numbers


def rates(text: str) -> list[float]:
    """``0.01,0.02`` as numbers."""
    try:
        return [float(word) for word in words(text)]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of rates such as 0.01,0.02") from error


def _directions(text: str) -> list[tuple[str, str]]:
    """``A-B,B-A`` as pairs of source and target."""
    pairs = []
    for word in words(text):
        source, dash, target = word.partition("-")
        if not dash:
            raise argparse.ArgumentTypeError(str(unknown("direction", word, ("A-B", "B-A"))))
        pairs.append((source, target))
    return pairs
