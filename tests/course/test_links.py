"""A link leads to a file and a heading that exist; a picture has words."""

from __future__ import annotations

import pytest
from made_notebooks import text

from fctransfer_utils.course.links import anchors, broken_links, missing_files, targets, unnamed_pictures

PAGE = """# The first title

## What *it* `costs`: time & memory

See [there](#what-it-costs-time--memory), [below](#twice-1), [a note](#mark) and [outside](https://example.org/#x).

## Twice

## Twice

<a id="mark"></a>

```
[no link](nowhere.md), # no heading
```

1. In a list:

   ```
   [no link](nowhere.md)
   ```

Nor is `[this](nowhere.md)` one.
"""


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(PAGE, encoding="utf-8")
    return path


def test_what_is_there_gets_no_complaint_and_code_has_no_links(page):
    assert list(broken_links(page, PAGE)) == []
    assert "nowhere.md" not in targets(PAGE)
    assert "no-heading" not in anchors(page)


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("[x](gone.md)", "links to gone.md, which does not exist"),
        ("[x](#gone)", "links to #gone, but README.md has no such heading"),
        ("[x](README.md#gone)", "links to README.md#gone, but README.md has no such heading"),
        ("![x](gone.png)", "links to gone.png, which does not exist"),
        ('<img src="gone.png" alt="x">', "links to gone.png, which does not exist"),
    ],
)
def test_what_leads_nowhere_is_named(page, link, words):
    (complaint,) = broken_links(page, f"{PAGE}\n{link}\n")
    assert complaint.startswith(words)


def test_headings_of_a_notebook_are_named_as_in_jupyterlab(write, page):
    path = write("05_curves", text("# Curves of 2014"))
    page = path.parent / "README.md"
    page.write_text("", encoding="utf-8")
    assert list(broken_links(page, "[x](05_curves.ipynb#Curves-of-2014)")) == []
    assert len(list(broken_links(page, "[x](05_curves.ipynb#curves-of-2014)"))) == 1
    path.write_text("{", encoding="utf-8")
    assert len(list(broken_links(page, "[x](05_curves.ipynb#Curves-of-2014)"))) == 1


def test_a_file_that_is_named_as_code_exists(page):
    (page.parent / "tests").mkdir()
    (page.parent / "tests" / "test_a.py").touch()
    text = "`tests/test_a.py`, `tests/test_*.py`, `STORE/b.py`, `tests/NAME.py`, `tests/test_b.py` and `figures/c*.csv`"
    assert [words.split("`")[1] for words in missing_files(page.parent, text)] == ["tests/test_b.py", "figures/c*.csv"]


def test_a_picture_without_words_is_named():
    assert list(unnamed_pictures("![A curve](a.png)\n<img src='a.png' alt=\"A curve\">")) == []
    assert len(list(unnamed_pictures('![](a.png)\n<img src="b.png">\n<img src="c.png" alt=" ">'))) == 3
