"""Hours and money of a study on named hardware: an estimate from stated peaks, never a measurement.

Peaks are those of the vendors' data sheets for dense matrix products; what share of them a network reaches is an
assumption of whoever asks. Images that do not fit on the device have to be read from a disk and sent to it, which may
take longer than the arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ..errors import InputError, unknown

HOUR, DAY = 3600.0, 86_400.0


@dataclass(frozen=True)
class Hardware:
    """A device: ``peak`` operations per second in ``number_format``, ``memory`` in bytes, ``link`` to it in bytes/s."""

    name: str
    peak: float
    number_format: str
    memory: float
    link: float


HARDWARE = (
    Hardware("K20 (2012)", 3.52e12, "float32", 5e9, 8e9),
    Hardware("T4", 65e12, "float16", 16e9, 16e9),
    Hardware("V100", 125e12, "float16", 32e9, 16e9),
    Hardware("RTX 4090", 165e12, "float16", 24e9, 32e9),
    Hardware("A100", 312e12, "bfloat16", 80e9, 32e9),
    Hardware("H100", 989e12, "bfloat16", 80e9, 64e9),
)
"""Peaks, memory and link (PCI Express x16, one way) by the data sheets; float16 and bfloat16 on tensor cores."""
PAPERS_DEVICE = HARDWARE[0]
PAPERS_DAYS = 9.5
"""What Yosinski et al. (2014) report for one network."""


def hardware(name: str) -> Hardware:
    """The device of that name. Raises InputError."""
    for device in HARDWARE:
        if device.name == name:
            return device
    raise unknown("hardware", name, [device.name for device in HARDWARE])


def implied_share(operations: float, *, seconds: float, device: Hardware = PAPERS_DEVICE) -> float:
    """The share of the peak at which ``operations`` took ``seconds``."""
    return operations / seconds / device.peak


def estimates(
    *,
    operations: float,
    images: float,
    image_bytes: float,
    network_bytes: float,
    share: float,
    disk: float,
    price: float,
    devices: Sequence[Hardware] = HARDWARE,
) -> pd.DataFrame:
    """One row per device: ``device, number_format, peak, arithmetic_hours, feeding_hours, hours, bound, money, fit``.

    hours = max(``operations`` / (peak x ``share``), ``images`` x ``image_bytes`` / min(link, ``disk``)) / 3600, money =
    hours x ``price`` (of an hour of one device); ``disk`` are bytes per second at which images are read; ``fit`` is how
    many networks of ``network_bytes`` find room at a time. Raises InputError for a share outside 0..1, a disk that
    reads nothing and a negative price.
    """
    if not 0 < share <= 1:
        raise InputError(f"share {share!r} of the peak is outside 0 < share <= 1; give one such as 0.15.")
    if price < 0:
        raise InputError(f"price {price!r} of an hour is negative; give 0 or more.")
    if not disk > 0:
        raise InputError(f"a disk that reads {disk!r} bytes per second feeds nothing; give one such as 2e9.")
    rows = []
    for device in devices:
        arithmetic = operations / (device.peak * share) / HOUR
        feeding = images * image_bytes / min(device.link, disk) / HOUR
        hours = max(arithmetic, feeding)
        rows.append(
            {
                "device": device.name,
                "number_format": device.number_format,
                "peak": device.peak,
                "arithmetic_hours": arithmetic,
                "feeding_hours": feeding,
                "hours": hours,
                "bound": "arithmetic" if arithmetic >= feeding else "feeding",
                "money": hours * price,
                "fit": int(device.memory // network_bytes),
            }
        )
    return pd.DataFrame(rows)


def predicted(speeds: pd.DataFrame) -> pd.DataFrame:
    """``speeds`` with the column ``predicted``: images per second by counting operations, from each base.

    Wants the columns ``net, image_size, treatment, images_per_second, operations_per_image``; ``ratio`` is measured by
    predicted. Raises InputError for a network without a base.
    """
    rows = []
    for (net, side), group in speeds.groupby(["net", "image_size"], sort=False):
        base = group[group["treatment"] == "base"]
        if base.empty:
            raise InputError(f"the speeds of {net} at {side} pixels have no base to predict from; measure it as well.")
        per_second = float(base["images_per_second"].iloc[0]) * float(base["operations_per_image"].iloc[0])
        rows.append(group.assign(predicted=per_second / group["operations_per_image"]))
    found = pd.concat(rows, ignore_index=True)
    return found.assign(ratio=found["images_per_second"] / found["predicted"])
