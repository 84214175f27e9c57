"""The command line: what is typed is done or refused in one line, whatever the terminal, the names and the disk."""

import io
import os
import shlex
import shutil
import subprocess
import sys
import time

import pandas as pd
import pytest
from made_pictures import class_folders
from made_studies import records
from PIL import Image

from fctransfer_utils import papermill_run
from fctransfer_utils.cli import VERBS, main, parse
from fctransfer_utils.cli_studies import STUDIES, study_of
from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments import engine, studies
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.files import TABLES, build_folder

OTHERS = {
    "distant": ["--split", "random"],
    "recipes": ["--grid", "learning_rate=0.01,0.02", "--grid", "epochs=1,2"],
    "volumes": ["--recipes", str(TABLES / "recipes_volumes_glyphs.csv")],
}


@pytest.fixture
def command(capsys):
    """``command(*arguments)`` -> (exit status, standard output, standard error)."""

    def call(*arguments):
        status = main([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return call


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Twenty classes of 12 pictures to learn and 4 to test."""
    return class_folders(tmp_path_factory.mktemp("pictures"), {f"class {number}": 16 for number in range(20)})


def smoke(study, *options):
    """The smallest run of a study on a folder of pictures."""
    return [study, "--data", "folder", "--profile", "smoke", *OTHERS.get(study, []), *map(str, options)]


def here(root):
    return ["--root", str(root), "--workers", "1", "--device", "cpu"]


def refused(found):
    """That a command ended as bad input does; what it said."""
    status, _, err = found
    assert status == 2
    (line,) = [line for line in err.splitlines() if "image/s]" not in line]
    assert line.startswith("fctransfer: ")
    return line


def helps():
    return [["--help"], *([verb, study, "--help"] for verb in VERBS for study in STUDIES)]


@pytest.mark.parametrize("words", helps(), ids=" ".join)
def test_examples_of_the_help_are_commands(command, words):
    status, out, _ = command(*words)
    assert status == 0
    examples = [shlex.split(line)[1:] for line in out.splitlines() if line.startswith("  fctransfer ")]
    assert examples
    for example in examples:
        options = parse(example)
        assert "study" not in options or study_of(options)


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_from_its_training_to_its_figure(command, pictures, tmp_path, study):
    options = parse(["run", *smoke(study)])
    asked = [network for _, network in study_of(options)]
    networks = len({network.key for network in asked})
    trained = len({each.key for network in asked for each in (network, network.donor) if each})
    assert "train" in refused(command("table", *smoke(study)))
    status, told, err = command("run", *smoke(study), *here(pictures))
    assert status == 0, err
    assert "20 classes" in told
    assert f"{trained} networks trained" in told
    for treatment in {labels["treatment"] for labels, _ in study_of(options)}:
        assert any(line.startswith(treatment) for line in told.splitlines())
    assert "0 networks trained" in command("run", *smoke(study), *here(pictures))[1]

    status, out, _ = command("status", *smoke(study))
    assert f"{networks} of {networks}" in out
    for line in (told, out):  # what to type next names the same networks
        following = parse(shlex.split(line.rpartition("Next: fctransfer ")[2]))
        assert [network for _, network in study_of(following)] == [network for _, network in study_of(options)]

    status, out, _ = command("plot", *smoke(study))
    figure = build_folder() / "figures" / f"{study}_folder_smoke.png"
    assert (status, out) == (0, f"{figure}\n")
    assert Image.open(figure).width > 500
    table = tmp_path / "table.csv"
    status, out, _ = command("table", *smoke(study, "--csv", table))
    assert out in told
    assert set(pd.read_csv(table)["key"]) == {network.key for _, network in study_of(options)}
    status, out, _ = command("verify", study, table, *smoke(study)[1:], *here(pictures), "--count", "2")
    assert (status, out.count("equal")) == (0, 2)
    changed = pd.read_csv(table)
    changed["top1"] = 1 - changed["top1"] / 3
    changed.to_csv(table, index=False)
    assert command("verify", study, table, *smoke(study)[1:], *here(pictures), "--count", "1")[0] == 1


def test_replicates_and_cuts_are_those_asked_for():
    rows = study_of(parse(["run", "transfer", "--replicates", "0-1,4", "--cuts", "2,5-6"]))
    assert {labels["replicate"] for labels, _ in rows} == {0, 1, 4}
    assert {labels["n"] for labels, _ in rows if labels["treatment"] in ("AnB", "AnB+")} == {2, 5, 6}
    alone = study_of(parse(["run", "transfer", "--replicates", "4", "--cuts", "2,5-6"]))
    assert [row for row in rows if row[0]["replicate"] == 4] == alone


def test_what_diverged_is_named_and_in_no_mean(command, pictures):
    wild = ["recipes", "--data", "folder", "--profile", "smoke", "--grid", "epochs=4"]
    status, out, _ = command("run", *wild, "--grid", "learning_rate=0.01,1e12", *here(pictures))
    assert status == 0
    assert sum("diverged" in line and "1000000000000.0" in line for line in out.splitlines()) == 2
    means = [line.split() for line in out.splitlines() if line.startswith("base, learning_rate")]
    assert [len(words) for words in means] == [4, 3]  # the second rate has none


BAD = [
    (["rnu"], "Did you mean 'run'"),
    ([], "COMMAND"),
    (["run"], "STUDY"),
    (["run", "transfr"], "Did you mean 'transfer'"),
    (["run", "transfer", "--data", "glyhps"], "Did you mean 'glyphs'"),
    (["run", "transfer", "--profile", "quik"], "Did you mean 'quick'"),
    (["run", "transfer", "--split", "paprika", "--data", "textures", "--profile", "smoke"], "'paprika'"),
    (["run", "distant", "--data", "textures", "--profile", "smoke"], "natural-manmade"),
    (["run", "transfer", "--device", "cdua"], "Did you mean 'cuda'"),
    (["run", "transfer", "--device", "cuda:99"], "cuda:99"),
    (["run", "transfer", "--data", "folder"], "--root"),
    (["run", "transfer", "--data", "folder", "--root", "none"], "none"),
    (["run", "transfer", "--root", "."], "--root"),
    (["run", "transfer", "--store", "file"], "a store is a folder of its own"),
    (["run", "transfer", "--cuts", "0-3"], "0-3"),
    (["run", "transfer", "--cuts", ""], "--cuts"),
    (["run", "transfer", "--replicates", "3-1"], "3-1"),
    (["run", "transfer", "--replicates", "one"], "one"),
    (["run", "transfer", "--workers", "0"], "--workers"),
    (["run", "transfer", "--workers", "2", "--scheduler", "tcp://127.0.0.1:1"], "--workers"),
    (["run", "transfer", "--time-limit", "nan"], "nan"),
    (["run", "volumes", "--data", "folder"], "--recipes FILE"),
    (["run", "volumes", "--recipes", str(TABLES / "claims.csv")], "claims.csv is no table of rates"),
    (["run", "recipes", "--grid", "learning_rat=1"], "Did you mean 'learning_rate'"),
    (["run", "recipes", "--grid", "epochs=1.5"], "epochs=1.5"),
    (["run", "recipes", "--treatment", "AnB"], "--n"),
    (["run", "recipes", "--n", "3"], "--n"),
    (["run", "recipes", "--treatment", "CnB", "--n", "3"], "CnB"),
    (["run", "recipes", "--cuts", "1"], "--cuts"),
    (["run", "transfer", "--grid", "epochs=1"], "--grid"),
    (["run", "transfer", "--profil", "smoke"], "--profil"),
    (["plot", "transfer", "--workers", "1"], "--workers"),
    (["verify", "transfer"], "TABLE"),
    (["verify", "transfer", "none.csv"], "none.csv"),
    (["verify", "transfer", "file"], "file"),
    (["keep", "nowhere"], "nowhere"),
    (["notebooks", "quik"], "Did you mean 'quick'"),
    (["notebooks", "read", "--onyl", "00"], "--onyl"),
]


@pytest.mark.parametrize(("words", "named"), BAD, ids=[" ".join(words) for words, _ in BAD])
def test_bad_input_is_one_line_before_anything_is_trained(command, tmp_path, monkeypatch, words, named):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("a,b\n1,2\n")
    assert named in refused(command(*words))
    assert not list(build_folder().rglob("*.json"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def ascii_terminal(monkeypatch):
    """A terminal that knows ASCII alone: a call gives the last line that was written to it."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)

    def last_line():
        stream.flush()
        return stream.buffer.getvalue().decode("ascii").splitlines()[-1]

    return last_line


def test_names_in_any_script_on_a_terminal_that_knows_ascii_alone(tmp_path, monkeypatch):
    root = tmp_path / "bücher"
    names = ["猫", "Straße", "🐈", "$x$", os.fsdecode(b"\xca\xfd\xbe\xdd")]  # the last as unzip leaves a name in GBK
    class_folders(root, dict.fromkeys(names, 16))
    broken = root / "猫" / "0.png"
    whole = broken.read_bytes()
    broken.write_text("<html>404</html>")
    (tmp_path / "ваза").write_text("")
    study, terminal = smoke("random-filters"), ascii_terminal(monkeypatch)
    assert main(["run", *study, *here(root)]) == 2
    assert r"\u732b" in terminal()
    broken.write_bytes(whole)
    assert main(["run", *study, *here(root)]) == 0
    assert "networks trained" in terminal()
    assert main(["run", *study, *here(tmp_path / "мышь")]) == 2
    assert r"\u043c\u044b\u0448\u044c" in terminal()
    assert main(["verify", "transfer", str(tmp_path / "ваза")]) == 2
    assert r"\u0432" in terminal()


def test_a_notebook_that_fails_is_told_on_such_a_terminal_too(monkeypatch):
    def fails(*arguments, **options):
        raise InputError("a cell said … and 猫")

    monkeypatch.setattr(papermill_run, "run", fails)
    terminal = ascii_terminal(monkeypatch)
    assert main(["notebooks", "read", "--only", "00"]) == 1
    assert r"\u2026 and \u732b" in terminal()


def tree(root):
    return {path: path.is_file() and (path.stat().st_mtime_ns, path.read_bytes()) for path in root.rglob("*")}


def test_nothing_is_written_beside_pictures_that_cannot_be_changed(command, pictures, tmp_path, monkeypatch):
    root, elsewhere = shutil.copytree(pictures, tmp_path / "mounted"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    everything = [root, *root.rglob("*")]
    for path in everything:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = tree(root)
    try:
        assert command("run", *smoke("random-filters"), *here(root))[0] == 0
        assert command("plot", *smoke("random-filters"))[0] == 0
    finally:
        for path in everything:
            path.chmod(0o755)
    assert tree(root) == before
    assert not list(elsewhere.iterdir())


def test_what_nobody_thought_of_is_one_line_and_a_log(command, tmp_path, monkeypatch):
    def broken(*arguments, **options):
        raise RuntimeError("a line\nand another")

    monkeypatch.setattr(studies, "transfer", broken)
    status, out, err = command("status", "transfer", "--profile", "smoke")
    (log,) = (build_folder() / "logs").iterdir()
    assert (status, out, len(err.splitlines())) == (1, "", 1)
    assert "RuntimeError: a line and another" in err
    assert str(log) in err
    assert "--profile smoke" in log.read_text()
    assert "Traceback" in log.read_text()
    (tmp_path / "file").touch()
    monkeypatch.setenv("FCTRANSFER_BUILD", str(tmp_path / "file"))
    status, _, err = command("status", "transfer")
    assert (status, len(err.splitlines())) == (1, 1)
    assert "RuntimeError: a line and another" in err


def interrupt():
    raise KeyboardInterrupt


@pytest.mark.parametrize(("how", "limit", "code"), [(interrupt, [], 130), (lambda: time.sleep(1.2), ["1"], 3)])
def test_a_run_that_is_stopped_says_so_and_goes_on(command, pictures, monkeypatch, how, limit, code):
    real, calls = engine.train_job, []

    def train_job(job, *weights):
        calls.append(job)
        if len(calls) == 3:
            how()
        return real(job, *weights)

    monkeypatch.setattr(engine, "train_job", train_job)
    limit = ["--time-limit", *limit] if limit else []
    status, out, err = command("run", *smoke("transfer"), *here(pictures), *limit)
    assert status == code
    assert "left" in err.splitlines()[-1]
    assert "Traceback" not in err
    done = len(records(Store(build_folder() / "stores" / "folder")))
    assert done < 18
    status, out, _ = command("run", *smoke("transfer"), *here(pictures))
    assert f"{18 - done} networks trained" in out


def test_ctrl_c_before_the_training_is_one_line_and_in_keep_promises_nothing(command, monkeypatch):
    for place in ("experiments.studies.transfer", "keep.keep"):
        monkeypatch.setattr(f"fctransfer_utils.{place}", lambda *arguments, **options: interrupt())
    for words, kept in ((["status", "transfer"], True), (["keep", "pictures"], False)):
        status, _, err = command(*words)
        assert (status, len(err.splitlines()), "kept" in err) == (130, 1, kept)


def test_notebooks_are_run_by_their_runner(command, monkeypatch):
    ran = []
    monkeypatch.setattr(papermill_run.os, "cpu_count", lambda: 1)  # in this process
    monkeypatch.setattr(papermill_run, "run", lambda path, **how: ran.append((path.stem[:2], how)))
    assert command("notebooks", "full", "--only", "00,03", "-p", "folder", "mine")[0] == 0
    assert ran == [
        (number, {"profile": "full", "parameters": its}) for number, its in (("00", {"folder": "mine"}), ("03", {}))
    ]
    assert command("notebooks", "--only", "77")[0] == command("notebooks", "quack")[0] == 2


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(("words", "codes"), [(["--help"], (0, 141)), (["status", "transfer"], (141,))])
def test_a_closed_pipe_is_quiet(words, codes, unbuffered):
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.run(
        [sys.executable, "-m", "fctransfer_utils.cli", *words], env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        stdout=writing, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    os.close(writing)
    assert process.stderr == b""
    assert process.returncode in codes


@pytest.mark.skipif(os.name != "posix", reason="a shell closes it")
def test_closed_output_is_no_error():
    words = shlex.join([sys.executable, "-m", "fctransfer_utils.cli", "status", "transfer"])
    process = subprocess.run(f"{words} >&-", shell=True, capture_output=True, check=False)
    assert (process.returncode, process.stderr) == (0, b"")


@pytest.mark.parametrize("words", [["run", "transfer", "--help"], ["status", "transfer"]])
def test_help_and_status_need_no_heavy_library(words):
    code = (
        "import sys; from fctransfer_utils.cli import main; status = main(sys.argv[1:])\n"
        "heavy = [name for name in ('torch', 'matplotlib', 'pandas', 'distributed') if name in sys.modules]\n"
        "sys.exit(status or ' '.join(heavy) or 0)"
    )
    process = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert (process.returncode, process.stderr) == (0, "")
    assert "transfer" in process.stdout


def test_a_path_from_here_reaches_a_notebook_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    books = papermill_run.notebooks("00")
    assert papermill_run.given(books, {"folder": "mine"}) == {books[0]: {"folder": str(tmp_path / "mine")}}
    monkeypatch.setattr(papermill_run, "PROJECT", tmp_path)
    with pytest.raises(InputError, match="come with the repository"):
        papermill_run.notebooks()
