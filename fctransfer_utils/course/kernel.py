"""The kernel that notebooks run in here: this very interpreter and package, whatever else the reader has installed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..scratch import scratch_folder

KERNEL = "python3"
PACKAGE = Path(__file__).resolve().parents[2]
HEADLESS = "FCTRANSFER_HEADLESS"
ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@contextmanager
def this_interpreter(variables: Mapping[str, str] | None = None) -> Iterator[str]:
    """Inside, Jupyter's kernel ``python3`` (the name is yielded) is this interpreter, with ``variables`` set."""
    with scratch_folder() as folder:
        home = folder / "kernels" / KERNEL
        home.mkdir(parents=True)
        command = [sys.executable, "-m", "ipykernel_launcher", "--log-level=ERROR", "-f", "{connection_file}"]
        spec = {"argv": command, "display_name": "Python 3 (ipykernel)", "language": "python"}
        paths = [str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])]
        spec["env"] = {
            # a study uses the other cores by training several networks at once
            **dict.fromkeys(ONE_THREAD, "1"),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            # nobody looks on, so nothing needs to move
            HEADLESS: "1",
            "PYTHONPATH": os.pathsep.join(paths),
            **(variables or {}),
        }
        (home / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
        before = os.environ.get("JUPYTER_PATH")
        os.environ["JUPYTER_PATH"] = os.pathsep.join([str(folder), *filter(None, [before])])
        try:
            yield KERNEL
        finally:
            if before is None:
                del os.environ["JUPYTER_PATH"]
            else:
                os.environ["JUPYTER_PATH"] = before
