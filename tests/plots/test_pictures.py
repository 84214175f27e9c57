"""Learning curves, images, filters and the scheme of the surgery."""

from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import torch

from fctransfer_utils.analysis.filters import filter_table
from fctransfer_utils.errors import InputError
from fctransfer_utils.plots.curves import curve_table, learning_curves
from fctransfer_utils.plots.filters import filter_measures, filter_rows
from fctransfer_utils.plots.images import class_histogram, image_grid
from fctransfer_utils.plots.surgery import surgery_scheme

RNG = np.random.default_rng(5)
LAYERS = ("conv1", "conv2", "fc3")


def shown(figure):
    return [image for axes in figure.axes for image in axes.images]


def layers(n: int, origin: str, *, frozen: bool = True):
    return [
        {"layer": name, "origin": origin if i < n else "new", "frozen": frozen and i < n, "shape": (4, 3, 5, 5)}
        for i, name in enumerate(LAYERS)
    ]


def test_learning_curves_show_what_the_epochs_hold(texts):
    epochs = [SimpleNamespace(epoch=i, train_loss=3 / i, test_loss=4 / i, test_top1=i / 10) for i in range(1, 6)]
    table = curve_table({"base A": epochs, "base B": epochs[:3]})
    figure = learning_curves(table)
    assert len(table) == 8
    assert figure.axes[2].lines[0].get_ydata().tolist() == pytest.approx([10, 20, 30, 40, 50])
    words = texts(figure)
    assert all(word in words for word in ("Epoch", "(nats)", "(%)", "base A", "base B"))
    with pytest.raises(InputError, match="no epochs"):
        curve_table({})


@pytest.mark.parametrize("kind", [torch.tensor, np.asarray])
def test_an_image_grid_shows_the_pixels_and_the_names(texts, kind):
    images = RNG.integers(0, 256, (5, 3, 8, 8), dtype=np.uint8)
    figure = image_grid({"Half A": (kind(images), list("abcde")), "Half B": (kind(images[:2]), ["x", "y"])}, columns=3)
    pictures = shown(figure)
    assert len(pictures) == 7
    assert np.array_equal(pictures[0].get_array(), images[0].transpose(1, 2, 0))
    assert "Half A" in texts(figure)


@pytest.mark.parametrize(
    ("images", "names", "words"),
    [
        (np.zeros((2, 3, 4, 4), np.uint8), ["a"], "2 images and 1 names"),
        (np.zeros((2, 3, 4, 4)), ["a", "b"], "float64"),
        (np.zeros((2, 4, 4, 3), np.uint8), ["a", "b"], r"\(2, 4, 4, 3\)"),
    ],
)
def test_images_of_another_kind_are_refused(images, names, words):
    with pytest.raises(InputError, match=words):
        image_grid({"Half A": (images, names)})


def test_a_histogram_counts_each_half(texts):
    table = pd.DataFrame({"half": ["A", "A", "B"], "category": ["Latin", "Greek", "Latin"], "count": [4, 1, 3]})
    words = texts(class_histogram(table))
    assert "half A: 5" in words
    assert "half B: 3" in words
    with pytest.raises(InputError, match="empty"):
        class_histogram(table.head(0))


def test_filters_are_scaled_alike_whatever_their_size(texts):
    filters = RNG.normal(size=(4, 3, 5, 5))
    small, large = (shown(filter_rows({"net": scale * filters}))[0].get_array() for scale in (0.01, 50))
    assert np.allclose(small, large)
    assert np.abs(small - 0.5).max() == pytest.approx(0.5)
    assert "scaled by its own largest weight" in texts(filter_rows({"net": torch.tensor(filters)}))
    with pytest.raises(InputError, match="shape"):
        filter_rows({"net": filters[0]})


def test_filter_measures_show_every_filter_and_the_medians(texts):
    table = filter_table({"trained": RNG.normal(size=(6, 3, 5, 5)), "untrained": RNG.normal(size=(5, 3, 5, 5))})
    figure = filter_measures(table)
    assert sum(len(part.get_offsets()) for part in figure.axes[0].collections) == 11
    for _, rows in table.groupby("net"):
        assert f"{rows['gabor_r2'].median():.2f}" in texts(figure)


def test_the_scheme_draws_a_lock_on_each_frozen_layer_only(texts):
    figure = surgery_scheme({"AnB, n = 2": layers(2, "A"), "BnB+, n = 2": layers(2, "B", frozen=False)})
    assert len(figure.findobj(mpl.patches.Arc)) == 2
    words = texts(figure)
    assert words.count("4×3×5×5") == 6
    assert "copied from base A" in words
    assert "frozen" in words
    free = surgery_scheme({"base A": layers(0, "A")}, learns={"base A": "A"})
    assert len(free.findobj(mpl.patches.Arc)) == 0
    assert "frozen" not in texts(free)
    assert "learns A" in texts(free)


def test_a_scheme_of_unknown_origin_or_unequal_depth_is_refused():
    with pytest.raises(InputError, match="unknown origin 'C'"):
        surgery_scheme({"x": layers(1, "C")})
    with pytest.raises(InputError, match="different lengths"):
        surgery_scheme({"x": layers(1, "A"), "y": layers(1, "A")[:2]})
