"""Glyphs, textures, documents and scenes: what is drawn, and what tells the classes apart."""

from itertools import pairwise

import matplotlib
import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from matplotlib.ft2font import FT2Font
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fctransfer_utils.data import documents as pages
from fctransfer_utils.data.documents import LAYOUTS, SIZES, documents, places, scenes
from fctransfer_utils.data.glyphs import CHARACTERS, FONTS, glyphs, letters_symbols, outlines, textures
from fctransfer_utils.errors import InputError

SETS = {"glyphs": glyphs, "textures": textures, "documents": documents}


def grey(images):
    return images.pixels.float().mean(1, keepdim=True) / 255


def readable(features, learn, test):
    """The share of ``test`` that a linear classifier names rightly by ``features``."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    return model.fit(features(learn), learn.labels).score(features(test), test.labels)


@pytest.mark.parametrize("render", SETS.values(), ids=SETS)
def test_an_image_depends_on_its_seed_class_and_number_alone(render):
    learn, test = render(classes=2, per_class=3, test_per_class=2, size=24)
    more, other = render(classes=4, per_class=5, test_per_class=2, size=24)
    for label in range(2):
        mine, theirs = (images.pixels[images.labels == label] for images in (learn, more))
        assert torch.equal(mine, theirs[:3])
    assert torch.equal(other.pixels[other.labels < 2], test.pixels)
    assert not torch.equal(learn.pixels[:2], test.pixels[:2])
    again, _ = render(classes=2, per_class=3, test_per_class=2, size=24, seed=1)
    assert not torch.equal(learn.pixels, again.pixels)


@pytest.mark.parametrize("render", SETS.values(), ids=SETS)
def test_both_parts_are_normalised_by_what_is_learnt_and_no_image_comes_twice(render):
    learn, test = render(per_class=8, test_per_class=6, size=32)
    assert learn.pixels.shape[1:] == (3, 32, 32)
    assert learn.pixels.dtype == torch.uint8
    assert learn.labels.bincount().tolist() == [8] * len(learn.classes)
    normal = learn.normalise(learn.pixels)
    assert torch.allclose(normal.mean((0, 2, 3)), torch.zeros(3), atol=1e-3)
    assert torch.allclose(normal.std((0, 2, 3)), torch.ones(3), atol=1e-3)
    assert (test.mean, test.std, test.classes) == (learn.mean, learn.std, learn.classes)
    everything = torch.cat([learn.pixels, test.pixels]).flatten(1)
    assert len(everything.unique(dim=0)) == len(everything)


def test_only_fonts_that_have_a_character_draw_it():
    folder = matplotlib.get_data_path() + "/fonts/ttf/"
    maps = [FT2Font(f"{folder}{font}.ttf").get_charmap() for font in FONTS]
    _, firsts = outlines(32)
    assert firsts.diff().tolist() == [sum(ord(each) in known for known in maps) for each in CHARACTERS]
    assert firsts.diff().min() >= 5


def test_no_two_characters_look_alike_and_none_is_empty():
    masks, firsts = outlines(32)
    shapes = F.avg_pool2d(masks[:, None].float(), 2).flatten(1)
    assert shapes.std(1).min() > 0
    means = torch.stack([shapes[a:b].mean(0) for a, b in pairwise(firsts.tolist())])
    alike = torch.corrcoef(means) - torch.eye(len(means))
    assert alike.max() < 0.95, [CHARACTERS[i] for i in divmod(int(alike.argmax()), len(means))]


def test_every_beginning_of_the_glyphs_is_half_letters():
    for classes in (2, 20, 51, len(CHARACTERS)):
        letters, symbols = letters_symbols(classes)
        assert sorted(letters + symbols) == list(range(classes))
        assert len(letters) - len(symbols) in (0, 1)
        assert not any(CHARACTERS[each].isalpha() for each in symbols)
        assert all(CHARACTERS[each].isalpha() for each in letters)


def test_glyphs_are_no_colours_and_textures_are_no_colours():
    for render in (glyphs, textures):
        learn, test = render(classes=10, per_class=40, test_per_class=40)
        colour = readable(lambda images: images.pixels.float().mean((2, 3)).numpy(), learn, test)
        assert colour < 0.2  # chance is 0.1


def random_windows(images):
    """Small random filters, averaged over the image, after its own light and contrast are taken out."""
    filters = torch.randn(48, 1, 5, 5, generator=torch.Generator().manual_seed(0))
    filters -= filters.mean((2, 3), keepdim=True)
    found = F.conv2d(grey(images), filters)
    found /= found.std((1, 2, 3), keepdim=True)
    return torch.cat([found.relu().mean((2, 3)), found.relu().square().mean((2, 3))], 1).numpy()


def test_a_texture_is_known_by_pooled_local_features():
    assert readable(random_windows, *textures(per_class=40, test_per_class=20)) > 0.5  # chance is 0.1


@pytest.mark.parametrize("seed", range(5))
def test_pages_have_the_same_parts_apart_from_each_other_and_inside(seed):
    drawn = [places(layout, np.random.default_rng(seed)) for layout in LAYOUTS.values()]
    assert len({tuple(sorted(part for part, *_ in page)) for page in drawn}) == 1
    for page in drawn:
        boxes = [(x, y, x + SIZES[part][0], y + SIZES[part][1]) for part, x, y in page]
        for number, (left, top, right, bottom) in enumerate(boxes):
            assert 5 <= left < right <= 59
            assert 5 <= top < bottom <= 59 + 1e-9
            for other in boxes[:number]:
                assert max(left - other[2], other[0] - right, top - other[3], other[1] - bottom) >= pages.GAP - 1e-9


def test_a_page_is_known_by_places_not_by_what_lies_on_it():
    def histogram(images):
        return np.stack([np.histogram(each, bins=16, range=(0, 1))[0] for each in grey(images).numpy()])

    def coarse(images):
        return F.adaptive_avg_pool2d(grey(images), 16).flatten(1).numpy()

    paper = documents(per_class=50, test_per_class=60)
    assert readable(histogram, *paper) < 0.3  # chance is 0.2
    assert readable(random_windows, *paper) < 0.3
    assert readable(coarse, *paper) > 0.8


def test_an_object_lies_in_its_box_and_reaches_its_sides(monkeypatch):
    images, boxes = scenes(count=40)
    draw = pages.character
    monkeypatch.setattr(pages, "character", lambda *given, **more: 0 * draw(*given, **more))
    empty, _ = scenes(count=40)
    for with_object, without, box in zip(images.pixels, empty.pixels, boxes, strict=True):
        change = (with_object.float() - without.float()).norm(dim=0)
        rows, columns = torch.nonzero(change > 0.35 * change.max(), as_tuple=True)
        seen = torch.stack([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        assert (seen - box).abs().max() <= 4


@pytest.mark.parametrize("size", [32, 64])
def test_no_fixed_box_is_a_good_guess(size):
    images, boxes = scenes(count=300, size=size)
    assert len(images) == len(boxes)
    assert (boxes >= 0).all()
    assert (boxes <= size).all()
    grid = torch.arange(0, size + 1, size // 16)
    low, high = torch.triu_indices(17, 17, 1)
    sides = torch.stack([grid[low], grid[high]], 1)
    guesses = torch.cat([sides.repeat(len(sides), 1), sides.repeat_interleave(len(sides), 0)], 1)[:, [0, 2, 1, 3]]
    found = torchvision.ops.box_iou(boxes.float(), guesses.float()) > 0.5
    assert found.float().mean(0).max() < 0.15


@pytest.mark.parametrize(
    ("render", "wrong", "said"),
    [
        (glyphs, {"classes": 101}, "100"), (glyphs, {"classes": 1}, "2 to 100"), (glyphs, {"size": 15}, "16"),
        (glyphs, {"per_class": 0}, "1 or more"), (textures, {"classes": 11}, "there are 10"),
        (documents, {"classes": 6}, "there are 5"), (documents, {"size": 8}, "16"), (scenes, {"count": 0}, "1 or more"),
        (letters_symbols, {"classes": 200}, "100"),
    ],
)  # fmt: skip
def test_what_cannot_be_rendered_is_refused(render, wrong, said):
    with pytest.raises(InputError, match=said):
        render(**wrong)
