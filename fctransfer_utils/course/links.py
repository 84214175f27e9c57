"""Links of a Markdown text: do the files and the headings that they name exist, and has every picture its words?"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

FENCE = re.compile(r"^ *(```|~~~).*?^ *\1\s*$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)[^)]*\)")
PICTURE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
ATTRIBUTE = re.compile(r"\b(src|alt)\s*=\s*\"([^\"]*)\"", re.IGNORECASE)
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
ANCHOR = re.compile(r"<a\s+(?:id|name)=\"([^\"]+)\"")
PATH = re.compile(r"`((?:binder|figures|fctransfer_utils|notebooks|tests)/[\w./*-]+)`")
OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def targets(text: str) -> list[str]:
    """What the links and pictures of ``text`` lead to, code left out."""
    plain = prose(text)
    found = [target for _, _, target in LINK.findall(plain)]
    return found + [dict(ATTRIBUTE.findall(tag)).get("src", "") for tag in PICTURE.findall(plain)]


def broken_links(file: Path, text: str) -> Iterator[str]:
    """What is wrong with the links in ``text``, which is that of ``file``: no such file, no such heading."""
    for target in dict.fromkeys(targets(text)):
        if OUTSIDE.match(target):
            continue
        path, _, anchor = target.partition("#")
        other = file.parent / path if path else file
        if not other.exists():
            yield f"links to {path}, which does not exist; correct the link"
        elif anchor and other.suffix in (".md", ".ipynb") and anchor not in anchors(other, text if not path else None):
            yield f"links to {target}, but {other.name} has no such heading; correct the link"


def missing_files(root: Path, text: str) -> Iterator[str]:
    """Paths of the project that ``text`` names as code and that do not exist; words like NAME stand for any name."""
    for path in dict.fromkeys(PATH.findall(text)):
        stands_for_a_name = any(word.isupper() for word in re.findall(r"\w+", path) if word != "README")
        if not stands_for_a_name and not any(root.glob(path)):
            yield f"names `{path}`, which does not exist; correct it"


def unnamed_pictures(text: str) -> Iterator[str]:
    """Pictures in ``text`` without words for those who do not see them."""
    plain = prose(text)
    for picture, words, target in LINK.findall(plain):
        if picture and not words.strip():
            yield f"shows the picture {target} without words in its brackets; say what there is to see"
    for tag in PICTURE.findall(plain):
        given = dict(ATTRIBUTE.findall(tag))
        if not given.get("alt", "").strip():
            yield f'shows the picture {given.get("src", tag)} without alt="..."; say what there is to see'


def anchors(file: Path, text: str | None = None) -> set[str]:
    """The names that a link may have behind ``#``: GitHub's for a Markdown file, JupyterLab's for a notebook."""
    if text is None:
        text = file.read_text(encoding="utf-8")
        text = texts_of(text) if file.suffix == ".ipynb" else text
    headings = [_words(title) for title in HEADING.findall(FENCE.sub("", text))]
    named = set(ANCHOR.findall(text))
    if file.suffix == ".ipynb":
        return named | {title.replace(" ", "-") for title in headings}
    return named | set(_numbered([_slug(title) for title in headings]))


def texts_of(notebook: str) -> str:
    """The text cells of a notebook's file, one after another; nothing for a file that is no notebook."""
    try:
        cells = json.loads(notebook)["cells"]
    except (ValueError, KeyError, TypeError):
        return ""
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def prose(text: str) -> str:
    """``text`` without its code."""
    return CODE.sub("", FENCE.sub("", text))


def _words(title: str) -> str:
    """A heading without its marks: links become their words, emphasis and code what is in them."""
    return re.sub(r"[*`]", "", LINK.sub(r"\2", title))


def _slug(title: str) -> str:
    kept = [letter for letter in title.lower() if letter in " -_" or unicodedata.category(letter)[0] in "LNM"]
    return "".join(kept).replace(" ", "-")


def _numbered(slugs: list[str]) -> Iterator[str]:
    """GitHub tells equal headings apart by a number."""
    for place, slug in enumerate(slugs):
        before = slugs[:place].count(slug)
        yield f"{slug}-{before}" if before else slug
