import pytest
from made_dip import LONG, USUAL, dip_table

from fctransfer_utils.analysis.dip import effects_of_dip, of_dip
from fctransfer_utils.analysis.published import paper_table
from fctransfer_utils.errors import InputError
from fctransfer_utils.plots.dip import dip_plot
from fctransfer_utils.plots.style import TREATMENT_STYLE


def markers(axes) -> set[str]:
    return {line.get_marker() for line in axes.lines} - {"None", "_"}  # "_": the caps of intervals


def test_a_column_per_net_and_schedule_top1_above_loss_below(texts):
    figure = dip_plot(effects_of_dip(dip_table()))
    assert len(figure.axes) == 2 * 4
    titles = [axes.get_title(loc="left") for axes in figure.axes[:4]]
    assert titles == [
        f"Without batch norm\n{USUAL} epochs", f"Without batch norm\n{LONG} epochs (x 3)",
        f"With batch norm\n{USUAL} epochs", f"With batch norm\n{LONG} epochs (x 3)",
    ]  # fmt: skip
    assert "Training loss minus base\n(nats)" in texts(figure)


def test_every_treatment_has_its_marker_and_the_longer_column_only_what_there_is():
    figure = dip_plot(effects_of_dip(dip_table()))
    assert markers(figure.axes[0]) == {TREATMENT_STYLE[name].marker for name in ("BnB", "warm", "stitch")}
    assert markers(figure.axes[1]) == {TREATMENT_STYLE["BnB"].marker}


def test_intervals_are_drawn_from_two_seeds_on(intervals):
    assert intervals(dip_plot(effects_of_dip(dip_table(seeds=3)))) == 2 * 8
    assert intervals(dip_plot(effects_of_dip(dip_table(seeds=1)))) == 0


def test_what_is_absent_is_written_below(texts):
    table = dip_table(seeds=2).query("not (treatment == 'base' and epochs == @LONG)")
    words = texts(dip_plot(effects_of_dip(table)))
    assert "base is absent" in words
    assert "nothing to compare" in words


def test_the_published_dip_is_drawn_under_its_own_name(texts):
    figure = dip_plot(effects_of_dip(of_dip(paper_table())), names={"caffenet": "Published networks"})
    assert "Published networks" in texts(figure)
    assert len(figure.axes) == 2


def test_too_many_conditions_and_none_are_refused():
    effects = effects_of_dip(dip_table())
    more = effects.assign(epochs=effects["epochs"] + effects["n"])
    with pytest.raises(InputError, match="nets and schedules do not fit"):
        dip_plot(more)
    with pytest.raises(InputError, match="no effect to draw"):
        dip_plot(effects_of_dip(dip_table().query("treatment == 'base'")))
