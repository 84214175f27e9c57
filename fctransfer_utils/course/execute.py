"""Execute one notebook as it stands, in its own kernel."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from ..errors import InputError
from ..optional import need
from .kernel import this_interpreter

SOLUTION = re.compile(r"<details>\s*<summary>.*?</summary>(.*?)</details>", re.DOTALL)
CODE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


class NotebookFailed(InputError):
    """A cell raised an error; the message says which and how."""


def executed(
    notebook: NotebookNode,
    *,
    folder: Path,
    parameters: Mapping[str, Any] | None = None,
    variables: Mapping[str, str] | None = None,
    tell: Callable[[str], None] | None = None,
) -> NotebookNode:
    """``notebook`` with the outputs of a fresh run in the working directory ``folder``.

    Without ``parameters`` those in its cell hold, which is the profile ``read``. ``variables`` are set in the kernel's
    environment. Raises NotebookFailed.
    """
    papermill = need("papermill", "running notebooks")
    need("ipykernel", "running notebooks")
    from papermill.exceptions import PapermillExecutionError

    from .engine import register
    from .runner import explain

    with this_interpreter(variables) as kernel:
        try:
            return papermill.execute_notebook(
                nbformat.from_dict(notebook),
                None,
                parameters=dict(parameters or {}),
                engine_name=register(),
                kernel_name=kernel,
                language="python",
                cwd=str(folder),
                progress_bar=False,
                tell=tell or (lambda line: None),
            )
        except PapermillExecutionError as error:
            raise NotebookFailed(explain(error)) from error


def solutions(cell: NotebookNode) -> list[str]:
    """The code in the folded solutions of a text cell."""
    return [code for text in SOLUTION.findall(cell.source) for code in CODE.findall(text)]


def with_solutions(notebook: NotebookNode) -> NotebookNode:
    """A copy in which the code of each exercise's solution is run right after it, in cells tagged as added."""
    copy = nbformat.from_dict(notebook)
    cells = []
    for cell in copy.cells:
        cells.append(cell)
        if cell.cell_type == "markdown":
            added = {"tags": ["added-solution"]}
            cells += [nbformat.v4.new_code_cell(code, metadata=added) for code in solutions(cell)]
    copy.cells = cells
    return copy
