"""A papermill engine that tells what it does: a line per cell, and the progress of training while a cell runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines

NAME = "fctransfer"
LABEL = 48


class TellingClient(PapermillNotebookClient):
    """Executes the cells of one notebook and calls ``tell(line)``."""

    def __init__(self, *args: Any, tell: Callable[[str], None], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tell = tell
        self._heading = ""

    def execute_cell(self, cell: Any, cell_index: int, **kwargs: Any) -> Any:
        """Execute one cell and tell its place, what it is about and how long it took."""
        if cell.cell_type != "code":
            self._heading = heading(cell.source) or self._heading
            return super().execute_cell(cell, cell_index, **kwargs)
        place = f"[{cell_index + 1:2d}/{len(self.nb.cells)}] {label(cell.source, self._heading)}"
        start = time.monotonic()
        try:
            return super().execute_cell(cell, cell_index, **kwargs)
        finally:
            self._tell(f"  {place}  {time.monotonic() - start:6.1f} s")

    def process_message(self, message: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Pass the bar of a running study on as lines."""
        content = message.get("content", {})
        if content.get("metadata", {}).get("fctransfer") == "told":
            self._tell(f"      {content['data']['text/plain']}")
        return super().process_message(message, *args, **kwargs)


class TellingEngine(NBClientEngine):
    """``papermill.execute_notebook(..., engine_name="fctransfer", tell=...)``."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, *, tell: Callable[[str], None], start_timeout: int = 60, **kwargs: Any
    ) -> Any:
        """Execute with a client that tells; see papermill's NBClientEngine."""
        from papermill.log import logger

        client = TellingClient(
            nb_man, tell=tell, kernel_name=kernel_name, startup_timeout=start_timeout, timeout=None, log=logger
        )
        return client.execute()


def register() -> str:
    """Make the engine known to papermill; returns its name."""
    papermill_engines.register(NAME, TellingEngine)
    return NAME


def heading(markdown: str) -> str:
    """The last heading of a text cell, the one that the code below it stands under ("" without one)."""
    headings = [line.lstrip("#").strip() for line in markdown.splitlines() if line.startswith("#")]
    return headings[-1] if headings else ""


def label(code: str, last_heading: str) -> str:
    """What a code cell is about, at one width: the heading above it and its first line."""
    first = next((line.strip() for line in code.splitlines() if line.strip()), "")
    text = f"{last_heading}: {first}" if last_heading else first
    return (text if len(text) <= LABEL else text[: LABEL - 1] + "…").ljust(LABEL)
