"""Ways in which bytes are damaged, on disks and on the way, and the one way in which bad input is refused."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from fctransfer_utils.errors import InputError


def damaged(content: bytes, draw: Random) -> bytes:
    """``content`` with a bit flipped, a part cut off, zeroed, doubled, moved, lost or replaced by noise."""
    data = bytearray(content)
    for _ in range(draw.choice((1, 1, 1, 2, 5))):
        at = draw.randrange(len(data) + 1)
        end = min(len(data), at + draw.choice((1, 4, 16, 200)))
        kind = draw.randrange(7)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            del data[at:]
        elif kind == 2:
            data[at:end] = bytes(end - at)
        elif kind == 3:
            data[at:at] = data[at:end]
        elif kind == 4:
            part = data[at:end]
            del data[at:end]
            to = draw.randrange(len(data) + 1)
            data[to:to] = part
        elif kind == 5:
            del data[at:end]
        else:
            data[at:end] = draw.randbytes(end - at)
    return bytes(data)


def attempt(call: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[Any, str]:
    """What ``call`` gives and "", or None and the one line in which it refuses; every other error passes through."""
    try:
        return call(*arguments, **options), ""
    except InputError as error:
        message = str(error)
    assert message.strip()
    assert "\n" not in message, message
    return None, message
