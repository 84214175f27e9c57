"""Cells for notebooks that tests make on the spot."""

from __future__ import annotations

import nbformat
from nbformat import NotebookNode


def code(source: str, *tags: str, id: str = "code") -> NotebookNode:
    """A code cell with tags."""
    cell = nbformat.v4.new_code_cell(source, id=id)
    cell.metadata["tags"] = list(tags)
    return cell


def text(source: str, *tags: str, id: str = "text") -> NotebookNode:
    """A text cell with tags."""
    cell = nbformat.v4.new_markdown_cell(source, id=id)
    cell.metadata["tags"] = list(tags)
    return cell
