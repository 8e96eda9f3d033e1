"""Workbenches: copies of the workflow for tests that run Snakemake."""

import pytest
from workbench import MODEL, Workbench, add_inputs, copy_workflow


@pytest.fixture(scope="session")
def shipped(tmp_path_factory) -> Workbench:
    """A copy of the workflow alone, to be copied again."""
    return copy_workflow(tmp_path_factory.mktemp("workflow") / "shipped")


@pytest.fixture(scope="session")
def small(shipped, tmp_path_factory) -> Workbench:
    """The workflow with small inputs and an empty folder for a model, to be copied again."""
    bench = shipped.copy(tmp_path_factory.mktemp("workflow") / "small")
    add_inputs(bench)
    return bench


@pytest.fixture
def bench(small, tmp_path) -> Workbench:
    """The workflow with small inputs, to change."""
    return small.copy(tmp_path / "bench")


@pytest.fixture(scope="session")
def trainable(small, tmp_path_factory) -> Workbench:
    """The workflow with small inputs and a random model, to be copied again."""
    # Here, since it needs torch, and tests of the configuration don't.
    from unit.small_models import write_small_model

    bench = small.copy(tmp_path_factory.mktemp("workflow") / "trainable")
    write_small_model(bench / "models" / MODEL)
    return bench
