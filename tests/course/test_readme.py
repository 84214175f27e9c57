"""What README.md says about results and costs follows from committed files, or the check says so."""

import json

import pytest
from made_fc import fc_table

from fctransfer_utils.course import readme, readme_costs
from fctransfer_utils.course.notebooktool import main
from fctransfer_utils.course.readme import README
from fctransfer_utils.course.titles import costs_file
from fctransfer_utils.errors import InputError

TEXT = "# A title\n\n<!-- generated: {} -->\nOUTDATED\n<!-- end -->\n\nThe rest.\n"


@pytest.fixture
def write_readme(project):
    def write(part):
        (project.root / "README.md").write_text(TEXT.format(part), encoding="utf-8")

    return write


@pytest.mark.parametrize(
    "part",
    ["clone", "launch", "ways", "findings", "verdicts", "results", "zhang", "commands", "costs", "contents", "speed"],
)
def test_a_generated_part_is_renewed_once_and_the_rest_stays(project, write_readme, part):
    write_readme(part)
    assert not README.is_current(project)
    assert README.renew(project)
    text = (project.root / "README.md").read_text(encoding="utf-8")
    assert "OUTDATED" not in text
    assert text.startswith("# A title\n\n<!-- generated:")
    assert text.endswith("<!-- end -->\n\nThe rest.\n")
    assert README.is_current(project)
    assert not README.renew(project)


def test_an_empty_part_is_filled_and_what_follows_stays(project):
    part = "<!-- generated: {} -->\n<!-- end -->\n"
    text = f"{part.format('costs')}\nBetween.\n\n{part.format('contents')}\nAfter.\n"
    (project.root / "README.md").write_text(text, encoding="utf-8")
    README.renew(project)
    found = (project.root / "README.md").read_text(encoding="utf-8")
    assert "Between." in found
    assert found.endswith("After.\n")
    assert found.count("<!-- end -->") == 2
    assert "Not measured yet." in found


def test_results_name_each_data_set_with_its_size_and_judge_nothing_on_one_base(project):
    text = readme.results(project)
    assert "glyphs (rendered)" in text
    assert "Tiny ImageNet (photographs)" in text
    assert "1 networks, 1 split and seed" in text
    assert "**inconclusive**" in text
    assert "**reproduced**" not in text


def test_the_claims_of_the_second_paper_follow_from_its_table(project):
    assert readme.zhang(project) == "Not trained yet."
    fc_table(seeds=2).to_csv(project.evidence("fc"), index=False)
    text = readme.zhang(project)
    assert "claim of Zhang et al. 2017" in text
    assert "[09](notebooks/09_fc_versus_gap.ipynb)" in text
    assert "source networks by arm: A 2, B 2" in text


def test_results_change_with_the_table(project):
    before = readme.results(project)
    path = project.evidence("transfer")
    path.write_text(path.read_text(encoding="utf-8").replace(",8,0.61,", ",9,0.61,"), encoding="utf-8")
    assert readme.results(project) != before


@pytest.mark.parametrize("part", ["badges", "abstract"])
def test_a_part_with_nothing_to_say_stays_empty(project, write_readme, part):
    write_readme(part)
    README.renew(project)
    text = (project.root / "README.md").read_text(encoding="utf-8")
    assert f"<!-- generated: {part} -->\n<!-- end -->" in text


def test_a_claim_has_the_command_that_trains_its_networks(project):
    fc_table(seeds=2).to_csv(project.evidence("fc"), index=False)
    assert all("| `run transfer` |" in line for line in readme.results(project).splitlines()[2:] if line[:1] == "|")
    assert "| `run fc` |" in readme.zhang(project)


def test_verdicts_are_counted_by_paper_and_data(project):
    fc_table(seeds=2).to_csv(project.evidence("fc"), index=False)
    rows = [line.split(" | ") for line in readme.verdicts(project).splitlines()[2:]]
    assert [row[0].removeprefix("| ") for row in rows] == ["Yosinski et al. 2014"] * 2 + ["Zhang et al. 2017"]
    assert all(sum(int(cell.strip(" |")) for cell in row[2:5]) > 0 for row in rows)


def test_costs_have_a_column_for_each_profile_and_machine(project, write, parameters_cell):
    assert readme_costs.costs(project) == readme_costs.NOT_MEASURED
    assert readme_costs.ways(project).count(readme_costs.NOT_MEASURED) == 4
    write("05_curves", parameters_cell)
    measured = {
        "read": {"2 CPU cores": {"05_curves": {"seconds": 12.0, "megabytes": 512}}},
        "quick": {
            "2 CPU cores": {"05_curves": {"seconds": 300.0, "megabytes": 1024}},
            "a GPU": {"05_curves": {"seconds": 40.0, "megabytes": None}},
        },
    }
    costs_file(project).write_text(json.dumps(measured), encoding="utf-8")
    heads, _, row, together = readme_costs.costs(project).splitlines()
    assert heads == "| notebook | `read`, 2 CPU cores | `quick`, 2 CPU cores | `quick`, a GPU |"
    assert row == "| [05_curves](notebooks/05_curves.ipynb) | 12 s, 512 MB | 5 min, 1,024 MB | 40 s |"
    assert together == "| **all of these** | 12 s, at most 512 MB | 5 min, at most 1,024 MB | 40 s |"
    ways = readme_costs.ways(project)
    assert "| 12 s (1 notebooks, 2 CPU cores) | 512 MB (05) |" in ways
    assert "| 5 min (1 notebooks, 2 CPU cores) | 1,024 MB (05) |" in ways


def test_damaged_costs_are_named(project):
    costs_file(project).write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"figures/costs\.json"):
        readme_costs.costs(project)


def test_the_check_complains_about_a_part_that_is_not_current(project, write_readme, capsys):
    write_readme("costs")
    assert main(["check"]) == 1
    assert "README.md" in capsys.readouterr().out
    README.renew(project)
    assert main(["check"]) == 0


def test_a_part_of_unknown_name_is_refused(project, write_readme):
    write_readme("prices")
    with pytest.raises(InputError, match=r"prices.*results"):
        README.renew(project)


RATE = """peer,processes,loaders,ours (images/s),peer (images/s),ratio (median),lowest,highest,pairs,machine
stock,1,0,1800,600,3.0,2.9,3.2,5,a processor
tuned,2,0,1800,1500,1.2,1.1,1.3,5,a processor
"""
GRID = """peer,processes,loaders,ours (s),peer (s),ratio (median),lowest,highest,pairs,machine
stock,1,0,40,160,4.0,3.9,4.1,5,a processor
"""
GATES = """contestant,compared with S,apart,allowed,gate,machine
tuned,mean top-1 of 5 seeds,0.7,0.5,MISSED,a processor
"""


def test_the_speed_is_that_of_the_committed_benchmark_and_a_missed_gate_is_told(project):
    assert readme.speed(project) == "Not measured yet."
    for name, content in (("rate", RATE), ("grid", GRID), ("gates", GATES)):
        (project.figures / "data" / f"bench_{name}.csv").write_text(content, encoding="utf-8")
    stock, tuned = [line for line in readme.speed(project).splitlines() if "PyTorch loop" in line]
    assert "600 | 3.00 [2.90, 3.20] | 4.00 [3.90, 4.10] | - |" in stock
    assert "1,500 | 1.20 [1.10, 1.30] | - | - |" in tuned
    assert "missed: tuned, mean top-1 of 5 seeds (0.7, allowed 0.5)" in readme.speed(project)


def test_every_machine_of_the_benchmark_has_a_table_of_its_own(project):
    other = RATE.partition("\n")[2].replace("1800,600,3.0", "1800,900,2.0").replace("a processor", "another")
    (project.figures / "data" / "bench_rate.csv").write_text(RATE + other, encoding="utf-8")
    first, second = readme.speed(project).split("**another**")
    assert "**a processor**" in first
    assert "3.00 [2.90" in first
    assert "2.00 [2.90" in second
