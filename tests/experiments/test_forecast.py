"""What a study takes is told before it starts, by counting what training will do."""

from dataclasses import replace

import pytest

from fctransfer_utils.data.outline import IMAGENET, outline
from fctransfer_utils.experiments import engine, forecast
from fctransfer_utils.experiments.costs import cost_of, images_of
from fctransfer_utils.experiments.forecast import EmptyStore, lines
from fctransfer_utils.experiments.names import STUDIES
from fctransfer_utils.experiments.profiles import study_profile
from fctransfer_utils.experiments.progress import silent
from fctransfer_utils.experiments.run_network import target_images
from fctransfer_utils.experiments.units import amount, duration, size
from fctransfer_utils.experiments.worker import load_images
from fctransfer_utils.training import Execution
from fctransfer_utils.training.speed import Speed

SMALL = {"glyph_classes": 6, "glyphs_per_class": 4}


@pytest.fixture
def speed_without_probe(monkeypatch):
    monkeypatch.setattr(forecast, "probed", lambda run, **options: Speed(100.0, 1e9))


@pytest.fixture
def told(speed_without_probe):
    """``told(study, store, **options)`` -> (forecast, its text)."""

    def tell(study, store=None, **options):
        found = forecast.forecast(study, store or EmptyStore(), execution=Execution(), **options)
        return found, "\n".join(lines(found, study))

    return tell


def outlines_of(study):
    return {run.data: outline(run.data) for run in study.runs}


def test_images_are_counted_as_training_selects_them():
    study = study_profile("volume", "quick", volumes=(2,), **SMALL)
    images = load_images(study.runs[0].data, None)
    from fctransfer_utils.data import make_split

    for run in study.runs:
        training, test = target_images(run, images=images, split=make_split(run.split, images))
        found = images_of(run, outline(run.data))
        assert (found.learnt, found.tested) == (len(training.labels), len(test.labels))
        steps = run.recipe.steps * min(run.recipe.batch_size, found.learnt) or found.learnt
        assert (found.seen, found.judged) == (steps * run.recipe.epochs, found.tested * run.recipe.epochs)


def test_frozen_layers_save_and_fine_tuned_ones_do_not():
    study = study_profile("transfer", "paper", "folder:imagenet", splits=("random0",))
    there = {study.runs[0].data: IMAGENET}
    work = {(run.treatment, run.n): cost_of(run, there).operations for run in study.runs if run.target == "A"}
    base = work["base", 0]
    assert all(work["BnB+", n] == base for n in range(1, 8))
    frozen = [work["BnB", n] for n in range(1, 8)]
    assert frozen == sorted(frozen, reverse=True)
    assert base / 3 < frozen[-1] < 0.4 * base


def test_one_network_of_the_paper_sees_115_million_images_of_500_classes():
    run = study_profile("transfer", "paper", "folder:imagenet").runs[0]
    cost = cost_of(run, {run.data: IMAGENET})
    assert cost.images.seen == 450_000 * 256
    assert cost.images.classes == 500
    assert 640_000 < cost.images.learnt < 641_000
    assert 4.9e17 < cost.operations < 5.6e17


def test_without_augmentation_a_frozen_prefix_is_paid_once():
    study = study_profile("transfer", "quick", **SMALL, epochs=10)
    run = next(run for run in study.runs if (run.treatment, run.n) == ("BnB", 5))
    base = next(run for run in study.runs if run.treatment == "base")
    there = outlines_of(study)
    augmented = replace(run, recipe=replace(run.recipe, crop_padding=4))
    assert cost_of(run, there).operations < 0.3 * cost_of(augmented, there).operations
    assert cost_of(augmented, there).operations < cost_of(base, there).operations


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_can_be_told(name, told):
    study = study_profile(name, "smoke")
    found, text = told(study, workers=2)
    assert len(found.costs) == len(found.plan.todo) >= len(study.runs)
    for word in ("networks", "images seen", "FLOP", "memory", "disk", "time", "Nothing is trained now"):
        assert word in text
    assert 0 < found.elapsed <= sum(found.seconds)
    assert found.memory > found.largest.memory.total > 0
    assert found.disk > 0


def test_two_workers_take_less_time_and_more_disk(told):
    study = study_profile("transfer", "quick")
    one, two = (told(study, workers=workers)[0] for workers in (1, 2))
    assert two.elapsed < 0.6 * one.elapsed
    assert two.disk > one.disk


def test_what_is_done_is_left_out_and_gives_the_speed(told, study, store, data_root, monkeypatch):
    made = study()
    engine.run(study(treatments=("base",)), store, progress=silent, data_root=data_root)
    monkeypatch.setattr(forecast, "probed", None)
    found, text = told(made, store, data_root=data_root)
    assert "2 done, 5 to train" in text
    assert "by the 2 such networks in the store" in text
    assert found.to_decode == 0
    engine.run(made, store, progress=silent, data_root=data_root)
    assert told(made, store, data_root=data_root) == (
        None, "study transfer: all 7 networks are done; there is nothing to train.",
    )  # fmt: skip


def test_images_that_are_not_decoded_yet_are_counted_on_the_disk(told, study, data_root, tmp_path, monkeypatch):
    monkeypatch.setenv("FCTRANSFER_CACHE", str(tmp_path / "cache"))
    made = study(data=replace(study().runs[0].data, image_size=40))
    assert told(made, data_root=data_root)[0].to_decode == 6 * (8 + 4) * 3 * 40 * 40


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 "), (7, "7 "), (999, "999 "), (1234, "1.23 k"), (2.5e18, "2.50 E"), (99_960, "100 k"), (12_300, "12.3 k")],
)
def test_amounts_have_three_digits(value, text):
    assert amount(value) == text


def test_sizes_and_durations_are_readable():
    assert size(1_500_000_000) == "1.50 GB"
    assert [duration(s) for s in (8, 7800, 3 * 86_400, 800 * 86_400)] == ["8 s", "2 h 10 min", "3.0 days", "2.2 years"]
