"""Which layers of a network to keep for pictures of yours: measured on them, within some minutes."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import InputError, one_line
from .files import build_folder, checksum, replacing, write_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor, nn

    from .data.folders import Summary
    from .data.images import Images
    from .models.plain import Plain, Source
    from .training.choices import Result, Split, Tuner

BUNDLED = "efficientnet_lite0"
BUNDLED_SIZE = 128  # pixels: the bundled network takes any size, and at this one fine-tuning fits into minutes
REPEATS = 2  # of all folds for probes, which are fast; fine-tuning goes through them once
MOST_TOGETHER = 24  # cuts; of more, eight spread over the depth are taken together


@dataclass(frozen=True)
class Kept:
    """What ``keep`` found.

    ``summary``: what came in. ``table``: see ``analysis.choices.compared``; ``splits``: the values behind it.
    ``sentences``: what to take, and how sure that is. ``snippet``: the network in plain code. ``left``: what the
    minutes had no room for, or "".
    """

    summary: Summary
    table: pd.DataFrame
    splits: pd.DataFrame
    figure: Figure
    sentences: tuple[str, str]
    snippet: str
    left: str

    def __str__(self) -> str:
        import pandas as pd

        from .analysis.choices import SINGLE
        from .analysis.stats import bracket

        rows = self.table[self.table["choice"] != SINGLE]
        shown = pd.DataFrame({
            "choice": rows["choice"],
            "layers": rows["layers"],
            "accuracy (%)": [bracket(row) for row in rows[["mean", "low", "high"]].to_numpy()],
            "over last cut": [bracket(row, sign=True) for row in rows[["gain", "gain_low", "gain_high"]].to_numpy()],
            "splits": rows["count"],
            "seconds": rows["seconds"].round(1),
            "learnt": rows["learnt"],
        })  # fmt: skip
        return "\n".join(filter(None, [shown.to_string(index=False), self.left, *self.sentences]))


def keep(
    folder: Path | str,
    *,
    network: str = BUNDLED,
    weights: Path | str | None = None,
    pretrained: bool = False,
    minutes: float = 5.0,
    folds: int = 5,
    image_size: int | None = None,
    groups: str = "",
    most: int = 1500,
    flip: bool = True,
    on_bad: str = "stop",
    save: Path | str | None = None,
    seed: int = 0,
    progress: bool = False,
    tell: Callable[[object], None] = lambda summary: None,
) -> Kept:
    """Which layers of ``network`` to keep for the pictures in ``folder``, one folder for each class.

    Every cut gets a ridge probe on its pooled features. Then, as far as ``minutes`` reach, the network is fine-tuned
    from the chosen cut. All is judged by ``folds`` folds of at most ``most`` images. What is chosen (cut, strength,
    rate) is chosen on images of the other folds.

    ``weights``: a file. ``pretrained``: those that the library fetches. The bundled network needs neither.
    ``image_size`` in pixels: if not the network's own, or 128 for the bundled one. ``groups``: a regular expression;
    pictures in whose paths it finds the same (its first group, if it has one) are held out together, as copies are
    where none is given. ``flip``: a mirrored picture is still one of its class. ``on_bad``: "stop" at pictures that
    cannot be read, or "skip" them. ``save``: a .safetensors file for the recommended network, fitted to all images.
    ``tell`` is given the summary of what came in before anything is measured.

    Raises InputError, before minutes are spent, for what cannot be measured.
    """
    deadline = time.monotonic() + 60 * minutes
    save = Path(save).expanduser() if save else None
    pattern = _checked(minutes, folds, most, image_size, groups, save, weights, seed)
    from .data.folders import read_all
    from .data.groups import copies, groups_of, same_shares
    from .models.layers import last_linear
    from .models.plain import Source
    from .models.pretrained import create, find, preprocessing

    find(network)
    if not (weights or pretrained or network == BUNDLED):
        raise InputError(
            f"{network!r} needs weights, as drawn ones know nothing: give --weights FILE, or --pretrained to have its "
            f"library fetch them. Those of {BUNDLED!r} are installed."
        )
    mean, std, own = preprocessing(network)
    size = (BUNDLED_SIZE if network == BUNDLED else own) if image_size is None else image_size
    net = create(network, pretrained=pretrained or not weights, weights=weights, size=size, seed=seed)
    images, paths, summary = read_all(folder, size=size, on_bad=on_bad, flip=flip, progress=progress)
    below = [path.relative_to(Path(folder).expanduser()).as_posix() for path in paths]
    together = groups_of(below, pattern) if pattern else copies(images)
    drawn = same_shares(images.labels, most, seed=seed)
    images, together = replace(images.at(drawn), mean=mean, std=std), together[drawn]
    _check_counts(images, together, folds, grouped=bool(groups))
    tell(f"{summary}\nmeasured on {len(images)} of them" if len(drawn) < len(paths) else summary)
    given = net.get_submodule(last_linear(net)).out_features
    source = Source(network, size, given, str(weights or ""), str(save or ""))
    return measure(
        net, images, summary, source, groups=together, folds=folds, deadline=deadline, seed=seed, progress=progress
    )


def measure(
    net: nn.Sequential,
    images: Images,
    summary: Summary,
    source: Source,
    *,
    groups: Tensor,
    folds: int = 5,
    deadline: float = 0.0,
    seed: int = 0,
    progress: bool = False,
) -> Kept:
    """``keep`` for a network and images that are there; ``deadline`` is a time of ``time.monotonic``."""
    import pandas as pd
    from tqdm.auto import tqdm

    from .analysis.choices import CHOSEN, LAST, PLACES, SINGLE, compared, decided
    from .analysis.stats import bracket
    from .training.choices import Tuner, probe_at, splits, without_scores
    from .training.device import best_device
    from .training.features import kept_features

    classes, cuts, device = len(images.classes), range(1, len(net)), best_device()
    parts = splits(images.labels, folds, repeats=REPEATS, seed=seed, groups=groups)
    for label, name in enumerate(images.classes):
        if not all(bool((images.labels[part.held] == label).any()) for part in parts):
            raise InputError(
                f"the groups leave a fold of {folds} without class {name!r}; give fewer folds or smaller groups."
            )
    found = kept_features(without_scores(net), images, device=device, progress=progress)
    spread = kept_features(net[:-1], images, pool=2, device=device, progress=progress)
    several = [*cuts] if len(cuts) <= MOST_TOGETHER else [round(1 + k * (len(cuts) - 1) / 7) for k in range(8)]
    together = f"{'all' if len(several) == len(cuts) else '8'} cuts together"
    rows: list[dict[str, object]] = []

    def note(choice: str, split: int, result: Result) -> None:
        rows.append({"choice": choice, "split": split, **result._asdict()})

    chosen = []
    for number, split in enumerate(tqdm(parts, desc="probes", unit="split", leave=False, disable=not progress)):
        single = [probe_at(n, found, images.labels, split, classes=classes) for n in cuts]
        best = max(single, key=lambda result: result.inside)  # of equals, the first
        chosen.append(best.cut)
        note(LAST, number, single[-1])
        note(CHOSEN, number, best)
        if spread:
            four = [probe_at(n, spread, images.labels, split, classes=classes) for n in spread]
            note(PLACES, number, max(four, key=lambda result: result.inside))
        note(together, number, probe_at(several, found, images.labels, split, classes=classes))
        for result in single:
            note(SINGLE, number, result)
    tuner = Tuner(net, images, found, device=device, seed=seed)
    left = _fine_tune(tuner, parts[:folds], chosen, note, deadline=deadline, progress=progress)
    table = pd.DataFrame(rows)
    means = compared(table, test_share=1 / folds)
    take, sure = decided(table, test_share=1 / folds)
    row = means[means["choice"] == take].iloc[0]
    n, snippet = _finished(tuner, source, take, several, spread, table, groups)
    what = (
        f"Take {_words(take, n, net)}: {bracket(row[['mean', 'low', 'high']])} % of the images that had no part in "
        f"the choice are right, over {row['count']} splits."
    )
    return Kept(summary, means, table, _figure(means, net), (what, sure), snippet, left)


def _fine_tune(
    tuner: Tuner,
    parts: Sequence[Split],
    chosen: Sequence[int],
    note: Callable[[str, int, Result], None],
    *,
    deadline: float,
    progress: bool,
) -> str:
    """Fine-tune in one way after the other, the cheapest first, in as many splits as there is time for.

    Each way comes into enough splits for an interval before any goes into more, and one for which there is no time in
    so many is not begun. Returns a sentence on what was left.
    """
    from tqdm.auto import tqdm

    from .analysis.choices import LEAST
    from .training.choices import treatments

    least, seconds, lost = min(LEAST, len(parts)), {}, {}
    plan = sorted(product(treatments(1, 1), range(len(parts))), key=lambda step: step[1] >= least)
    for name, number in tqdm(plan, desc="fine-tuning", leave=False, disable=not progress):
        if name in lost:
            continue
        what = treatments(chosen[number], len(tuner.net))[name]
        if number == 0:
            seconds[name] = tuner.forecast(what, parts[0]) if time.monotonic() < deadline else 0.0
        start = time.monotonic()
        if start + seconds[name] * (1 if number else least) < deadline:
            note(name, number, tuner.judge(what, parts[number]))
            seconds[name] = time.monotonic() - start
        else:
            lost[name] = seconds[name] * (len(parts) - number)
    more = f"; {max(1, round(sum(lost.values()) / 60))} minutes more would do" if all(lost.values()) else ""
    return f"No time in some or all splits for: {', '.join(lost)}{more}." if lost else ""


def _words(take: str, n: int, net: nn.Sequential) -> str:
    """A choice as part of a sentence; ``n`` is the cut that was chosen with all images."""
    from .analysis.choices import CHOSEN, LAST, PLACES

    if take.endswith("together"):
        return f"{take}, frozen, with one linear layer"
    blocks = f"block {n} of {len(net) - 1} ({[*dict(net.named_children())][n - 1]!r})"
    if take == "everything fine-tuned":
        return take
    if take in (LAST, CHOSEN, PLACES):
        places = "2 x 2 places of the map and " if take == PLACES else ""
        return f"the blocks up to {blocks}, frozen, with {places}one linear layer"
    return f"{take}, {blocks}"


def _finished(
    tuner: Tuner,
    source: Source,
    take: str,
    several: Sequence[int],
    spread: dict[int, Tensor],
    splits: pd.DataFrame,
    groups: Tensor,
) -> tuple[int, str]:
    """The cut chosen with all images, and the code of the network to take, whose weights go to a file if asked for."""
    import torch

    from .analysis.choices import CHOSEN, LAST, PLACES
    from .models import plain
    from .training.choices import INNER, as_layer, chosen_probe, treatments, with_head
    from .training.probes import Probe, folds

    net, images, everything = tuner.net.cpu().eval(), tuner.images, torch.arange(len(tuner.images))
    inner, classes = folds(images.labels, INNER, seed=tuner.seed, groups=groups), len(images.classes)

    def probe(*cuts: int) -> tuple[Probe, float]:
        return chosen_probe({n: read[n] for n in cuts}, images.labels, everything, inner, classes=classes)

    how, read = "", spread if take == PLACES else tuner.found
    n = len(net) - 1 if take == LAST else max((n for n in read if n < len(net)), key=lambda cut: probe(cut)[1])
    if take in (LAST, CHOSEN, PLACES):
        head = with_head(net[:n], as_layer(probe(n)[0]), pool=2 if take == PLACES else 1)
        found = plain.cut(source, head, frozen=True)
    elif take.endswith("together"):
        found = plain.together(source, net, as_layer(probe(*several)[0]), cuts=several)
    else:
        what, rate = treatments(n, len(net))[take], float(splits.loc[splits["choice"] == take, "rate"].median())
        how = f"\n# fine-tuned at rate {rate:g} from a last layer that had learnt alone, with batch norm in eval()"
        fitted = tuner.fit(what, everything, rate)[0].cpu() if source.saved else tuner.start(what, everything)
        if what.cut == len(net):
            found = plain.fine_tuned(source, fitted, frozen=what.frozen)
        else:
            found = plain.cut(source, fitted, frozen=False)
    if source.saved:
        _save(found, source, images, take)
    mean, std = ([round(value, 4) for value in each] for each in (images.mean, images.std))
    return n, f"# images: {source.size} x {source.size} pixels in 0..1, less {mean}, over {std}{how}\n{found.code}"


def _save(found: Plain, source: Source, images: Images, take: str) -> None:
    from safetensors.torch import save_file

    about = {"network": source.name, "choice": take, "size": source.size, "classes": list(images.classes)}
    notes = {name: value if isinstance(value, str) else json.dumps(value) for name, value in about.items()}
    with replacing(source.saved) as temporary:
        save_file(found.tensors, temporary, metadata=notes)


def _figure(means: pd.DataFrame, net: nn.Sequential) -> Figure:
    """Accuracy over the cut: each alone, and the other choices where they cut, or across."""
    from .analysis.choices import CHOSEN, LAST, SINGLE
    from .plots.kinds import PERCENT, curves

    shown = means[~means["choice"].isin([LAST, CHOSEN])].sort_values("choice", key=lambda names: names != SINGLE)
    shown = shown.assign(choice=shown["choice"].replace(SINGLE, "one cut, frozen"))
    lines = [name for name in shown["choice"] if name.endswith(("together", "everything fine-tuned"))]
    names = [name for name, _ in net.named_children()]
    at = shown["cut"].fillna(1).clip(upper=len(names) - 1).astype(int)
    shown = shown.assign(at=at if len(names) > 14 else [names[cut - 1] for cut in at])
    return curves(
        shown, "at", hue="choice", across=lines, bounds=PERCENT, counted="splits",
        xlabel="block behind which it is cut", ylabel="top-1 (%)",
    )  # fmt: skip


def _checked(
    minutes: float,
    folds: int,
    most: int,
    image_size: int | None,
    groups: str,
    save: Path | None,
    weights: Path | str | None,
    seed: int,
) -> re.Pattern[str] | None:
    """The pattern of groups, if there is one; InputError for options that cannot be meant."""
    if not minutes > 0:
        raise InputError(f"minutes = {minutes} leave no time; give more than 0.")
    if not 2 <= folds <= 20:
        raise InputError(f"{folds} folds are not possible; give 2 to 20, such as 5.")
    if most < 4:
        raise InputError(f"{most} images are too few to measure on; give 100 or more.")
    if image_size is not None and image_size < 1:
        raise InputError(f"images of {image_size} pixels hold nothing; give their side, such as {BUNDLED_SIZE}.")
    if not 0 <= seed < 2**63:
        raise InputError(f"seed {seed} is not possible; give 0 to {2**63 - 1}.")
    if save and (save.suffix != ".safetensors" or save.is_dir()):
        raise InputError(f"{str(save)!r} to save to is no file that ends in .safetensors; give one.")
    if save and weights and save.resolve() == Path(weights).expanduser().resolve():
        raise InputError(f"{str(save)!r} holds the weights to start from, and would be lost; save to another file.")
    if save and not os.access(save.absolute().parent, os.W_OK):
        raise InputError(f"file {str(save)!r} cannot be written; name one in a folder that takes new files.")
    try:
        return re.compile(groups) if groups else None
    except re.error as error:
        raise InputError(f"groups {groups!r} is no regular expression: {one_line(error)}; try '([^/_]+)_'.") from None


def _check_counts(images: Images, groups: Tensor, folds: int, *, grouped: bool) -> None:
    """Raise InputError for a class of which some fold would have nothing to judge, or too little to choose by."""
    least = max(folds, 4 if folds == 2 else 3)
    for label, name in enumerate(images.classes):
        count = len(groups[images.labels == label].unique())
        if count < least:
            what = "groups" if grouped else "different images"
            raise InputError(
                f"class {name!r} has {count} {what}, and {folds} folds need {least} or more of every class; add some, "
                f"move its folder away, or ask for fewer folds{' (--folds 3)' if folds > 3 and count >= 3 else ''}."
            )


def add_options(parser: ArgumentParser) -> None:
    """The options of ``fctransfer keep``."""
    add = parser.add_argument
    add("folder", metavar="FOLDER", help="pictures of yours: a folder for each class")
    add("--network", default=BUNDLED, metavar="NAME", help="of timm or torchvision; default: %(default)s, installed")
    add("--weights", metavar="FILE", help="its weights: .safetensors, .pth")
    add("--pretrained", action="store_true", help="its public weights, which its library fetches")
    add("--minutes", type=float, default=5, metavar="M", help="for all; default: %(default)s")
    add("--folds", type=int, default=5, metavar="K", help="default: %(default)s")
    add("--image-size", type=int, metavar="PIXELS", help=f"default: the network's own, {BUNDLED_SIZE} for {BUNDLED}")
    add("--groups", default="", metavar="REGEX", help="pictures in whose paths it finds the same are not parted")
    add("--images", type=int, default=1500, metavar="N", help="measure on at most so many; default: %(default)s")
    add("--no-flip", action="store_true", help="a mirrored picture is another class: text, documents, left and right")
    add("--skip-unreadable", action="store_true", help="leave out pictures that cannot be read, and go on")
    add("--seed", type=int, default=0, metavar="S", help="of folds and order; default: %(default)s")
    add("--save", metavar="FILE", help="the recommended network, fitted to all images: .safetensors")


def run(arguments: Namespace) -> int:
    """Do what the options say; returns the exit status. Files of the figure and the table lie in ``build_folder()``."""
    from .plots.style import save

    found = keep(
        arguments.folder, network=arguments.network, weights=arguments.weights, pretrained=arguments.pretrained,
        minutes=arguments.minutes, folds=arguments.folds, image_size=arguments.image_size, groups=arguments.groups,
        most=arguments.images, flip=not arguments.no_flip, on_bad="skip" if arguments.skip_unreadable else "stop",
        save=arguments.save, seed=arguments.seed, progress=bool(sys.stderr and sys.stderr.isatty()), tell=print,
    )  # fmt: skip
    asked = {name: str(value) for name, value in vars(arguments).items() if name not in ("run", "parser", "save")}
    name = f"keep_{checksum(asked | {'folder': str(Path(arguments.folder).resolve())})[:8]}"
    figure, table = (build_folder() / "figures" / f"{name}.{ending}" for ending in ("png", "csv"))
    save(found.figure, figure)
    write_text(table, found.table.round(3).to_csv(index=False))
    print(found, "", found.snippet, "", f"{figure}\n{table}", sep="\n")
    return 0
