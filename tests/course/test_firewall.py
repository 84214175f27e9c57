"""The measures of notebook 10 on tiny networks: every table that its figures and claims take, and nothing in `read`."""

import numpy as np
import pytest
from made_pictures import picture

from fctransfer_utils.analysis.claims_firewall import claims_of_firewall
from fctransfer_utils.course import firewall
from fctransfer_utils.course.firewall_tables import NO_NETWORK, PICTURE, UNTRAINED, pixels_of
from fctransfer_utils.course.start import start
from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.data.splits import make_split
from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments.profiles import study_profile
from fctransfer_utils.experiments.spec import RunSpec
from fctransfer_utils.experiments.worker import load_images
from fctransfer_utils.models import NetSpec
from fctransfer_utils.training import Recipe

GLYPHS = DataSpec(glyph_classes=8, glyphs_per_class=12)


def source(arm, seed=0, data=GLYPHS):
    recipe = Recipe(epochs=1, batch_size=32, learning_rate=0.01, crop_padding=0)
    return RunSpec(data=data, net=NetSpec("alexnet_map", width=12, dropout=0.2, arm=arm), recipe=recipe, seed=seed)


SPECS = [source(arm, seed) for seed in (0, 1) for arm in "ABE"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """The tables of six networks, computed once."""
    patch = pytest.MonkeyPatch()
    patch.setenv("FCTRANSFER_BUILD", str(tmp_path_factory.mktemp("firewall")))
    run = start("10_firewall", profile="smoke")
    yield run, firewall.measure_all(run, per_class=4, shown=3, specs=SPECS)
    patch.undo()


@pytest.fixture
def tables(shared):
    return shared[1]


def test_the_sources_of_a_study_are_its_bases_by_seed_and_arm():
    study = study_profile("fc", "smoke", seeds=(1, 0), arms=("B", "A"))
    found = firewall.sources(study)
    assert [(spec.seed, spec.net.arm) for spec in found] == [(0, "A"), (0, "B"), (1, "A"), (1, "B")]
    assert {spec.treatment for spec in found} == {"base"}
    assert {spec.key for spec in found} == {run.key for run in study.runs if isinstance(run, RunSpec)}


def test_every_arm_and_seed_is_in_every_table(tables):
    assert tuple(tables) == firewall.TABLES
    for name in ("boxes", "retrieval", "concentration", "separation"):
        places = set(tables[name][["arm", "seed"]].itertuples(index=False, name=None)) - {(NO_NETWORK, 0)}
        assert places == {(arm, seed) for arm in ("A", "B", "E", UNTRAINED) for seed in (0, 1)}
        assert set(tables[name]["split"]) == {"random0"}


def test_boxes_are_scored_by_every_method_that_an_arm_has(tables):
    boxes = tables["boxes"]
    methods = boxes.groupby("arm")["method"].unique().map(set).to_dict()
    summed = {"scda", "scda cells"}
    assert methods == {
        "A": summed | {"gradcam", "cam"},
        "B": summed | {"gradcam"},
        "E": summed | {"gradcam", "cam"},
        UNTRAINED: summed,
        NO_NETWORK: {"whole", "centre"},
    }
    assert set(boxes["threshold"]) == {0.35, 0.5, 0.7}
    assert set(boxes["images"]) == {8 * 4}
    assert boxes["share"].between(0, 1).all()
    falling = boxes.sort_values("threshold").groupby(["arm", "seed", "method"])["share"].apply(np.diff)
    assert all((steps <= 0).all() for steps in falling)
    whole = boxes[(boxes["method"] == "whole") & (boxes["threshold"] == 0.5)]
    assert whole["share"].item() == 0  # no glyph of the set fills half of its picture


def test_by_gradients_arm_a_is_localised_as_by_its_class_activation_map(tables):
    own = tables["boxes"].query("arm == 'A'").pivot(index=["seed", "threshold"], columns="method", values="share")
    assert (own["cam"] == own["gradcam"]).all()


def test_the_gradient_of_an_average_is_flat_at_the_output(tables):
    rows = tables["concentration"]
    flat = rows[(rows["which"] == "gradient at output") & (rows["arm"] == "A")]
    assert flat["entropy"].to_numpy() == pytest.approx(1, abs=1e-5)
    assert rows["entropy"].between(0, 1 + 1e-9).all()
    assert set(rows.loc[rows["which"] != "forward", "images_of"]) == {"glyphs random0:B"}
    assert set(rows.loc[rows["arm"] == UNTRAINED, "which"]) == {"forward"}


def test_retrieval_and_separation_are_told_for_all_their_cases(tables):
    cases = tables["retrieval"].groupby(["pooling", "k"]).size()
    assert set(cases.index) == {("avg", 1), ("avg", 5), ("avg+max", 1), ("avg+max", 5)}
    assert tables["retrieval"]["map"].between(0, 1).all()
    assert set(tables["separation"]["classes"]) == {"source", "held out"}
    assert tables["separation"]["within"].between(0, 1).all()


def test_shown_images_are_drawn_with_their_boxes_and_maps(tables):
    pictures, maps = tables["pictures"], tables["maps"]
    assert len(pictures) == 3
    assert (pictures["left"] < pictures["right"]).all()
    stored = pixels_of(pictures)
    assert set(stored) == set(pictures["image"]) == set(maps["image"])
    assert {pixels.shape for pixels in stored.values()} == {(PICTURE, PICTURE, 3)}
    assert all(np.ptp(pixels) > 50 for pixels in stored.values())
    assert set(maps["arm"]) == {"A", "B", "E", UNTRAINED}
    assert set(maps["seed"]) == {0}
    assert set(maps.groupby(["arm", "image", "method"]).size()) == {8}
    assert (maps.loc[maps["method"] == "scda", [f"c{k}" for k in range(8)]] >= 0).all(axis=None)


def test_the_claims_take_these_tables(tables):
    judged = {claim.id: claim for claim in claims_of_firewall(tables)}
    open_ones = {id for id, claim in judged.items() if claim.ours is None}
    assert open_ones == {"trunk-moves-less", "features-stay", "less-moved-more-gained"}  # they ask the study itself
    assert judged["fc-localises"].ours.count == 2


def test_the_same_networks_give_the_same_tables(shared):
    run, tables = shared
    again = firewall.computed_tables(run, SPECS[:1], per_class=4, shown=3)["boxes"]
    mine = tables["boxes"].query("arm == 'A' and seed == 0")
    assert again.query("arm == 'A'")["share"].to_numpy() == pytest.approx(mine["share"].to_numpy(), abs=1e-6)


@pytest.fixture
def photographs(tmp_path, monkeypatch):
    """Tiny ImageNet of four classes; the grey of each validation image is 20 times its box's left side in pixels."""
    root = tmp_path / "tiny-imagenet-200"
    (root / "val" / "images").mkdir(parents=True)
    wnids = ["n03", "n01", "n04", "n02"]
    (root / "wnids.txt").write_text("\n".join(wnids), encoding="utf-8")
    (root / "words.txt").write_text("\n".join(f"{wnid}\tthing {wnid}" for wnid in wnids), encoding="utf-8")
    for wnid in wnids:
        (root / "train" / wnid / "images").mkdir(parents=True)
        picture(99, width=64, height=64).save(root / "train" / wnid / "images" / f"{wnid}_0.JPEG")
    lines = []
    for number in range(12):
        picture(20 * number, width=64, height=64).save(root / "val" / "images" / f"val_{number}.JPEG")
        lines.append(f"val_{number}.JPEG\t{wnids[number % 4]}\t{number}\t5\t40\t50")
    (root / "val" / "val_annotations.txt").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setenv("FCTRANSFER_DATA", str(tmp_path))
    monkeypatch.setenv("FCTRANSFER_CACHE", str(tmp_path / "cache"))
    return start("10_firewall", profile="smoke", data="tiny-imagenet")


def test_photographs_of_the_half_that_was_not_learnt_come_with_their_own_boxes(photographs):
    spec = source("A", data=DataSpec("tiny-imagenet", image_size=64))
    boxed = firewall.images_with_boxes(photographs, spec, per_class=2)
    assert boxed.name == "tiny-imagenet random0:B"
    assert boxed.images.shape == (4, 3, 64, 64)
    held_out = make_split("random0", load_images(spec.data, photographs.project.data)).halves["B"]
    assert set(boxed.labels.tolist()) == set(held_out)
    grey = boxed.images.float().mean((1, 2, 3)).numpy()
    assert 64 * boxed.boxes[:, 0] == pytest.approx(grey / 20, abs=0.2)
    assert boxed.boxes[:, 3] == pytest.approx(51 / 64)
    assert all(name.startswith("thing") for name in boxed.classes)


def test_photographs_are_not_stored(shared):
    from fctransfer_utils.course.firewall_tables import picture_rows

    run, _ = shared
    boxed = firewall.images_with_boxes(run, SPECS[0], per_class=2)
    assert [row["pixels"] for row in picture_rows(boxed, [0, 5], rendered=False)] == ["", ""]


def test_what_has_no_boxes_or_no_network_is_refused(shared):
    run, _ = shared
    with pytest.raises(InputError, match="no boxes are known for cifar10; choose one of glyphs, tiny-imagenet"):
        firewall.images_with_boxes(run, source("A", data=DataSpec("cifar10")), per_class=4)
    with pytest.raises(InputError, match="per_class 1 leaves an image nothing to find"):
        firewall.images_with_boxes(run, SPECS[0], per_class=1)
    with pytest.raises(InputError, match="no source network"):
        firewall.computed_tables(run, [], per_class=4, shown=3)


def test_in_read_nothing_is_computed(run, project):
    with pytest.raises(InputError, match=r"firewall_boxes\.csv is missing"):
        firewall.measure_all(run, specs=SPECS)
    assert firewall.committed(run, "tiny-imagenet") == {}
