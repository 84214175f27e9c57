"""The course's table of contents: every notebook there is or will be, its question, and the figure it answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple


class Chapter(NamedTuple):
    """One notebook: its name without ending, the question it asks, and where the papers treat it."""

    name: str
    question: str
    source: str


YOSINSKI, ZHANG = "Yosinski et al. 2014", "Zhang et al. 2017"
CHAPTERS = (
    Chapter("00_start_here", "What is in this course, what does it cost, and how are its figures read?", "-"),
    Chapter("01_fully_connected_layers", "What is a fully connected layer, and what does it hold?", "background"),
    Chapter("02_data_and_splits", "What do the images look like, and what are the two halves?", f"{YOSINSKI}, sec. 3"),
    Chapter("03_base_networks", "What do networks learn that were trained on one half?", f"{YOSINSKI}, sec. 1 and 3"),
    Chapter("04_network_surgery", "How is a network cut, copied and frozen, and is it exact?", f"{YOSINSKI}, Figure 1"),
    Chapter("05_transfer_curves", "At which layer do features stop to transfer?", f"{YOSINSKI}, Figure 2 and Table 1"),
    Chapter(
        "06_distant_tasks_and_random_filters",
        "What if the halves have little in common, or nothing was learnt?",
        f"{YOSINSKI}, Figure 3",
    ),
    Chapter("07_how_much_data", "Freeze, fine-tune or start afresh, given few images?", f"{YOSINSKI}, Figure S1"),
    Chapter("08_reading_the_logs", "What do the published training logs say by themselves?", f"{YOSINSKI}, Table 1"),
    Chapter("09_fc_versus_gap", "When do fully connected layers help transfer?", f"{ZHANG}, Table 2"),
    Chapter(
        "10_firewall", "Do fully connected layers protect the convolutions below?", f"{ZHANG}, Figure 3, Tables 3 and 4"
    ),
    Chapter("11_which_layers_to_keep", "Which layers should you keep for your own images?", "both papers"),
    Chapter("12_explore", "What changes when you move one number?", "both papers"),
    Chapter("13_scale_out", "How is the same study run on many machines, up to ImageNet?", f"{YOSINSKI}, in full"),
    Chapter("14_report", "Which claims hold, and how sure is that?", "both papers"),
)


def ready(files: Iterable[Path]) -> tuple[Chapter, ...]:
    """The chapters whose notebook is among ``files``."""
    there = {file.stem for file in files}
    return tuple(chapter for chapter in CHAPTERS if chapter.name in there)


def as_markdown(files: Sequence[Path]) -> str:
    """The contents as a table; notebooks among ``files`` are links, the others are called planned."""
    there = {chapter.name for chapter in ready(files)}
    lines = ["| notebook | question | the papers | state |", "| :-- | :-- | :-- | :-- |"]
    for name, question, source in CHAPTERS:
        shown = f"[{name}]({name}.ipynb)" if name in there else name
        lines.append(f"| {shown} | {question} | {source} | {'ready' if name in there else 'planned'} |")
    return "\n".join(lines)
