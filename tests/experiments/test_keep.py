"""Networks moved to other images: what they keep, what is new, and that engine, store and table know them."""

from collections import Counter
from dataclasses import replace

import pytest
import torch

from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments import engine
from fctransfer_utils.experiments.keep_study import ARMS, keep_study
from fctransfer_utils.experiments.profiles import study_profile
from fctransfer_utils.experiments.progress import silent
from fctransfer_utils.experiments.run_target import moved_network
from fctransfer_utils.experiments.table import TARGET_COLUMNS, merge, read_table, tidy, write_table
from fctransfer_utils.experiments.target_spec import TargetSpec, spec_from_json
from fctransfer_utils.experiments.worker import load_images


@pytest.fixture
def first(study):
    return study(treatments=("base",)).runs[0]


@pytest.fixture
def keep(first):
    """``keep(**options)``: 11 tiny networks on 2 labels of each class of the other half."""
    plain = {
        "data": first.data, "net": first.net, "recipe": first.recipe, "splits": ("random0",), "seeds": (0,),
        "directions": (("A", "B"),), "labels": (2,), "steps": 2,
    }  # fmt: skip
    return lambda **options: keep_study(**{**plain, **options})


def test_every_cut_is_frozen_and_fine_tuned_and_one_network_starts_from_scratch(keep):
    runs = keep().runs
    assert Counter(run.protocol for run in runs) == {"frozen": 5, "fine-tuned": 5, "scratch": 1}
    assert [run.arm for run in runs if run.protocol == "frozen"] == [
        "conv5", "conv5+new fc6-fc7", "fc6", "fc6+new fc7", "fc7",
    ]  # fmt: skip
    assert {run.donor.target for run in runs if run.donor} == {"A"}
    assert {run.half for run in runs} == {"B"}
    assert all(spec_from_json(run.to_json()) == run for run in runs)


def test_a_network_is_the_donors_layers_and_new_ones_of_the_same_draw(keep, data_root, first):
    images = load_images(first.data, data_root)
    runs = {(run.arm, run.protocol): run for run in keep().runs}
    donor = {name: torch.randn_like(value) for name, value in _state_of_base(first, images).items()}
    nets = {place: moved_network(run, images=images, donor_state=donor) for place, run in runs.items()}
    for (arm, protocol), net in nets.items():
        kept = runs[arm, protocol].kept
        names = [name for name, _ in net.named_children()]
        assert len(net) == (8 if runs[arm, protocol].hidden == "new" else kept + 1)
        assert names[-1] == "fc8"
        state = net.state_dict()
        for name in state:
            if names.index(name.split(".")[0]) < kept:
                assert torch.equal(state[name], donor[name])
        assert state["fc8.linear.weight"].abs().max() > 0
        learns = {name.split(".")[0] for name, part in net.named_parameters() if part.requires_grad}
        assert len(learns) == (len(net) - kept if protocol == "frozen" else len(net))
    fresh, frozen = nets["conv5+new fc6-fc7", "fine-tuned"], nets["conv5+new fc6-fc7", "frozen"]
    assert torch.equal(fresh.fc6.linear.weight, frozen.fc6.linear.weight)
    assert torch.equal(fresh.fc6.linear.weight, nets["scratch", "scratch"].fc6.linear.weight)


def _state_of_base(first, images):
    from fctransfer_utils.data.splits import make_split
    from fctransfer_utils.experiments.run_network import start_network

    return start_network(first, images=images, split=make_split(first.split, images)).state_dict()


def test_the_engine_trains_them_after_their_base_and_the_table_holds_them(keep, store, data_root, tmp_path):
    made = keep()
    report = engine.run(made, store, progress=silent, data_root=data_root)
    assert (report.done, report.remaining) == (len(ARMS) * 2 + 1 + 1, 0)  # and the base they start from
    assert engine.run(made, store, progress=silent, data_root=data_root).done == 0
    rows = tidy(store.records(), study="keep")
    assert tuple(rows[0]) == TARGET_COLUMNS
    assert {row["key"] for row in rows} == {run.key for run in made.runs if run.treatment != "base"}
    write_table(rows, tmp_path / "keep.csv")
    assert read_table(tmp_path / "keep.csv") == merge(rows)
    assert {row["target_set"] for row in rows} == {"tiny-imagenet random0:B"}
    assert {row["labels_per_class"] for row in rows} == {2}


def test_other_sets_are_learnt_whole_from_the_first_base(keep):
    made = keep(splits=("random0", "natural-manmade"), targets=(DataSpec(name="folder:images/flowers"),))
    places = Counter((run.source.split, run.data.name, run.part) for run in made.runs)
    assert set(places) == {
        ("random0", "tiny-imagenet", "random0:B"),
        ("natural-manmade", "tiny-imagenet", "natural-manmade:B"),
        ("random0", "folder:images/flowers", "all"),
    }
    assert set(places.values()) == {11}
    assert "images/" not in made.runs[-1].title


def test_profiles_move_glyphs_near_and_far():
    parts = {run.part for run in study_profile("keep", "quick").runs}
    assert parts == {"random0:B", "letters-symbols:B"}
    assert {run.labels_per_class for run in study_profile("keep", "quick").runs} == {5}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"kept": 4}, "kept = 4"),
        ({"kept": 7, "hidden": "new"}, "after fc7"),
        ({"hidden": "old"}, "old"),
        ({"protocol": "fixed"}, "fixed"),
        ({"protocol": "scratch"}, "scratch keeps nothing"),
        ({"labels_per_class": -1}, "-1"),
        ({"part": "random0"}, "random0"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(first, changes, named):
    plain = TargetSpec(source=first, data=first.data)
    with pytest.raises(InputError, match=named):
        replace(plain, **changes)


def test_more_labels_than_there_are_and_no_labels_are_refused(keep, store, data_root):
    with pytest.raises(InputError, match="9 train images per class"):
        engine.run(keep(labels=(9,)), store, progress=silent, data_root=data_root)
    with pytest.raises(InputError, match="at least one"):
        keep(labels=())
