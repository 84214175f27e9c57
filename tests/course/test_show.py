"""A table reads well: words to the left, numbers to the right, the same bytes every time."""

import pandas as pd
import pytest

from fctransfer_utils.course import show


@pytest.fixture
def shown(monkeypatch):
    bundles = []
    monkeypatch.setattr(show, "_display", lambda bundle, metadata=None: bundles.append(bundle))
    return bundles


def test_words_stand_left_and_numbers_right(shown):
    frame = pd.DataFrame({"name": ["a", "b"], "value": [1.25, 2.5], "note": ["", "x < y"]})
    show.table(frame, formats={"value": "{:.1f}"})
    page = shown[0]["text/html"]
    assert page.count('<td style="text-align: left">') == 4
    assert "<td>1.2</td>" in page
    assert '<td style="text-align: left">x &lt; y</td>' in page
    assert '<th style="text-align: left">name</th>' in page
    assert "<th>value</th>" in page


def test_the_index_does_not_shift_the_columns(shown):
    show.table(pd.DataFrame({"name": ["a"], "value": [1]}), index=True)
    assert '<td style="text-align: left">a</td>' in shown[0]["text/html"]
    assert "<td>1</td>" in shown[0]["text/html"]
    assert '<th style="text-align: left">name</th>' in shown[0]["text/html"]
    assert "<th>value</th>" in shown[0]["text/html"]


def test_a_long_line_is_broken_between_words_in_a_notebook_alone(capsys, monkeypatch):
    words = [f"number{place}" for place in range(40)]
    text = "short\n" + " ".join(words) + "\n  kept"
    show.line(text)
    assert capsys.readouterr().out == f"{text}\n"
    monkeypatch.setattr(show, "in_notebook", lambda: True)
    show.line(text)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "short"
    assert lines[-1] == "  kept"
    assert max(map(len, lines)) <= show.COLUMNS
    assert " ".join(lines[1:-1]).split() == words


def test_empty_cells_stay_empty_and_the_caption_is_said_in_both_forms(shown):
    show.table(pd.DataFrame({"value": [1.0, float("nan")]}), caption="A & B", formats={"value": "{:.0f}"})
    assert "<td></td>" in shown[0]["text/html"]
    assert "A &amp; B" in shown[0]["text/html"]
    assert shown[0]["text/plain"].startswith("A & B\n")


def test_a_picture_gets_a_palette_and_looks_the_same():
    import io

    import matplotlib.pyplot as plt
    import numpy as np
    from PIL import Image

    fig, axes = plt.subplots()
    axes.plot([0, 1], [1, 0], color="#0072B2", linewidth=3)
    axes.imshow(np.arange(64).reshape(8, 8))
    picture = io.BytesIO()
    fig.savefig(picture, format="png", dpi=show.PICTURE_DPI)
    plt.close(fig)
    whole = picture.getvalue()
    reduced = show.small(whole)
    assert len(reduced) < 0.6 * len(whole)
    assert reduced == show.small(whole)
    before, after = (np.asarray(Image.open(io.BytesIO(part)).convert("RGB"), float) for part in (whole, reduced))
    assert np.abs(before - after).mean() < 1
