"""The public sets as their makers publish them, and which of their classes are natural."""

import numpy as np
import pytest
from made_pictures import tiny_imagenet
from PIL import Image
from torchvision.transforms import v2

from fctransfer_utils.data import public
from fctransfer_utils.data.folders import read_folder
from fctransfer_utils.data.public import halves_of, read_public
from fctransfer_utils.errors import InputError

WORDS = {"n01443537": "goldfish, Carassius auratus", "n02124075": "Egyptian cat", "n03042490": "cliff dwelling"}


@pytest.fixture
def tiny(tmp_path):
    return tiny_imagenet(tmp_path / "tiny-imagenet-200", WORDS)


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """``cifar(name)``: files of 1 in 2000 of its images, of three classes; the pixels (N, 3, 32, 32) of each file."""

    def write(name):
        about, written, chance = public.CIFAR[name], {}, np.random.default_rng(0)
        files = {file: count // 2000 for file, count in about.files.items()}
        monkeypatch.setitem(public.CIFAR, name, about._replace(files=files))
        *batches, names = files
        (tmp_path / about.folder).mkdir()
        (tmp_path / about.folder / names).write_text("airplane\nbird\ncat\n\n")
        for file in batches:
            records = chance.integers(0, 256, (files[file], about.before + 3072), dtype=np.uint8)
            records[:, about.before - 1] = np.arange(files[file]) % 3
            records.tofile(tmp_path / about.folder / file)
            written[file] = records[:, about.before :].reshape(-1, 3, 32, 32)
        return written

    return write


def test_tiny_imagenet_stands_in_the_order_of_wnids_and_says_its_names(tiny):
    train, test = read_public("tiny-imagenet", tiny, size=64)
    assert [name.split(" (")[0] for name in train.classes] == ["goldfish", "Egyptian cat", "cliff dwelling"]
    assert train.labels.tolist() == [0] * 3 + [1] * 3 + [2] * 3
    assert test.labels.tolist() == [0, 0, 1, 1, 2, 2]
    own = np.asarray(Image.open(tiny / "train" / "n02124075" / "images" / "n02124075_1.JPEG"))
    assert (train.pixels[4].permute(1, 2, 0).numpy() == own).all()
    own = np.asarray(Image.open(tiny / "val" / "images" / "val_5.JPEG"))  # the second of class 2
    assert (test.pixels[5].permute(1, 2, 0).numpy() == own).all()
    assert test.mean == train.mean == pytest.approx((train.pixels / 255.0).mean((0, 2, 3)).tolist(), abs=1e-6)


def test_the_folder_that_holds_a_set_will_do_too(tiny):
    inside, outside = (read_public("tiny-imagenet", root, size=32)[0] for root in (tiny, tiny.parent))
    assert inside.fingerprint() == outside.fingerprint()
    assert inside.size == 32


def test_tiny_imagenet_is_no_folder_of_classes(tiny):
    with pytest.raises(InputError, match="images"):
        read_folder(tiny, size=32)


@pytest.mark.parametrize(
    ("file", "text", "named"),
    [
        ("wnids.txt", None, "wnids.txt"),
        ("words.txt", None, "words.txt"),
        ("val/val_annotations.txt", None, "val_annotations.txt"),
        ("train/n02124075/images/*", None, "n02124075"),
        ("val/images/val_3.JPEG", None, "val_3.JPEG"),
        ("wnids.txt", "n01443537\nn02124075\n../../secret\n", "secret"),
        ("wnids.txt", "n01443537\nn02124075\n", "n03042490"),
        ("val/val_annotations.txt", "val_0.JPEG\tn01443537\n", "annotations"),
        ("val/val_annotations.txt", "".join(f"val_{n}.JPEG\tn01443537\n" for n in (0, 1, 2, 3, 4, 5, 5)), "val_5"),
        ("val/images/val_1.JPEG", "<html>", "val_1.JPEG"),
    ],
)
def test_what_tiny_imagenet_lacks_or_what_is_wrong_in_it_is_named(tiny, file, text, named):
    for path in [*tiny.glob(file)]:
        path.write_text(text) if text else path.unlink()
    with pytest.raises(InputError, match=named):
        read_public("tiny-imagenet", tiny, size=32)


@pytest.mark.parametrize("name", public.CIFAR)
def test_cifar_is_read_byte_by_byte(tmp_path, cifar, name):
    *learnt, last = cifar(name).values()
    train, test = read_public(name, tmp_path, size=32)
    assert train.classes == ("airplane", "bird", "cat")
    assert (train.pixels.numpy() == np.concatenate(learnt)).all()
    assert (test.pixels.numpy() == last).all()
    assert test.labels.tolist() == [index % 3 for index in range(len(test))]


def test_cifar_at_another_size_is_resized_as_every_picture_is(tmp_path, cifar):
    written = cifar("cifar100")
    train, test = read_public("cifar100", tmp_path / "cifar-100-binary", size=48)
    image = Image.fromarray(written["train.bin"][7].transpose(1, 2, 0))
    assert (train.pixels[7].permute(1, 2, 0).numpy() == np.asarray(v2.Resize(48)(image))).all()
    assert len(test) == len(written["test.bin"])


def test_cifar_that_is_incomplete_or_pickled_is_refused_and_the_file_named(tmp_path, cifar):
    (tmp_path / "cifar-10-batches-py").mkdir()
    with pytest.raises(InputError, match=r"data_batch_1\.bin.*cifar-10-binary\.tar\.gz.*pickle"):
        read_public("cifar10", tmp_path, size=32)
    cifar("cifar10")
    short = tmp_path / "cifar-10-batches-bin" / "data_batch_4.bin"
    short.write_bytes(short.read_bytes()[:-3073])
    with pytest.raises(InputError, match=r"data_batch_4\.bin"):
        read_public("cifar10", tmp_path, size=32)


def test_natural_and_made_are_known_by_wnids_or_cifars_names_or_there_are_no_halves(tiny, tmp_path, cifar):
    train, _ = read_public("tiny-imagenet", tiny, size=32)
    assert halves_of("tiny-imagenet", train) == {"natural-manmade": ((0, 1), (2,))}
    assert halves_of("tiny-imagenet", train.of_classes([0, 1])) == {}
    cifar("cifar10")
    assert halves_of("cifar10", read_public("cifar10", tmp_path, size=32)[0]) == {"natural-manmade": ((1, 2), (0,))}
