"""What a run needs: read for every kind of simulator, refused where it is wrong, and part of no run's identity."""

from __future__ import annotations

import numpy as np
import pytest

from surecast.cli.jobs import content_of
from surecast.simulate.identity import run_identities
from surecast.study.errors import StudyError
from surecast.study.model import Study
from surecast.study.resources import Resources

SIMULATORS = {
    "built-in": {"kind": "problem", "name": "ishigami"},
    "function": {"kind": "resources_model:cube"},
    "command": {"kind": "command", "arguments": ["true", "{input}"], "outputs": {"y": {"units": "1"}}},
    "umbridge": {"kind": "umbridge", "url": "http://localhost:1", "model": "m", "outputs": {"y": {"index": 0}}},
}


def study(folder, simulator, resources=None):
    stated = {} if resources is None else {"resources": resources}
    content = {
        "simulator": simulator | stated,
        "outputs": {"y": {"units": "1"}},
        "design": {"kind": "monte_carlo", "train": 4, "validation": 0, "test": 0},
    }
    if simulator["kind"] != "problem":
        content["inputs"] = {"a": {"kind": "uniform", "low": 0.0, "high": 1.0}}
    return Study.from_content(content, folder / "user.yaml")


@pytest.mark.parametrize("kind", SIMULATORS)
def test_resources_stand_beside_every_kind_and_decide_no_run(tmp_path, kind):
    (tmp_path / "resources_model.py").write_text("def cube(inputs):\n    return inputs.rename(a='y') ** 3\n")
    plain = study(tmp_path, SIMULATORS[kind])
    stated = study(tmp_path, SIMULATORS[kind], {"cpus": 2, "mpi": 4, "mem_mb": 500, "gpu": 1, "minutes": 1.5})
    assert plain.simulator.resources is None
    assert stated.simulator.resources == Resources(cpus=2, mpi=4, mem_mb=500, gpu=1, minutes=1.5)
    law = plain.joint_law()
    inputs = law.from_uniform(np.random.default_rng(0).random((3, law.dimension)))
    identities = [run_identities(one.build_simulator(), "code", inputs).tolist() for one in (plain, stated)]
    assert identities[0] == identities[1]
    assert content_of(plain) == content_of(stated)


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ({"cpus": 0}, r"simulator.resources.cpus = 0: must be greater than or equal to 1"),
        ({"cpus": 1.5}, r"simulator.resources.cpus = 1.5: must be a valid integer"),
        ({"mem_mb": -1}, r"simulator.resources.mem_mb = -1: must be greater than or equal to 0"),
        ({"gpu": "one"}, r"simulator.resources.gpu = one: must be a valid integer"),
        ({"mpi": 1}, r"simulator.resources.mpi = 1: must be greater than or equal to 2"),
        ({"minutes": 0}, r"simulator.resources.minutes = 0: must be greater than 0"),
        ({"minutes": float("inf")}, r"simulator.resources.minutes = .inf: must be a finite number"),
        ({"cores": 2}, r"simulator.resources.cores = 2: unknown key. Remedy: .*Valid: cpus, gpu, mem_mb, minutes, mpi"),
        (4, r"simulator.resources = 4: must be a mapping of keys to values"),
    ],
)
@pytest.mark.parametrize("kind", ["command", "built-in"])
def test_bad_values_are_refused_with_one_message(tmp_path, kind, resources, message):
    with pytest.raises(StudyError, match=message) as error:
        study(tmp_path, SIMULATORS[kind], resources)
    assert len(error.value.errors) == 1


@pytest.mark.parametrize(
    ("resources", "cores", "runs"),
    [
        ({}, 1, 1),
        ({}, 8, 8),
        ({"cpus": 4}, 3, 1),
        ({"cpus": 4}, 11, 2),
        ({"cpus": 2, "mpi": 2}, 11, 2),
        ({"gpu": 1}, 8, 1),
    ],
)
def test_runs_at_once_are_cores_over_cores_of_a_run(resources, cores, runs):
    assert Resources(**resources).at_once(cores) == runs
