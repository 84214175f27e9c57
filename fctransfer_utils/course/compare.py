"""Whether two normalised notebooks show the same: text to the letter, pictures to the eye."""

from __future__ import annotations

import base64
import binascii
import difflib
import io

import numpy as np
from nbformat import NotebookNode

PICTURE_TOLERANCE = 2.0
MOST_LINES = 12


def differences(committed: NotebookNode, executed: NotebookNode) -> list[str]:
    """What a reader would find different, cell by cell; empty when nothing is.

    Text must be equal. Pictures must have the same size and differ by at most ``PICTURE_TOLERANCE`` of 255 on average,
    which forgives another machine's rounding and no moved line.
    """
    if [cell.id for cell in committed.cells] != [cell.id for cell in executed.cells]:
        return ["the cells differ; run: make format"]
    found = []
    for number, (old, new) in enumerate(zip(committed.cells, executed.cells, strict=True), start=1):
        if old.source != new.source:
            found.append(f"cell {number}: the code or text differs")
        if old.cell_type == "code":
            found += [f"cell {number}: {what}" for what in _outputs(old.outputs, new.outputs)]
    return found


def _outputs(old: list[NotebookNode], new: list[NotebookNode]) -> list[str]:
    if [_kind(output) for output in old] != [_kind(output) for output in new]:
        return [f"outputs {[_kind(output) for output in old]} became {[_kind(output) for output in new]}"]
    return [what for before, after in zip(old, new, strict=True) if (what := _output(before, after))]


def _output(old: NotebookNode, new: NotebookNode) -> str:
    if old.output_type == "stream":
        return _text(old.text, new.text)
    if "data" not in old:
        return "" if old == new else "the error differs"
    for kind in old.data:
        if kind.startswith("image/") and "svg" not in kind:
            what = _picture(old.data[kind], new.data[kind])
        else:
            what = _text(str(old.data[kind]), str(new.data[kind]))
        if what:
            return f"{kind}: {what}"
    return ""


def _kind(output: NotebookNode) -> str:
    return f"{output.output_type}:{','.join(sorted(output.get('data', {})))}{output.get('name', '')}"


def _text(old: str, new: str) -> str:
    if old == new:
        return ""
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), "committed", "now", lineterm="", n=0))
    return "\n".join(lines[:MOST_LINES])


def _picture(old: str, new: str) -> str:
    if old == new:
        return ""
    try:
        before, after = _pixels(old), _pixels(new)
    except (OSError, ValueError, binascii.Error) as error:
        return f"a picture cannot be read ({error})"
    if before.shape != after.shape:
        return f"the picture has (height, width) {after.shape[:2]} instead of {before.shape[:2]}"
    distance = float(np.abs(before - after).mean())
    return "" if distance <= PICTURE_TOLERANCE else f"the picture differs by {distance:.1f} of 255 on average"


def _pixels(text: str) -> np.ndarray:
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(text))) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.float32)
