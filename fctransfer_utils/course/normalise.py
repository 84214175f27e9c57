"""A notebook without anything that differs between two runs of the same code: what is committed and compared."""

from __future__ import annotations

from typing import Any

import nbformat
from nbformat import NotebookNode

from .show import NOTE

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
CELL_METADATA = ("tags", "jupyter")
ADDED_BY_RUNNER = {"injected-parameters", "papermill-error-cell-tag", "added-solution"}
WIDGET = "application/vnd.jupyter.widget-view+json"


def normalised(notebook: NotebookNode) -> NotebookNode:
    """A copy with execution counts from 1, joined streams, and nothing else of this one run.

    Left out: timings, warnings, notes, widget states, cells that a runner added.
    """
    copy = nbformat.from_dict(notebook)
    copy = nbformat.v4.upgrade(copy) if copy.get("nbformat_minor", 0) < 5 else copy
    cells = [cell for cell in copy.cells if not ADDED_BY_RUNNER & set(cell.metadata.get("tags", []))]
    count = 0
    for cell in cells:
        cell.metadata = _kept(cell.metadata)
        cell.source = "\n".join(line.rstrip() for line in cell.source.rstrip().splitlines())
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
            cell.outputs = [_output(output, count) for output in _joined(cell.outputs)]
    copy.cells = cells
    copy.metadata = nbformat.from_dict({"kernelspec": KERNELSPEC, "language_info": {"name": "python"}})
    return nbformat.from_dict({"cells": copy.cells, "metadata": copy.metadata, "nbformat": 4, "nbformat_minor": 5})


def text_of(notebook: NotebookNode) -> str:
    """The bytes of the file, as text."""
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def _kept(metadata: NotebookNode) -> NotebookNode:
    kept = {name: metadata[name] for name in CELL_METADATA if metadata.get(name)}
    return nbformat.from_dict(kept)


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Outputs with neighbouring pieces of a stream in one; warnings, widgets and notes of one run left out."""
    joined: list[NotebookNode] = []
    for output in outputs:
        if output.output_type == "stream" and output.name == "stderr":
            continue
        if WIDGET in output.get("data", {}) or output.get("metadata") == NOTE:
            continue
        if joined and output.output_type == "stream" and joined[-1].output_type == "stream":
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def _output(output: NotebookNode, count: int) -> NotebookNode:
    output.pop("transient", None)
    if output.output_type == "execute_result":
        output.execution_count = count
    if "data" in output:
        output.data = nbformat.from_dict({name: _stripped(name, value) for name, value in output.data.items()})
    return output


def _stripped(kind: str, value: Any) -> Any:
    """Pictures in one line: some writers break the base64 text, others do not."""
    return "".join(value.split()) if kind.startswith("image/") and "svg" not in kind else value
