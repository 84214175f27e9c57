"""Four ways to use a network for few photographs: which rates are tried, and by what they are chosen."""

import torch
from made_pictures import as_folders
from made_stripes import stripes

from fctransfer_utils.evidence import few_photographs

torch.set_num_threads(1)


def test_rates_are_chosen_on_a_draw_of_their_own(tmp_path, monkeypatch):
    for part, seed in (("train", 0), ("test", 1)):
        as_folders(tmp_path / "lines" / part, stripes(80, size=32, seed=seed).of_classes([0, 2]))
    few = {"SETS": ("lines",), "STEPS": {5: 2}, "STRENGTHS": (1.0, 1e9), "RATES": few_photographs.FIRST_RATES}
    for name, value in few.items():
        monkeypatch.setattr(few_photographs, name, value)
    found = few_photographs.measured(str(tmp_path))
    tried, judged = found[found["draw"] == "tune"], found[found["draw"] != "tune"]
    assert tried.groupby("way").size().to_dict() == {
        "probe": 2, "frozen head": 10, "head first, then all": 3, "everything at once": 3
    }  # fmt: skip
    best = tried.loc[tried.groupby("way")["top1"].idxmax()].set_index("way")["rate"]
    assert judged.groupby("way").size().tolist() == [3] * 4  # draws
    assert (judged["rate"] == judged["way"].map(best)).all()
    assert found.loc[found["way"] == "probe", "train_top1"].max() == 100
