"""The FC study: arms moved by protocols; what is copied, what stands still, and crews that change nothing."""

from collections import Counter
from dataclasses import replace

import pytest
import torch

from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments import engine, run_fc
from fctransfer_utils.experiments.fc_spec import ON_SOURCE, PROTOCOLS, FcSpec
from fctransfer_utils.experiments.fc_study import fc_study
from fctransfer_utils.experiments.plan import make_plan
from fctransfer_utils.experiments.profiles import study_profile
from fctransfer_utils.experiments.progress import by_epochs, silent
from fctransfer_utils.experiments.record import parse_record
from fctransfer_utils.experiments.run_network import run_crew, run_network
from fctransfer_utils.experiments.spec import RunSpec
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.experiments.table import FC_COLUMNS, merge, read_table, tidy, write_table
from fctransfer_utils.experiments.target_spec import spec_from_json
from fctransfer_utils.experiments.worker import load_images
from fctransfer_utils.files import canonical_json
from fctransfer_utils.models import ARMS, NetSpec, build, state_of
from fctransfer_utils.models.arms import TRUNK
from fctransfer_utils.training.execution import Execution
from fctransfer_utils.training.recipe import Recipe

COLOURS = DataSpec(name="tiny-imagenet")
EXECUTION = Execution()


def made(**options):
    plain = {
        "data": COLOURS,
        "net": NetSpec("alexnet_map", width=12, arm="A", dropout=0.2),
        "recipe": Recipe(epochs=1, batch_size=16),
        "splits": ("random0",),
        "seeds": (0,),
        "arms": ("A", "B"),
        "protocols": PROTOCOLS,
        "labels": (2,),
        "rates": (0.01, 0.05),
        "steps": 3,
        "targets": [(COLOURS, "random0:B")],
        "validation": 2,
    }
    return fc_study(**{**plain, **options})


def moved(**options):
    source = RunSpec(data=COLOURS, net=NetSpec("alexnet_map", width=12, arm=options.pop("arm", "B")), target="A")
    plain = {"data": COLOURS, "part": "random0:B", "labels_per_class": 2, "validation_per_class": 2}
    plain["recipe"] = Recipe(epochs=1, crop_padding=0)
    return FcSpec(source=source, **{**plain, **options})


def donor_of(spec, classes=3):
    return state_of(build(spec.source.net, classes=classes, image_size=32, seed=5))


def test_every_arm_has_its_protocols_at_every_rate():
    study = made(arms=tuple(ARMS), protocols=(*PROTOCOLS, *ON_SOURCE))
    counts = Counter((run.arm, run.protocol) for run in study.runs if isinstance(run, FcSpec))
    assert all(counts[arm, name] == 2 for arm in ARMS for name in ("P1", "P2", "P3", "P6", "P7"))
    assert [arm for arm in ARMS if counts[arm, "P4"]] == ["B", "C", "E"]
    assert [arm for arm in ARMS if counts[arm, "P5"]] == ["A"]
    assert {arm: counts[arm, "P8"] for arm in ARMS} == {"A": 8, "B": 12, "C": 12, "D": 8, "E": 12}
    assert [counts["B", name] for name in ON_SOURCE] == [1, 1]
    assert [run.net.arm for run in study.runs[: len(ARMS)]] == list(ARMS)


def test_probes_of_every_layer_are_made_with_the_most_labels_only():
    probed = [run.labels_per_class for run in made(labels=(1, 2)).runs if run.treatment == "P8"]
    assert set(probed) == {2}


@pytest.mark.parametrize("run", made(protocols=(*PROTOCOLS, *ON_SOURCE)).runs, ids=lambda run: run.title)
def test_a_specification_is_read_back_from_its_json(run):
    again = spec_from_json(run.to_json())
    assert again == run
    assert again.key == run.key


def test_a_view_and_an_arm_are_in_the_json_only_where_they_are_used():
    plain = RunSpec()
    assert not {"view", "arm"} & set(canonical_json(plain.to_json()).replace('"', " ").split())
    viewed = replace(moved(), data=replace(COLOURS, view="grey"))
    assert viewed.to_json()["data"]["view"] == "grey"
    assert viewed.to_json()["source"]["net"]["arm"] == "B"
    assert viewed.target_label == "tiny-imagenet grey random0:B"


@pytest.mark.parametrize(
    ("protocol", "copied", "new"),
    [
        ("P2", ["conv1", "conv5", "fc6", "fc7"], ["fc8"]),
        ("P3", ["conv1", "conv5", "fc6", "fc7"], ["fc8"]),
        ("P4", ["conv1", "conv5"], ["fc6", "fc7", "fc8"]),
        ("P6", ["conv1", "conv5", "fc6", "fc7"], ["fc8"]),
        ("P7", [], ["conv1", "conv5", "fc6", "fc7", "fc8"]),
        ("continued", ["conv1", "conv5", "fc6", "fc7", "fc8"], []),
    ],
)
def test_a_protocol_copies_what_it_says_and_draws_the_rest_anew(protocol, copied, new):
    spec = moved(protocol=protocol)
    donor = donor_of(spec)
    state = run_fc.moved_network(spec, classes=3, donor_state=donor).state_dict()
    for name in (*copied, *new):
        kind = "conv" if name.startswith("conv") else "linear"
        assert torch.equal(state[f"{name}.{kind}.weight"], donor[f"{name}.{kind}.weight"]) == (name in copied)


def test_fc_layers_added_at_the_target_stand_on_the_trunk_without_and_the_conversion_turns_them_into_gap():
    added = moved(protocol="P5", arm="A")
    net = run_fc.moved_network(added, classes=3, donor_state=donor_of(added))
    assert [name for name, _ in net.named_children()][TRUNK:] == ["fc6", "fc7", "fc8"]
    assert torch.equal(net.conv5.conv.weight, donor_of(added)["conv5.conv.weight"])
    converted = moved(protocol="converted", part="random0:A", labels_per_class=0)
    net = run_fc.moved_network(converted, classes=3, donor_state=donor_of(converted))
    assert [name for name, _ in net.named_children()][TRUNK:] == ["fc8"]
    assert torch.equal(net.conv5.conv.weight, donor_of(converted)["conv5.conv.weight"])


def test_all_protocols_of_a_seed_learn_the_same_images_and_none_of_those_that_choose_the_rate(data_root):
    images = load_images(COLOURS, data_root)
    parts = [run_fc.parts_of(moved(protocol=name, arm=arm), images) for name, arm in (("P3", "A"), ("P2", "B"))]
    assert torch.equal(parts[0].learn.images, parts[1].learn.images)
    assert torch.equal(parts[0].judge.images, parts[1].judge.images)
    learnt = {image.numpy().tobytes() for image in parts[0].learn.images}
    assert not learnt & {image.numpy().tobytes() for image in parts[0].judge.images}


def test_a_crew_gives_the_records_that_each_network_gets_alone(data_root):
    runs = [run for run in made(rates=(0.01, 0.05)).runs if run.treatment in ("P1", "P2", "P8") and run.arm == "B"]
    assert len({run.crew for run in runs}) == 1
    images, donors = load_images(COLOURS, data_root), {runs[0].source.key: donor_of(runs[0])}
    together = run_crew(runs, images=images, donors=donors, execution=EXECUTION)
    for run, (record, _) in zip(runs, together, strict=True):
        alone, _ = run_network(run, images=images, donor_state=donor_of(run), execution=EXECUTION)
        assert alone.outcome() == record.outcome()


def test_a_frozen_trunk_does_not_move_and_a_fine_tuned_one_does(data_root):
    images = load_images(COLOURS, data_root)
    spec = moved(protocol="P3", recipe=Recipe(epochs=1, steps=3, batch_size=4, learning_rate=0.05, crop_padding=0))
    donor = donor_of(spec)
    record, state = run_network(spec, images=images, donor_state=donor, execution=EXECUTION)
    assert set(record.measures) == {"validation_top1", "moved", "cka", *(f"moved_conv{n}" for n in range(1, 6))}
    assert record.measures["moved"] > 0
    assert record.measures["cka"] <= 1
    assert not torch.equal(state["conv5.conv.weight"], donor["conv5.conv.weight"])
    frozen = replace(spec, source=replace(spec.source, net=replace(spec.source.net, arm="E")), protocol="P2")
    assert frozen.crew is None  # a head with convolutions learns alone
    _, kept = run_network(frozen, images=images, donor_state=donor_of(frozen), execution=EXECUTION)
    assert torch.equal(kept["conv5.conv.weight"], donor_of(frozen)["conv5.conv.weight"])
    assert not torch.equal(kept["conv6.conv.weight"], donor_of(frozen)["conv6.conv.weight"])


def test_head_first_leaves_everything_else_alone_in_its_first_phase():
    spec = moved(protocol="P6", recipe=Recipe(epochs=1, steps=9, crop_padding=0))
    (first, still), (second, none) = run_fc._phases(spec, 8)
    assert (first.steps, second.steps) == (4, 5)
    assert still == (1, 2, 3, 4, 5, 6, 7)
    assert not none


def test_a_record_with_measures_is_read_back_and_one_without_is_as_before(data_root):
    images, spec = load_images(COLOURS, data_root), moved(protocol="P7")
    record, _ = run_network(spec, images=images, execution=EXECUTION)
    assert parse_record(canonical_json(record.to_json())) == record
    assert "measures" not in replace(record, measures={}).to_json()


def test_the_engine_trains_the_study_and_the_table_holds_it(store, data_root, tmp_path):
    study = made(arms=("A", "B"), protocols=("P1", "P2", "P5", "continued"), seeds=(0, 1))
    told = []
    report = engine.run(study, store, progress=told.append, data_root=data_root)
    assert (report.done, report.remaining) == (len(study.runs), 0)
    assert {now.run.key for now in told if now.event == "epoch"} == {run.key for run in study.runs if by_epochs(run)}
    rows = tidy(store.records(), study="fc")
    assert tuple(rows[0]) == FC_COLUMNS
    write_table(rows, tmp_path / "fc.csv")
    again = read_table(tmp_path / "fc.csv")
    assert [row["key"] for row in again] == [row["key"] for row in merge(rows)]
    assert {row["protocol"] for row in rows} == {"source", "P1", "P2", "P5", "continued"}
    assert {row["net"] for row in rows} == {"alexnet_map-12-drop0.2"}


def test_workers_give_the_records_of_one_process(tmp_path, data_root, outcomes):
    study = made(protocols=("P1", "P2", "P3"), rates=(0.01,), seeds=(0, 1))
    stores = [Store(tmp_path / name) for name in ("one", "two")]
    for workers, store in enumerate(stores, start=1):
        report = engine.run(study, store, progress=silent, data_root=data_root, workers=workers)
        assert report.done == len(study.runs)
    assert outcomes(stores[0]) == outcomes(stores[1])


def test_a_study_cut_off_in_the_middle_goes_on_where_it_was(store, data_root, outcomes, tmp_path):
    study, seen = made(protocols=("P1", "P2", "P3")), []

    def stop(now):
        seen.append(now)
        if now.event == "trained" and now.trained == 4:
            raise KeyboardInterrupt

    assert engine.run(study, store, progress=stop, data_root=data_root).interrupted
    assert 0 < len(make_plan(study, store).todo) < len(study.runs)
    engine.run(study, store, progress=silent, data_root=data_root)
    whole = Store(tmp_path / "whole")
    engine.run(study, whole, progress=silent, data_root=data_root)
    assert outcomes(store) == outcomes(whole)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"arm": "A", "protocol": "P4"}, "arm A has no hidden part"),
        ({"arm": "B", "protocol": "P5"}, "P5 starts from arm A, not from B"),
        ({"arm": "A", "protocol": "continued"}, "continued starts from arm B"),
        ({"protocol": "P9"}, "unknown protocol 'P9'"),
        ({"protocol": "P8"}, "unknown layer for P8 of arm B ''"),
        ({"protocol": "P8", "layer": "conv6"}, "allowed: conv1, conv2, conv3, conv4, conv5, fc6, fc7"),
        ({"protocol": "P1", "layer": "conv4"}, "unknown layer for P1 of arm B 'conv4'; allowed: conv5"),
        ({"labels_per_class": -1}, "-1 is negative"),
        ({"validation_per_class": 0}, "at least 1 image to choose by"),
        ({"part": "B"}, "part 'B' is neither"),
    ],
)
def test_what_cannot_be_moved_is_refused_by_name(changes, named):
    with pytest.raises(InputError, match=named):
        moved(**changes)


def test_a_network_without_an_arm_is_no_source():
    with pytest.raises(InputError, match="bases of the arms A, B, C, D, E"):
        FcSpec(source=RunSpec(), data=COLOURS)


def test_too_few_labels_and_one_class_only_are_refused(data_root):
    images = load_images(COLOURS, data_root)
    with pytest.raises(InputError, match=r"7 labels per class and 2 images.*has 8 training images.*at most 6"):
        run_fc.parts_of(moved(labels_per_class=7), images)
    with pytest.raises(InputError, match="unknown arm 'F'"):
        made(arms=("A", "F"))
    with pytest.raises(InputError, match="no learning rate is given"):
        made(rates=())


def test_many_test_images_are_shared_out_among_the_classes(data_root, monkeypatch):
    images = load_images(COLOURS, data_root)
    everything = run_fc.parts_of(moved(), images).test
    monkeypatch.setattr(run_fc, "MOST_TEST", 7)
    few = run_fc.parts_of(moved(), images).test
    assert everything.labels.bincount().tolist() == [4, 4, 4]
    assert few.labels.bincount().tolist() == [2, 2, 2]


def test_quick_has_every_arm_and_targets_near_and_far():
    runs = [run for run in study_profile("fc", "quick").runs if isinstance(run, FcSpec)]
    assert {run.arm for run in runs} == set(ARMS)
    assert {run.data.name for run in runs} == {"glyphs", "glyph-scenes"}
    assert study_profile("fc", "quick").taste
    assert not study_profile("fc", "quick", fc_steps=120).taste


def test_held_out_classes_are_seen_in_every_view_and_other_sets_as_they_are():
    study = study_profile("fc", "quick", views=("grey", "inverted"), targets=("glyph-others", "folder:flowers"))
    places = {(run.data.name, run.data.view, run.part) for run in study.runs if run.treatment == "P3"}
    assert places == {
        ("glyphs", "", "random0:B"),
        ("glyphs", "grey", "random0:B"),
        ("glyphs", "inverted", "random0:B"),
        ("glyph-others", "", "all"),
        ("folder:flowers", "", "all"),
    }


@pytest.mark.parametrize(("study", "options"), [("transfer", {"net": "alexnet_map"}), ("fc", {"net": "alexnet_mini"})])
def test_a_network_that_is_not_for_the_study_is_refused(study, options):
    with pytest.raises(InputError, match="is not for study"):
        study_profile(study, "quick", **options)
