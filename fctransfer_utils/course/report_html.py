"""The report as one page that needs nothing else: pictures inside, no script, made for a screen, a phone and paper."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from ..errors import InputError
from ..files import write_text
from .completeness import Item
from .contents import CHAPTERS
from .gallery import CourseFigure, size_of
from .project import Project
from .report_page import Report, Table
from .show import small

NAME = "report.html"
TITLE = "Which layers transfer, and what are fully connected layers for? The report"
INLINE = (
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*([^*]+)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"(?<![*\w])\*([^*\s][^*]*)\*(?![*\w])"), r"<em>\1</em>"),
    (re.compile(r"\[([^\]]+)\]\(([0-9]{2}_[a-z0-9_]+)\.ipynb\)"), r'<a href="#\2">\1</a>'),
)
STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 1rem; color: #1a1a1a; background: #fff;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.25; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #bbb; }
h3 { margin-top: 2rem; } code { font-size: 0.88em; background: #f2f2f2; padding: 0 0.15em; }
a { color: #00568f; } nav ol { columns: 2; column-gap: 2rem; padding-left: 1.4rem; }
figure { margin: 1.5rem 0; } figcaption, caption { font-style: italic; text-align: left; }
figcaption b, caption { font-weight: normal; } caption { padding-bottom: 0.5rem; }
img { max-width: 100%; height: auto; display: block; margin: 0 auto 0.4rem; }
table { border-collapse: collapse; width: 100%; margin: 1.2rem 0; font-size: 0.88rem; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.5rem; border-bottom: 1px solid #ccc; }
thead th { border-bottom: 2px solid #555; }
@media screen and (max-width: 50rem) {
  nav ol { columns: 1; } thead { position: absolute; left: -9999px; } table, tbody, tr, td, caption { display: block; }
  tr { border-bottom: 2px solid #555; padding: 0.5rem 0; } td { border: 0; padding: 0.15rem 0; }
  td::before { content: attr(data-label) ": "; font-weight: 600; }
}
@page { size: A4; margin: 16mm 14mm 18mm; }
@media print {
  body { max-width: none; padding: 0; font-size: 9.5pt; } nav { display: none; } a { color: inherit; }
  h1, h2, h3, caption { break-after: avoid; } figure, tr, li { break-inside: avoid; }
  thead { display: table-header-group; } table.short { break-inside: avoid; } table { font-size: 7.5pt; }
  img { max-height: 215mm; width: auto; }
  h2 { margin-top: 1.5rem; } h2.figures { break-before: page; }
}
"""
SHORT = 12


def write_report(project: Project, out: Path | str | None = None) -> Path:
    """Write the report into the folder ``out`` (default ``build/report``) and return the page's path.

    Raises InputError when the folder cannot be made or written to, and for evidence that is missing or damaged.
    """
    folder = _folder(Path(out) if out else project.build / "report")
    text = page(Report(project))
    try:
        write_text(folder / NAME, text)
    except OSError as error:
        raise InputError(_refused(folder, error)) from error
    return folder / NAME


def page(report: Report) -> str:
    """The whole page. Raises InputError for evidence that is missing or damaged."""
    body = "\n".join(_body(report))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{html.escape(TITLE)}</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def inline(text: str) -> str:
    """A line of Markdown as HTML: code, bold, italic, and links to notebooks as links to their figures."""
    found = html.escape(text, quote=False)
    for pattern, wanted in INLINE:
        found = pattern.sub(wanted, found)
    return found


def _folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(_refused(folder, error)) from error
    if (folder / NAME).is_dir():
        raise InputError(f"cannot write {folder / NAME}: a folder has that name; remove it or give another --out DIR.")
    return folder


def _refused(folder: Path, error: OSError) -> str:
    why = error.strerror or type(error).__name__
    return f"cannot write the report to {str(folder)!r}: {why}; --out needs a folder that can be written to."


def _body(report: Report) -> Iterator[str]:
    papers = list(report.judged)
    sections = (
        ("claims", "Which claims hold", _claims(report, papers)),
        ("statement", "Reproducibility statement", _statement(report)),
        ("checklist", "Code completeness", _checklist(report.checklist, report)),
        ("limits", "What this could not show", _limits(report)),
        ("figures", "All figures", _figures(report.figures)),
    )
    yield f"<header><h1>{html.escape(TITLE)}</h1>"
    yield (
        f"<p>{report.networks:,} networks, {report.hours:,.1f} hours of training, {len(report.figures)} figures. Every"
        " number here is computed from the tables in <code>figures/data</code>; nothing was trained for this page. It"
        " was written by <code>make report</code>, which writes it again.</p></header>"
    )
    links = "".join(f'<li><a href="#{id}">{title}</a></li>' for id, title, _ in sections)
    yield f'<nav aria-label="Contents"><ol>{links}</ol></nav>\n<main>'
    for id, title, parts in sections:
        mark = ' class="figures"' if id == "figures" else ""
        yield f'<section>\n<h2 id="{id}"{mark}>{title}</h2>'
        yield from parts
        yield "</section>"
    yield "</main>"


def _claims(report: Report, papers: Sequence[str]) -> Iterator[str]:
    yield _paragraph(
        "A claim is *reproduced* only if the whole 95 % interval of our paired differences lies on the claimed side,"
        " *not reproduced* if the whole interval lies on the other side, and *inconclusive* otherwise. The rules stand"
        " in `fctransfer_utils/analysis/claims*.py`. A difference is in points: one per cent of the test images."
    )
    yield _table(report.counts_table())
    yield from (_table(report.claims_table(paper)) for paper in papers if report.judged[paper])


def _statement(report: Report) -> Iterator[str]:
    tables = (
        report.networks_table, report.evidence_table, report.splits_table, report.tolerances_table,
        report.versions_table, report.deviations_table, report.not_reproducible_table,
    )  # fmt: skip
    yield from (_table(make()) for make in tables)


def _checklist(items: Sequence[Item], report: Report) -> Iterator[str]:
    missing = [words for item in items for words in item.missing]
    yield _paragraph("Each answer was tested when this page was written.")
    yield _table(report.checklist_table())
    if missing:
        yield _paragraph(f"**{len(missing)} answers are not right any more.**")


def _limits(report: Report) -> Iterator[str]:
    yield "<ul>" + "\n".join(f"<li>{inline(words)}</li>" for words in report.limits()) + "</ul>"


def _figures(figures: Sequence[CourseFigure]) -> Iterator[str]:
    questions = {chapter.name: chapter.question for chapter in CHAPTERS}
    number = 0
    for notebook, own in groupby(figures, key=lambda figure: figure.notebook):
        yield f'<h3 id="{notebook}">{notebook[:2]} · {html.escape(questions.get(notebook, notebook))}</h3>'
        for figure in own:
            number += 1
            yield _figure(figure, number)


def _figure(figure: CourseFigure, number: int) -> str:
    width, height = size_of(figure)
    data = base64.b64encode(small(figure.png.read_bytes())).decode("ascii")
    return (
        f'<figure id="figure-{figure.id}">\n<img alt="{html.escape(figure.caption)}" width="{width}" height="{height}"'
        f' src="data:image/png;base64,{data}">\n'
        f"<figcaption>Figure {number} (<code>{figure.id}</code>). {inline(figure.caption)}</figcaption>\n</figure>"
    )


def _paragraph(text: str) -> str:
    return f"<p>{inline(text)}</p>"


def _table(table: Table) -> str:
    """The table; a label in each cell names its column where a narrow screen shows a row as a list."""
    heads = [str(name) for name in table.rows]
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in heads)
    rows = [
        "".join(
            f'<td data-label="{html.escape(name)}">{inline(cell)}</td>' for name, cell in zip(heads, row, strict=True)
        )
        for row in table.rows.itertuples(index=False, name=None)
    ]
    kind = ' class="short"' if len(rows) <= SHORT else ""
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f"<table{kind}>\n<caption>{inline(table.caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table>"
    )
