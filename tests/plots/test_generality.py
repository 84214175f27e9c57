import numpy as np
import pandas as pd
import pytest
from made_studies import made_studies

from fctransfer_utils.analysis.distant import distance_and_gap, gap_by_n, rank_correlations
from fctransfer_utils.analysis.similarity import cka_table
from fctransfer_utils.errors import InputError
from fctransfer_utils.plots.generality import (
    cka_matrices,
    distance_scatter,
    likeness_by_layer,
    probes_beside_transfer,
)

LAYERS = ("conv1", "conv2", "conv3")


@pytest.fixture
def probes():
    tops = {"own": 0.9, "other": 0.8}
    cells = [(target, name, n, top - 0.02 * n) for target in "AB" for name, top in tops.items() for n in (1, 2, 3)]
    return pd.DataFrame(cells, columns=["target", "learnt", "n", "top1"])


@pytest.fixture
def likeness():
    rng = np.random.default_rng(1)
    features = {layer: rng.normal(size=(30, 4)) for layer in LAYERS}
    return cka_table(features, features)


def test_probes_stand_beside_the_transplants_of_their_target(probes, texts):
    halves, _, _ = made_studies(seeds=2, noise=0)
    panels = {f"target {t}": (probes[probes["target"] == t], halves[halves["target"] == t]) for t in "AB"}
    figure = probes_beside_transfer(panels)
    words = texts(figure)
    assert "target A" in words
    assert "AnB" in words
    for axes, base in zip(figure.axes, (0.6, 0.65), strict=True):
        (curve,) = (line for line in axes.lines if line.get_marker() == "v")
        assert curve.get_ydata()[-1] == pytest.approx(100 * base - 9)
        (own,) = (line for line in axes.lines if line.get_marker() == "s")
        assert own.get_ydata() == pytest.approx([88, 86, 84])


def test_probes_alone_are_drawn_too_and_strangers_are_refused(probes):
    assert len(probes_beside_transfer({"A": (probes, None)}).axes) == 1
    with pytest.raises(InputError, match="unknown kind of probed network 'mine'; allowed: own, other"):
        probes_beside_transfer({"A": (probes.replace({"learnt": {"own": "mine"}}), None)})
    with pytest.raises(InputError, match="no probe"):
        probes_beside_transfer({"A": (probes[:0], None)})


def test_a_matrix_shows_its_values_in_the_order_of_the_layers(likeness, texts):
    figure = cka_matrices({"A and A": likeness, "again": likeness})
    assert len(figure.axes) == 2
    (image,) = figure.axes[0].images
    assert np.asarray(image.get_array()).diagonal() == pytest.approx(np.ones(3))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(LAYERS)
    assert texts(figure).count("1.00") == 6
    with pytest.raises(InputError, match="at least one pair"):
        cka_matrices({})


def test_likeness_by_layer_is_the_diagonal_above_the_gap(likeness):
    halves, _, _ = made_studies(seeds=2)
    figure = likeness_by_layer({"A and A": likeness}, gap=gap_by_n(halves, [1, 2, 3]))
    assert figure.axes[0].lines[0].get_ydata() == pytest.approx([1, 1, 1])
    assert len(figure.axes) == 2
    assert len(likeness_by_layer({"A and A": likeness}).axes) == 1


def test_several_pairs_of_networks_are_averaged_with_their_range(likeness, intervals, texts):
    two = pd.concat([likeness.assign(which="a"), likeness.assign(cka=likeness["cka"] / 2, which="b")])
    figure = likeness_by_layer({"A and A": two, "one": likeness})
    assert figure.axes[0].lines[0].get_ydata() == pytest.approx([0.75, 0.75, 0.75])
    assert intervals(figure) == 1
    assert "A and A, 2 pairs" in texts(figure)
    (image,) = cka_matrices({"A and A": two}).axes[0].images
    assert np.asarray(image.get_array()).diagonal() == pytest.approx(np.full(3, 0.75))


def test_each_distance_has_a_panel_with_its_correlation_and_count(texts):
    halves, distant, _ = made_studies(seeds=1)
    rows = [(split, target, n, 1.0 * n) for split in ("random0", "letters-symbols") for target in "AB" for n in (1, 7)]
    distances = pd.DataFrame(rows, columns=["split", "target", "n", "far"])
    joined = distance_and_gap(distances, pd.concat([halves, distant]))
    figure = distance_scatter(joined, {"far": "Distance"}, correlations=rank_correlations(joined, ["far"]))
    points = sum(len(part.get_offsets()) for part in figure.axes[0].collections)
    assert points == len(joined) == 8
    words = texts(figure)
    assert "all points" in words
    assert "(of 8)" in words
    assert "within n none (of 4)" in words
    with pytest.raises(InputError, match="at least one measure"):
        distance_scatter(joined, {})
