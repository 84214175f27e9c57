"""What notebook 12 looks at, measured once from trained networks and read by everybody: filters, maps and pictures.

The notebook trains nothing in any profile. ``fctransfer measure explore_filters`` and ``explore_maps`` write its tables
from the networks that a store holds; ``figures/data/README.md`` has the commands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from ..experiments.record import Record
    from ..experiments.spec import RunSpec
    from ..experiments.study import Study
    from .lesson import Course

FILTERS, MAPS, PICTURES = "explore_filters", "explore_maps", "explore_pictures"
SETS = ("glyphs", "tiny-imagenet")  # whose transfer study and filters are offered
SHOWN, SEEDS, PER_CLASS = 6, 3, 20  # pictures, networks of each kind, and the images that pictures are drawn from
DIGITS = 3  # of a stored weight
KINDS = {"glyphs": "glyphs", "tiny-imagenet": "photographs"}
HALVES = {"letters-symbols": {"A": "letters", "B": "symbols"}, "natural-manmade": {"A": "natural", "B": "man-made"}}
BEHIND = {"": "", "A": ", GAP", "B": ", FC layers", "C": ", GAP and FC layers", "D": ", flatten", "E": ", deep GAP"}


def committed_sets(run: Course) -> list[str]:
    """The data sets of SETS whose transfer study is committed, with glyphs first. Raises InputError for none."""
    there = [name for name in SETS if run.has_evidence("transfer", data=name)]
    if not there:
        raise InputError("figures/data/transfer.csv holds no study to explore; restore it from the project.")
    return there


def accuracies(run: Course, sets: Sequence[str]) -> pd.DataFrame:
    """``analysis.explore.accuracies`` of the committed transfer study of each of ``sets``, with a column ``data``."""
    import pandas as pd

    from ..analysis.explore import accuracies as of_table

    parts = [of_table(run.evidence("transfer", data=name)).assign(data=name) for name in sets]
    return pd.concat(parts, ignore_index=True)


def filters(run: Course) -> pd.DataFrame:
    """The committed filters of every set of SETS that has any: ``task, seed, net, filter, gabor_r2`` and weights."""
    return _committed(run, FILTERS, [name for name in SETS if run.has_evidence(FILTERS, data=name)] or SETS[:1])


def maps(run: Course) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The committed maps of the FC arms and the pictures that they are of (rendered glyphs only)."""
    return _committed(run, MAPS, SETS[:1]), _committed(run, PICTURES, SETS[:1])


def evidence(run: Course) -> pd.DataFrame:
    """The evidence of the guide of notebook 11: every committed table."""
    from .guide import DISTANCES, all_evidence

    own = {"keep": run.evidence("keep", data=SETS[0]), "distances": run.evidence(DISTANCES, data=SETS[0])}
    return all_evidence(run, **own)


def task_of(spec: RunSpec) -> str:
    """What a network has learnt, in words: ``glyphs, letters`` or ``photographs, random half A, FC layers``."""
    half = HALVES.get(spec.split, {}).get(spec.target, f"random half {spec.target}")
    kind = KINDS.get(spec.data.name, spec.data.name)
    return f"{kind}, {half}{BEHIND[getattr(spec.net, 'arm', '')]}"


def measure_filters(run: Course, study: Study) -> None:
    """Write the first layers of all networks in the run's store that learnt the study's images from scratch.

    Raises InputError when the store holds none with its weights.
    """
    found = [record for record in run.store.records() if _is_base(record, study) and _has_weights(run, record)]
    if not found:
        raise InputError(
            f"the store {run.store.path} holds no base network of these images; train some with fctransfer run."
        )
    run.measure(FILTERS, lambda: filter_rows(run, found))


def filter_rows(run: Course, records: Sequence[Record]) -> pd.DataFrame:
    """``first_layer.pack`` of each network before and after training, with its ``task, split, seed`` and top-1."""
    import pandas as pd

    from ..analysis.explore import AFTER, BEFORE
    from ..analysis.first_layer import pack
    from ..data.splits import make_split
    from ..experiments.run_network import start_network
    from ..experiments.worker import load_images

    parts = []
    for record in sorted(records, key=lambda record: (task_of(record.spec), record.spec.seed)):
        spec = record.spec
        images = load_images(spec.data, run.project.data)
        begun = start_network(spec, images=images, split=make_split(spec.split, images))
        trained = run.store.weights(record.key)["conv1.conv.weight"]
        packed = pack({BEFORE: begun.conv1.conv.weight, AFTER: trained.float()})
        weights = [name for name in packed.columns if name.startswith("w") and name[1].isdecimal()]
        packed[weights] = packed[weights].round(DIGITS)
        about = {"task": task_of(spec), "split": spec.split, "seed": spec.seed, "top1": record.result.top1}
        for place, (name, value) in enumerate(about.items()):
            packed.insert(place, name, value)
        parts.append(packed)
    return pd.concat(parts, ignore_index=True)


def measure_maps(run: Course, study: Study) -> None:
    """Write the heat maps of the source networks of a study ``fc`` that the run's store holds, and the pictures.

    Raises InputError when the store holds none of them.
    """
    from .firewall import sources

    there = [spec for spec in sources(study) if run.store.has(spec.key)]
    if not there:
        raise InputError(
            f"the store {run.store.path} holds no source network of this study; train it with fctransfer run fc."
        )
    tables = map_tables(run, there)
    for name, table in tables.items():
        run.measure(name, lambda table=table: table)


def map_tables(
    run: Course, specs: Sequence[RunSpec], *, shown: int = SHOWN, per_class: int = PER_CLASS
) -> Mapping[str, Any]:
    """The maps of the networks of ``specs`` on ``shown`` pictures drawn by the run's seed, and those pictures.

    The pictures are those of notebook 10 and some more: images with known boxes that no network has learnt.
    """
    import pandas as pd

    from .firewall import PLACES, images_with_boxes, pictures_drawn, with_begun
    from .firewall_tables import map_rows, picture_rows

    boxed = images_with_boxes(run, specs[0], per_class=per_class)
    drawn = pictures_drawn(boxed, shown, run.seed)
    rows = [{**source.place, **row} for source in with_begun(run, specs) for row in map_rows(source, boxed, drawn)]
    pictures = picture_rows(boxed, drawn, rendered=boxed.name == PLACES)
    return {MAPS: pd.DataFrame(rows), PICTURES: pd.DataFrame(pictures)}


def built_layers(n: int) -> dict[str, list[dict[str, Any]]]:
    """The layers of every treatment at cut ``n``, read off from networks that the code builds (nothing is trained).

    The smallest networks of the package, with donors of other random weights; ``models.origins`` says whose bits each
    layer has.
    """
    from ..analysis.explore import DRAWN
    from ..data import load, make_split
    from ..experiments.profiles import transfer_profile
    from ..experiments.run_network import start_network
    from ..models import build, state_of
    from ..models.origins import origins

    study = transfer_profile("smoke", "glyphs", seeds=(0,), treatments=DRAWN, cuts=(n,))
    specs = {spec.treatment: spec for spec in study.runs if spec.target == "B"}
    images = load(specs["base"].data)
    split = make_split(specs["base"].split, images)
    classes = {half: len(split.halves[half]) for half in "AB"}
    side = specs["base"].data.image_size
    donors = {
        half: state_of(build(specs["base"].net, classes=classes[half], image_size=side, seed=seed))
        for half, seed in (("A", 101), ("B", 102))
    }
    found = {}
    for name in DRAWN:
        state = donors.get(specs[name].source)
        found[name] = origins(start_network(specs[name], images=images, split=split, donor_state=state), donors)
    return found


def _committed(run: Course, name: str, sets: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    # the copy joins columns of one type: rows of a table of 80 loose columns take ten times as long to pick
    return pd.concat([run.evidence(name, data=data) for data in sets], ignore_index=True).copy()


def _is_base(record: Record, study: Study) -> bool:
    from ..experiments.spec import RunSpec

    spec = record.spec
    wanted = study.runs[0].data.name
    return isinstance(spec, RunSpec) and spec.treatment == "base" and spec.data.name == wanted


def _has_weights(run: Course, record: Record) -> bool:
    return not run.store.weights_fault(record.key)
