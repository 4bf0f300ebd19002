"""`surecast serve`: UM-Bridge's own conformity test, its own client, every error of the protocol, an end when told."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import inspect
import itertools
import json
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr

from surecast.cli.main import main
from surecast.cli.served_model import InvalidInput, simulator_of, surrogate_of
from surecast.cli.umbridge_server import ModelServer
from surecast.simulate.truth import Truth
from surecast.simulate.umbridge import UMBridge
from surecast.study.errors import ComponentError, SimulationError, StudyError, SurecastError
from surecast.study.load import load_study
from surecast.study.paths import Paths

MODEL = """
import time

import numpy as np
import xarray as xr

def served(inputs):
    if (inputs["b"] > 0.9).any():
        time.sleep(60)
    if (inputs["a"] > 0.9).any():
        raise ArithmeticError("a is too large")
    a, b, k = (inputs[name] for name in "abk")
    place = xr.DataArray(np.arange(3.0), dims="place")
    return xr.Dataset({"y": a + 2 * b + k, "u": a * (place + 1) + b + 1})

def always_fails(inputs):
    raise ArithmeticError("never works")
"""
STUDY = """
simulator: {kind: "served_model_of_a_test:served"}
inputs:
  a: {kind: uniform, low: -1.0, high: 1.0, units: m}
  b: {kind: uniform, low: -1.0, high: 1.0, units: m}
  k: {kind: integer, low: 0, high: 2}
outputs:
  y: {units: m}
  u: {dims: [place], units: m}
design: {kind: monte_carlo, train: 4, validation: 0, test: 0}
"""
LEARNT = """
simulator: {kind: problem, name: ishigami}
outputs: {y: {}}
design: {kind: monte_carlo, train: 40, validation: 10, test: 10}
surrogates:
  chaos: {kind: polynomial_chaos}
  gp: {kind: gaussian_process}
"""
CONFORMITY = Path(__file__).with_name("umbridge_conformity.py")


def conformity() -> dict[str, Callable[..., None]]:
    spec = importlib.util.spec_from_file_location("umbridge_conformity", CONFORMITY)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: item for name, item in vars(module).items() if name.startswith("test_")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two studies, and the surrogate `chaos` of the second one, trained."""
    from surecast.assemble.dataset import assemble
    from surecast.design.make import make_design
    from surecast.design.parts import parts
    from surecast.simulate.part import simulate_part
    from surecast.study.files import write_dataset
    from surecast.train.train import train

    folder = tmp_path_factory.mktemp("served")
    (folder / "served_model_of_a_test.py").write_text(MODEL)
    (folder / "mine.yaml").write_text(STUDY)
    (folder / "learnt.yaml").write_text(LEARNT)
    study, paths = load_study(folder / "learnt.yaml"), Paths("learnt", folder / "results")
    write_dataset(paths.design, make_design(study))
    every = [part.name for part in parts(study.build_design())]
    for part in every:
        simulate_part(study, part, paths.design, paths.part(part), paths.store)
    assemble(study, paths.design, [paths.part(part) for part in every], paths.dataset, paths.manifest)
    train(study, "chaos", 0, paths.manifest, paths.surrogate("chaos", 0), paths.checkpoints)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ModelServer]:
    """The simulator of the first study, served in this process."""
    with ModelServer(simulator_of(load_study(folder / "mine.yaml")), "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def learnt(folder: Path) -> Iterator[ModelServer]:
    """The surrogate of the second."""
    model = surrogate_of(load_study(folder / "learnt.yaml"), "chaos", results=str(folder / "results"))
    with ModelServer(model, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def request(server: ModelServer, method: str, path: str, body: Any = None, raw: bytes | None = None) -> SimpleNamespace:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    try:
        connection.request(method, path, body=raw if raw is not None else json.dumps(body).encode())
        answer = connection.getresponse()
        text = answer.read()
        return SimpleNamespace(status=answer.status, content=json.loads(text) if text else None)
    finally:
        connection.close()


@pytest.mark.parametrize("name", conformity())
def test_the_protocols_own_conformity_test(server, learnt, name):
    test = conformity()[name]
    for each in (server, learnt):
        given = {"model_url": each.url, "input_value": 0.0}
        test(**{key: given[key] for key in inspect.signature(test).parameters})


def test_the_client_of_the_package_umbridge(server, learnt, folder):
    umbridge = pytest.importorskip("umbridge", reason="the package umbridge is not installed: make test installs it")
    assert umbridge.supported_models(server.url) == ["mine"]
    model = umbridge.HTTPModel(server.url, "mine")
    assert model.get_input_sizes() == [3]
    assert model.get_output_sizes() == [1, 3]
    assert model.supports_evaluate()
    assert not model.supports_gradient()
    assert not model.supports_apply_jacobian()
    assert not model.supports_apply_hessian()
    # A field of a study is kept in single precision; these are exact in it.
    assert model([[0.5, 0.25, 2]]) == [[3.0], [1.75, 2.25, 2.75]]
    with pytest.raises(Exception, match=r"ModelError: .*a is too large"):
        model([[0.95, 0.0, 0]])
    with pytest.raises(Exception, match=r"InvalidInput: .*no config"):
        model([[0.5, 0.25, 2]], {"level": 1})
    assert umbridge.HTTPModel(server.url, "mine", use_shmem=True).supports_shmem() is False
    with pytest.raises(Exception, match="not supported by server"):
        umbridge.HTTPModel(server.url, "yours")
    chaos = umbridge.HTTPModel(learnt.url, "learnt/chaos")
    study = load_study(folder / "learnt.yaml")
    inputs = study.joint_law().from_uniform(np.random.default_rng(1).random((5, 3)))
    expected = surrogate_of(study, "chaos", results=str(folder / "results"))._call(inputs)["y"].values
    for row in range(5):
        vector = [float(inputs[name][row]) for name in study.inputs]
        assert chaos([vector]) == [[expected[row]]], "bit for bit"


@pytest.mark.parametrize(
    ("endpoint", "body", "status", "kind", "message"),
    [
        ("Evaluate", {"name": "mine", "input": [[0.0, 0.0]]}, 400, "InvalidInput", r"sizes \[2\], not \[3\]"),
        ("Evaluate", {"name": "mine", "input": [[0.0, 0.0, 0], []]}, 400, "InvalidInput", r"sizes \[3, 0\], not \[3\]"),
        ("Evaluate", {"name": "mine", "input": [0.0, 0.0, 0]}, 400, "InvalidInput", "no list of vectors"),
        ("Evaluate", {"name": "mine"}, 400, "InvalidInput", "no list of vectors"),
        ("Evaluate", {"name": "mine", "input": [[0.0, "1", 0]]}, 400, "InvalidInput", "'1', which is no finite number"),
        ("Evaluate", {"name": "mine", "input": [[0.0, True, 0]]}, 400, "InvalidInput", "True, which is no finite"),
        ("Evaluate", {"name": "mine", "input": [[0.0, float("nan"), 0]]}, 400, "InvalidInput", "nan, which is no"),
        ("Evaluate", {"name": "mine", "input": [[0.0, 10**400, 0]]}, 400, "InvalidInput", "which is no finite number"),
        (
            "Evaluate",
            {"name": "mine", "input": [[0.0, 0.0, 0.5]]},
            400,
            "InvalidInput",
            "k takes whole numbers, not 0.5",
        ),
        ("Evaluate", {"name": "mine", "input": [[1.0, 0.0, 0]]}, 500, "ModelError", "ArithmeticError: a is too large"),
        ("Evaluate", {"name": "yours"}, 400, "ModelNotFound", "no model 'yours', but 'mine'"),
        ("Evaluate", {}, 400, "ModelNotFound", "no model None"),
        ("Evaluate", [], 400, "InvalidInput", "no JSON object"),
        ("InputSizes", {"name": "mine", "config": {"level": 1}}, 400, "InvalidInput", "takes no config"),
        ("Gradient", {"name": "mine"}, 400, "UnsupportedFeature", "Gradient is not supported"),
        ("EvaluateShMem", {"name": "mine"}, 404, "UnsupportedFeature", "no /EvaluateShMem"),
    ],
)
def test_errors_of_the_protocol(server, endpoint, body, status, kind, message):
    answer = request(server, "POST", f"/{endpoint}", body)
    assert answer.status == status
    assert answer.content["error"]["type"] == kind
    assert re.search(message, answer.content["error"]["message"])


def test_requests_that_are_none(server):
    assert (
        request(server, "POST", "/Evaluate", raw=b"{").content["error"]["message"] == "the request is no JSON object."
    )
    assert request(server, "POST", "/Evaluate", raw=b"[" * 100_000).status == 400
    assert request(server, "GET", "/Evaluate").status == 405
    assert request(server, "GET", "/").status == 404
    assert request(server, "HEAD", "/Info").status == 200
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as plain:
        plain.sendall(b"POST /Evaluate HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n")
        assert plain.recv(100).startswith(b"HTTP/1.1 413")
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as plain:
        plain.sendall(b"POST /Evaluate HTTP/1.1\r\nHost: a\r\n\r\n")
        assert plain.recv(100).startswith(b"HTTP/1.1 411")
    assert request(server, "GET", "/Info").content == {"protocolVersion": 1.0, "models": ["mine"]}


def test_a_defect_is_answered_and_the_server_goes_on(server, monkeypatch, capsys):
    monkeypatch.setattr(server.model, "_call", lambda inputs: 1 / 0)
    answer = request(server, "POST", "/Evaluate", {"name": "mine", "input": [[0.0, 0.0, 0]]})
    assert answer.status == 500
    assert answer.content["error"] == {"type": "ModelError", "message": "ZeroDivisionError: division by zero"}
    assert "Traceback" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.setattr(server.model, "output_sizes", [2, 3])
    answer = request(server, "POST", "/Evaluate", {"name": "mine", "input": [[0.0, 0.0, 0]]})
    assert (answer.status, answer.content["error"]["type"]) == (500, "InvalidOutput")


def test_a_surrogate_is_not_asked_outside_of_its_laws(learnt):
    answer = request(learnt, "POST", "/Evaluate", {"name": "learnt/chaos", "input": [[4.0, 0.0, 0.0]]})
    assert answer.content["error"]["type"] == "InvalidInput"
    assert "x1 lies where its law has no density" in answer.content["error"]["message"]


def test_surrogates_that_are_not_there(folder):
    study = load_study(folder / "learnt.yaml")
    with pytest.raises(StudyError, match=r"there is no 'chaso' among surrogates.*did you mean 'chaos'"):
        surrogate_of(study, "chaso", results=str(folder / "results"))
    with pytest.raises(SurecastError, match=r"'gp' has not been trained here: .*run `snakemake`"):
        surrogate_of(study, "gp", results=str(folder / "results"))
    with pytest.raises(SurecastError, match=r"not trained with the seed 3.*use one of 0"):
        surrogate_of(study, "chaos", seed=3, results=str(folder / "results"))


def test_a_simulator_that_never_works_is_not_served(folder):
    text = (folder / "mine.yaml").read_text().replace(":served", ":always_fails")
    (folder / "broken.yaml").write_text(text)
    with pytest.raises(SimulationError, match=r"fail at every one of 5 inputs .*never works"):
        simulator_of(load_study(folder / "broken.yaml"))


def test_noise_and_fields_are_inputs_too(tmp_path):
    """A stochastic simulator takes its seed as a vector of its own, a field its coefficients."""
    (tmp_path / "noisy.yaml").write_text(
        """
simulator: {kind: double_well, steps: 8, time: 1.0, frames: 2}
inputs:
  start: {kind: normal, mean: 0.0, standard_deviation: 0.1, units: "1"}
  rate: {kind: uniform, low: 0.5, high: 1.0, units: 1/s}
  temperature: {kind: uniform, low: 0.1, high: 0.2, units: "1"}
outputs: {final: {}, path: {}}
design: {kind: monte_carlo, train: 4, validation: 0, test: 0}
"""
    )
    study = load_study(tmp_path / "noisy.yaml")
    model = simulator_of(study)
    assert (model.input_sizes, model.output_sizes) == ([3, 1], [1, 2])
    inputs = study.joint_law().from_uniform(np.full((1, 3), 0.4)).assign(seed=("run", np.array([77])))
    expected = Truth(study)(inputs)
    vector = [float(inputs[name][0]) for name in study.inputs]
    found = model.evaluate([vector, [77]])
    assert found == [expected["final"].values.tolist(), expected["path"].values[0].astype(float).tolist()]
    assert model.evaluate([vector, [78]]) != found
    with pytest.raises(InvalidInput, match="the seed is a whole number"):
        model.evaluate([vector, [0.5]])
    (tmp_path / "field.yaml").write_text(
        """
simulator: {kind: diffusion, points: 16, extent: 1.0, time: 0.1}
inputs:
  initial: {kind: gaussian_field, dimensions: 1, periodic: true, domain: [[0, 1]], variance: 1, length: 0.3, terms: 5}
  diffusivity: {kind: uniform, low: 0.1, high: 0.2, units: m2/s}
outputs: {solution: {}}
design: {kind: monte_carlo, train: 4, validation: 0, test: 0}
"""
    )
    field = simulator_of(load_study(tmp_path / "field.yaml"))
    assert (field.input_sizes, field.output_sizes) == ([6], [16])
    assert np.isfinite(field.evaluate([[1.0, 0.0, 0.0, 0.5, 0.0, 0.15]])[0]).all()


@contextlib.contextmanager
def command(folder: Path, study: str, signal_number: int, *more: str) -> Iterator[tuple[str, list[str]]]:
    """`surecast serve` as a process: its address and what it printed; ended by a signal, which it must obey."""
    process = subprocess.Popen(
        [sys.executable, "-m", "surecast.cli.main", "serve", str(folder / f"{study}.yaml"), "--port", "0", *more],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        lines = list(itertools.takewhile(lambda line: not line.startswith("Ctrl-C"), process.stdout))
        yield lines[0].split(" at ")[-1].strip(), [line.strip() for line in lines]
    finally:
        process.send_signal(signal_number)
        code = process.wait(10)
        process.stdout.close()
    assert code == 0


def test_the_command_serves_a_simulator_until_it_is_told_to_stop(folder):
    """It prints what it takes and gives; `kind: umbridge` asks it; a run under way does not keep it."""
    lost: list[SimulationError] = []
    with command(folder, "mine", signal.SIGTERM) as (url, lines):
        assert lines == [
            f"mine: the simulator served_model_of_a_test:served is the UM-Bridge model 'mine' at {url}",
            "input 0    3 numbers: a (m), b (m), k (1)",
            "output 0   1 number: y (m)",
            "output 1   3 numbers: u (m; place 3)",
        ]
        outputs = {"y": {"index": 0}, "u": {"vector": 1, "range": [0, 3]}}
        client = UMBridge.model_validate(
            {"url": url, "model": "mine", "inputs": [["a", "b", "k"]], "outputs": outputs, "reconnect": 0.0}
        )
        client.check()
        inputs = xr.Dataset({"a": ("run", [0.5, 0.95]), "b": ("run", [0.25, 0.0]), "k": ("run", [1, 2])})
        found = client.run(inputs)
        assert found["y"].values[0] == 2.0
        assert found["u"].values[0].tolist() == [1.75, 2.25, 2.75]
        assert found["failure"].values.tolist() == ["", "ModelError: ArithmeticError: a is too large"]
        inputs["b"][:] = 0.95  # sleeps for a minute

        def asked() -> None:
            try:
                client.run(inputs)
            except SimulationError as error:
                lost.append(error)

        thread = threading.Thread(target=asked)
        thread.start()
        time.sleep(0.5)
    thread.join(10)
    assert "no UM-Bridge server answers any more" in str(lost[0])


def test_the_command_serves_a_surrogate(folder):
    with command(folder, "learnt", signal.SIGINT, "--surrogate", "chaos") as (url, lines):
        assert lines[0].startswith("learnt: the surrogate chaos (polynomial_chaos, seed 0) is the UM-Bridge model")
        settings = {"url": url, "model": "learnt/chaos", "inputs": [["x1", "x2", "x3"]]}
        client = UMBridge.model_validate({**settings, "outputs": {"y": {"index": 0}}})
        client.check()


def test_the_documentation_in_both_directions(tmp_path, capsys):
    """Its server, its study, and its client, each on a port that is free."""
    pytest.importorskip("umbridge", reason="the package umbridge is not installed: make test installs it")
    page = (Path(__file__).resolve().parents[2] / "docs" / "simulators.md").read_text(encoding="utf-8")
    section = page.partition("## A model behind UM-Bridge")[2]
    offered, text, client = re.findall(r"^```(?:python|yaml)\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = str(held.getsockname()[1])
    # On loopback alone.
    patch = (
        "import functools\n\numbridge.um.web.run_app = functools.partial(umbridge.um.web.run_app, host='127.0.0.1')\n"
    )
    offered = offered.replace("\numbridge.serve", f"\n{patch}umbridge.serve").replace("4242", port)
    (tmp_path / "beam_server.py").write_text(offered)
    (tmp_path / "beam.yaml").write_text(text.replace("localhost:4242", f"127.0.0.1:{port}"))
    process = subprocess.Popen([sys.executable, str(tmp_path / "beam_server.py")], stdout=subprocess.DEVNULL)
    try:
        study = load_study(tmp_path / "beam.yaml")
        for _ in range(400):
            try:
                study.build_simulator().check()
                break
            except ComponentError:
                time.sleep(0.05)
        study.check()
        with ModelServer(simulator_of(study), "127.0.0.1", 0) as server:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            (tmp_path / "client.py").write_text(client.replace("http://localhost:4250", server.url))
            values = runpy.run_path(str(tmp_path / "client.py"))
            server.shutdown()
        assert values["tip"] == [pytest.approx(1000 * 1000 * 2.5**3 / (3 * 210000), rel=1e-14)]
        assert len(values["shape"]) == 31
        assert capsys.readouterr().out.endswith(" mm\n")
    finally:
        process.terminate()
        process.wait(10)


def test_bad_calls(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = str(held.getsockname()[1])
        assert main(["serve", str(folder / "mine.yaml"), "--port", port]) == 1
    assert f"nothing can listen on 127.0.0.1, port {port}" in capsys.readouterr().err
    assert main(["serve", str(folder / "mine.yaml"), "--port", "70000"]) == 1
    assert main(["serve", str(folder / "mine.yaml"), "--seed", "1"]) == 1
    assert "--seed is that of a surrogate's training" in capsys.readouterr().err
    assert main(["serve", str(folder / "learnt.yaml"), "--surrogate", "nought"]) == 2
    assert "there is no 'nought' among surrogates" in capsys.readouterr().err
