"""Images that only the workers have, a study of tiny networks on them, and a cluster of processes."""

import pytest
from cluster.processes import Processes
from made_images import stripes_in
from made_records import outcomes

from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.experiments import engine
from fctransfer_utils.experiments.progress import silent
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.experiments.study import transfer_study
from fctransfer_utils.models.spec import NetSpec
from fctransfer_utils.training.recipe import Recipe

pytest.importorskip("distributed")


@pytest.fixture(scope="package")
def study():
    """Ten tiny networks in two directions; ``images`` is looked for where a process runs."""
    return transfer_study(
        data=DataSpec(name="folder:images"),
        net=NetSpec(width=12),
        recipe=Recipe(epochs=2, batch_size=16),
        treatments=("base", "BnB+", "AnB", "AnB+"),
        cuts=(1, 5),
    )


@pytest.fixture(scope="package")
def alone(study, tmp_path_factory):
    """The records of the study, trained one after another in this process."""
    home = tmp_path_factory.mktemp("alone")
    stripes_in(home)
    store = Store(home / "store")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(home)
        patched.setenv("FCTRANSFER_EXECUTION", "cpu/float32")
        engine.run(study, store, progress=silent)
    return outcomes(store)


@pytest.fixture(scope="package")
def cluster(tmp_path_factory):
    """A scheduler; tests start the workers that they need."""
    there = Processes(tmp_path_factory.mktemp("cluster"), FCTRANSFER_EXECUTION="cpu/float32")
    yield there
    there.close()
