"""How many runs a job makes at once: its cores over those of a run, for every kind of simulator."""

from __future__ import annotations

import http.server
import json
import sys
import textwrap
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from surecast.simulate import packs, workers
from surecast.simulate.store import RunStore
from surecast.simulate.truth import Truth
from surecast.study.model import Study

PROGRAM = """
    import json, pathlib, sys, time
    here = pathlib.Path(__file__).parent / "running"
    mark = here / str(time.time_ns())
    mark.touch()
    time.sleep(0.2)
    with open(here.parent / "seen.txt", "a") as file:
        file.write(f"{len(list(here.iterdir()))}\\n")
    mark.unlink()
    json.dump({"y": json.load(open(sys.argv[1]))["a"] ** 2}, open(sys.argv[2], "w"))
"""


def study(folder, simulator, **resources) -> Study:
    content = {
        "simulator": simulator | ({"resources": resources} if resources else {}),
        "inputs": {"a": {"kind": "uniform", "low": 0.0, "high": 1.0}},
        "outputs": {"y": {"units": "1"}},
        "design": {"kind": "monte_carlo", "train": 8, "validation": 0, "test": 0},
    }
    return Study.from_content(content, folder / "user.yaml")


def draw(study, runs):
    law = study.joint_law()
    return law.from_uniform(np.random.default_rng(0).random((runs, law.dimension)))


@pytest.mark.parametrize(("resources", "cores", "most"), [({"cpus": 2}, 6, 3), ({"cpus": 2}, 1, 1), ({}, 6, 1)])
def test_programs_run_at_once(tmp_path, monkeypatch, resources, cores, most):
    monkeypatch.setattr(packs, "DASK_SECONDS", 1e9)
    (tmp_path / "program.py").write_text(textwrap.dedent(PROGRAM))
    (tmp_path / "running").mkdir()
    simulator = {
        "kind": "command",
        "arguments": [sys.executable, "-I", "-S", "{study}/program.py", "{input}", "{output}"],
        "outputs": {"y": {"units": "1"}},
    }
    given = study(tmp_path, simulator, **resources)
    inputs = draw(given, 4)
    found = Truth(given, store=RunStore(tmp_path / "store"), workers=cores)(inputs)
    np.testing.assert_array_equal(found["y"], inputs["a"].values ** 2)
    seen = [int(line) for line in (tmp_path / "seen.txt").read_text().split()]
    assert max(seen) <= most
    assert most == 1 or max(seen) > 1


class Slow:
    """A server of one model, y = a^2, that takes a while and counts the evaluations under way over all servers."""

    under_way = 0
    most = 0
    lock = threading.Lock()

    def __init__(self) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
                answers = {
                    "Info": {"protocolVersion": 1.0, "models": ["m"]},
                    "ModelInfo": {"support": {"Evaluate": True}},
                    "InputSizes": {"inputSizes": [1]},
                    "OutputSizes": {"outputSizes": [1]},
                }
                endpoint = self.path.rsplit("/", 1)[-1]
                if endpoint == "Evaluate":
                    with Slow.lock:
                        Slow.under_way += 1
                        Slow.most = max(Slow.most, Slow.under_way)
                    time.sleep(0.1)
                    with Slow.lock:
                        Slow.under_way -= 1
                    answers[endpoint] = {"output": [[body["input"][0][0] ** 2]]}
                content = json.dumps(answers[endpoint]).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def servers() -> Iterator[list[str]]:
    started = [Slow() for _ in range(4)]
    Slow.most = 0
    yield [one.url for one in started]
    for one in started:
        one.server.shutdown()
        one.server.server_close()


@pytest.mark.parametrize(("resources", "cores", "most"), [({"cpus": 1}, 3, 3), ({"cpus": 2}, 3, 1), ({}, 1, 1)])
def test_servers_are_asked_at_once_by_one_part(tmp_path, monkeypatch, servers, resources, cores, most):
    """Of runs that take longer than a pack may, without resources each is a call of its own."""
    monkeypatch.setattr(packs, "PACK_SECONDS", 0.01)
    monkeypatch.setattr(packs, "FIRST_PACK", 1)
    simulator = {"kind": "umbridge", "urls": servers, "model": "m", "outputs": {"y": {"index": 0}}}
    given = study(tmp_path, simulator, **resources)
    inputs = draw(given, 6)
    found = Truth(given, store=RunStore(tmp_path / "store"), workers=cores)(inputs)
    np.testing.assert_array_equal(found["y"], inputs["a"].values ** 2)
    assert Slow.most == most


def test_fast_models_too_are_asked_no_more_at_once(tmp_path, servers):
    simulator = {"kind": "umbridge", "urls": servers, "model": "m", "outputs": {"y": {"index": 0}}}
    given = study(tmp_path, simulator, cpus=1)
    Truth(given, workers=2)(draw(given, 8))  # a pack of eight, four servers
    assert Slow.most == 2


@pytest.mark.parametrize(("resources", "cores", "count"), [({}, 4, 4), ({"cpus": 2}, 4, 2), ({"cpus": 4}, 4, None)])
def test_functions_are_called_in_as_many_processes(tmp_path, monkeypatch, resources, cores, count):
    (tmp_path / "at_once_model.py").write_text("def square(inputs):\n    return inputs.rename(a='y') ** 2\n")
    started = []

    def simulate(self, inputs, done):
        started.append(self.count)
        for place, pack in enumerate(inputs):
            done(place, here.simulate(pack))

    monkeypatch.setattr(packs, "DASK_SECONDS", 0.0)
    monkeypatch.setattr(workers.Workers, "simulate", simulate)
    given = study(tmp_path, {"kind": "at_once_model:square"}, **resources)
    here = Truth(given)
    Truth(given, workers=cores)(draw(given, 30))
    assert started == ([] if count is None else [count])


def test_the_stated_time_keeps_the_first_pack_small(tmp_path, monkeypatch):
    """Of a run that takes ten minutes eight would be lost at once."""
    (tmp_path / "at_once_model.py").write_text("def square(inputs):\n    return inputs.rename(a='y') ** 2\n")
    given = study(tmp_path, {"kind": "at_once_model:square"}, minutes=10)
    truth = Truth(given)
    sizes = []
    simulate = truth.simulate
    monkeypatch.setattr(truth._packs, "simulate", lambda inputs: sizes.append(inputs.sizes["run"]) or simulate(inputs))
    truth(draw(given, 10))
    assert sizes[0] == 1
    assert sum(sizes) == 10
