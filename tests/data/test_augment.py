"""Augmentation works on whole batches and draws from one generator."""

import pytest
import torch

from fctransfer_utils.data.augment import augment, normalise


def batch(count=64, size=8):
    return torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def test_without_shift_and_mirror_nothing_changes():
    assert torch.equal(augment(batch(), padding=0, flip=False, generator=stream()), batch())


def test_every_image_is_itself_or_its_mirror_image():
    images = batch()
    out = augment(images, padding=0, flip=True, generator=stream())
    kept = (out == images).flatten(1).all(1)
    mirrored = (out == images.flip(3)).flatten(1).all(1)
    assert (kept | mirrored).all()
    assert 0.25 < mirrored.float().mean() < 0.75


@pytest.mark.parametrize("padding", [1, 3])
def test_every_shifted_image_is_a_crop_of_the_edge_padded_original(padding):
    images = batch(16)
    out = augment(images, padding=padding, flip=False, generator=stream())
    padded = torch.nn.functional.pad(images.float(), [padding] * 4, mode="replicate").to(torch.uint8)
    offsets = set()
    for image, original in zip(out, padded, strict=True):
        found = [
            (top, left)
            for top in range(2 * padding + 1)
            for left in range(2 * padding + 1)
            if torch.equal(image, original[:, top : top + 8, left : left + 8])
        ]
        assert found
        offsets.add(found[0])
    assert len(offsets) > 3


def test_the_generator_fixes_the_result():
    one, same, other = (augment(batch(), padding=2, flip=True, generator=stream(s)) for s in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_the_batch_itself_is_not_changed():
    images = batch()
    augment(images, padding=2, flip=True, generator=stream())
    assert torch.equal(images, batch())


@pytest.mark.parametrize("channels_last", [False, True])
def test_normalising_removes_mean_and_standard_deviation(channels_last):
    mean, std = torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.5, 0.25, 0.2])
    out = normalise(batch(), mean=mean, std=std, channels_last=channels_last)
    expected = (batch().float() / 255 - mean[:, None, None]) / std[:, None, None]
    torch.testing.assert_close(out, expected, rtol=1e-5, atol=1e-5)
    assert out.is_contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)
