"""Every figure of the course with its caption, found in the outputs of the committed notebooks; nothing is drawn."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from ..errors import InputError
from . import show
from .contents import CHAPTERS
from .project import Project

DRAWN = re.compile(r"checks hold; figures in\s\S+:\s((?:\S+,\s)*\S+)")  # may be broken into lines
MARK = "[figure] "
PREVIEW_WIDTH = 320  # pixels: all previews together must fit into a notebook of 1 MB
PREVIEW_COLOURS = 32


@dataclass(frozen=True)
class CourseFigure:
    """One figure: its id, the notebook that draws it, what its caption says, and the committed picture."""

    id: str
    notebook: str
    caption: str
    png: Path


def figures_of_course(project: Project) -> tuple[CourseFigure, ...]:
    """The figures of all committed notebooks, in order.

    Raises InputError for a notebook whose outputs do not tell its figures, and for a picture that is not in figures/.
    """
    return tuple(figure for file in project.notebook_files() for figure in figures_of(project, file))


def figures_of(project: Project, file: Path) -> tuple[CourseFigure, ...]:
    """The figures that the committed outputs of one notebook show, in order."""
    outputs = _outputs(file)
    ids = [id for text in _printed(outputs) for found in DRAWN.findall(text) for id in found.replace(",", " ").split()]
    captions = [text.removeprefix(MARK) for text in _pictures(outputs) if text.startswith(MARK)]
    if len(ids) != len(captions):
        raise InputError(
            f"{file.name} names {len(ids)} figures at its end and shows {len(captions)}; renew its outputs with:"
            " make format."
        )
    figures = []
    for id, caption in zip(ids, captions, strict=True):
        png = project.figures / f"{id}.png"
        if not png.exists():
            raise InputError(
                f"{file.name} shows the figure {id!r}, but {project.shown(png)} is missing; restore it, or draw it"
                " with: make evidence PROFILE=read."
            )
        figures.append(CourseFigure(id, file.stem, caption, png))
    return tuple(figures)


def not_shown(project: Project, figures: Sequence[CourseFigure]) -> list[str]:
    """The committed pictures that no notebook shows."""
    return sorted({path.stem for path in project.figures.glob("*.png")} - {figure.id for figure in figures})


def preview(figure: CourseFigure) -> bytes:
    """The figure as a PNG of ``PREVIEW_WIDTH`` pixels and ``PREVIEW_COLOURS`` colours."""
    from PIL import Image

    with _opened(figure) as picture:
        height = round(picture.height * PREVIEW_WIDTH / picture.width)
        small = picture.convert("RGB").resize((PREVIEW_WIDTH, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
    reduced = io.BytesIO()
    few = small.quantize(PREVIEW_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(reduced, "PNG", optimize=True)
    return reduced.getvalue()


def show_previews(figures: Sequence[CourseFigure]) -> None:
    """Under a cell: for each notebook its name and question, and a preview of each of its figures with the caption."""
    questions = {chapter.name: chapter.question for chapter in CHAPTERS}
    for notebook, own in groupby(figures, key=lambda figure: figure.notebook):
        show.markdown(f"**[{notebook}]({notebook}.ipynb)** · {questions.get(notebook, '')}".rstrip(" ·"))
        for figure in own:
            show.png(preview(figure), alt=figure.caption, plain=f"[preview] {figure.id}")
            show.markdown(f"`{figure.id}` · *{figure.caption}*")


def size_of(figure: CourseFigure) -> tuple[int, int]:
    """Width and height of the committed picture in pixels. Raises InputError for one that is no picture."""
    with _opened(figure) as picture:
        return picture.size


def _opened(figure: CourseFigure) -> Any:
    from PIL import Image, UnidentifiedImageError

    try:
        return Image.open(figure.png)
    except (OSError, UnidentifiedImageError) as error:
        raise InputError(
            f"figures/{figure.png.name} is not a picture ({type(error).__name__}); restore it from the project."
        ) from error


def _outputs(file: Path) -> list[dict[str, Any]]:
    try:
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        return [output for cell in cells for output in cell.get("outputs", ())]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{file.name} is not a valid notebook ({type(error).__name__}); restore it.") from error


def _printed(outputs: Sequence[dict[str, Any]]) -> list[str]:
    return ["".join(output["text"]) for output in outputs if output.get("output_type") == "stream"]


def _pictures(outputs: Sequence[dict[str, Any]]) -> list[str]:
    shown = [output["data"] for output in outputs if "image/png" in output.get("data", {})]
    return ["".join(data.get("text/plain", "")) for data in shown]
