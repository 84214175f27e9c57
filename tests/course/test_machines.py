"""README's words on many machines are those of the committed measurements."""

from fctransfer_utils.course import machines
from fctransfer_utils.course.readme import README

CLUSTER = """where,networks,seconds,seconds in training,efficiency,machine
this process,56,42.0,41.5,1.0,a processor
2 workers,56,22.5,43.0,0.933,a processor
"""
OVERHEAD = """where,networks,ms per network,machine
this process,500,4.2,a processor
1 worker,500,18.9,a processor
"""
SAMENESS = """what differs,same bits,weights apart,training loss apart,top-1 apart (points),machine
nothing: another process,yes,0.0,0.0,0.0,a processor
bfloat16 in place of float32,no,0.0312,0.002,1.25,a processor
a GPU in place of the CPU,not measured,,,,a processor
"""


def in_readme(project, part):
    """The text of README.md when ``part`` is made anew."""
    file = project.root / "README.md"
    file.write_text(f"<!-- generated: {part} -->\n<!-- end -->\n", encoding="utf-8")
    README.renew(project)
    return file.read_text(encoding="utf-8")


def test_what_was_not_measured_is_said(project):
    assert machines.cluster(project) == machines.sameness(project) == machines.NOT_MEASURED


def test_efficiency_and_overhead_are_those_of_the_committed_tables(project):
    for name, content in (("cluster", CLUSTER), ("overhead", OVERHEAD)):
        (project.figures / "data" / f"bench_{name}.csv").write_text(content, encoding="utf-8")
    text = in_readme(project, "cluster")
    assert "| 2 workers | 56 | 22.5 | 43.0 | 93 % |" in text
    assert "a processor." in text
    assert "4 ms (this process), 19 ms (1 worker)" in text
    assert "mean of 500 networks" in text


def test_what_may_differ_is_told_with_its_size(project):
    (project.figures / "data" / "bench_sameness.csv").write_text(SAMENESS, encoding="utf-8")
    text = in_readme(project, "sameness")
    assert "| nothing: another process | yes | 0 | 0 | 0.0 points |" in text
    assert "| bfloat16 in place of float32 | no | 3.1 % | 0.2 % | 1.2 points |" in text
    assert "| a GPU in place of the CPU | not measured | - | - | - |" in text
