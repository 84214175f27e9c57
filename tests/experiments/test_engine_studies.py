"""The studies beside the transfer study, trained to the end, and what the engine checks where nothing is left."""

from dataclasses import replace

import pytest

from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments import engine
from fctransfer_utils.experiments.profiles import study_profile
from fctransfer_utils.experiments.progress import silent
from fctransfer_utils.experiments.studies import dip_study, random_study, volume_study
from fctransfer_utils.models import LAYER_NAMES
from fctransfer_utils.models.origins import differing_layers

MAKERS = {
    "random": random_study,
    "volume": lambda **common: volume_study(volumes=(2,), few_steps=2, **common),
    "dip": lambda **common: dip_study(long_epochs=2, **common),
}


@pytest.mark.parametrize("name", MAKERS)
def test_they_train_to_the_end_and_what_is_frozen_stays_the_donors(name, study, store, data_root):
    first = study(treatments=("base",)).runs[0]
    made = MAKERS[name](data=first.data, net=first.net, recipe=first.recipe, cuts=(4,), directions=(("A", "B"),))
    report = engine.run(made, store, progress=silent, data_root=data_root, keep_weights="all")
    assert (report.done, report.remaining) == (len(made.runs), 0)
    with_donor = [run for run in made.runs if run.donor]
    assert bool(with_donor) == (name != "random")
    for run in with_donor:
        unlike = differing_layers(store.weights(run.key), store.weights(run.donor.key))
        learnt = {layer for n, layer in enumerate(LAYER_NAMES, start=1) if n not in run.frozen_layers}
        assert set(unlike) == learnt, run


def test_glyphs_rendered_otherwise_than_the_records_are_noticed_even_when_nothing_is_left(store):
    made = study_profile("transfer", "smoke", glyph_classes=4, glyphs_per_class=4, treatments=("base",), width=12)
    engine.run(made, store, progress=silent)
    assert engine.run(made, store, progress=silent).done == 0
    for record in store.records():
        store.add(replace(record, data_fingerprint="0" * 16), store.weights_bytes(record.key))
    with pytest.raises(InputError, match="other images"):
        engine.run(made, store, progress=silent)
