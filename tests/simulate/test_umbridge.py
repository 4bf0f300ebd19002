"""A model behind UM-Bridge: mapping, what a run may fail of, servers that go away, several of them, a whole study."""

from __future__ import annotations

import http.server
import json
import re
import socket
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from surecast.simulate.checks import check_simulator
from surecast.simulate.identity import run_identities
from surecast.simulate.truth import Truth
from surecast.simulate.umbridge import UMBridge
from surecast.study.errors import ComponentError, SimulationError, StudyError
from surecast.study.load import load_study
from surecast.study.model import Study

MAPPING = {
    "model": "forward",
    "inputs": [["a", "b"], ["c"]],
    "outputs": {
        "y": {"vector": 0, "index": 0, "units": "m"},
        "u": {"vector": 1, "range": [0, 3], "units": "m/s", "dim": "x"},
    },
    "reconnect": 2.0,
}


def forward(vectors: list[list[float]], config: dict[str, Any]) -> list[list[float]]:
    (a, b), (c,) = vectors
    return [[a * b + c], [config.get("factor", 1.0) * value for value in (a, b, c)]]


class Fake:
    """A server in this process; what it answers to Evaluate is a function: (status, bytes), or None to hang up.

    Attributes
    ----------
    url : str
    asked : list
        Input vectors of every evaluation.
    about : dict
        Answers to the other endpoints.
    """

    def __init__(
        self, answer: Callable[[dict[str, Any]], tuple[int, bytes] | None] | None = None, port: int = 0
    ) -> None:
        self.asked: list[Any] = []
        self.about: dict[str, Any] = {
            "Info": {"protocolVersion": 1.0, "models": ["forward"]},
            "ModelInfo": {"support": {"Evaluate": True, "Gradient": False}},
            "InputSizes": {"inputSizes": [2, 1]},
            "OutputSizes": {"outputSizes": [1, 3]},
        }
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # an answer in one packet

            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                endpoint = self.path.rsplit("/", 1)[-1]
                if endpoint == "Evaluate":
                    asked = json.loads(body)
                    fake.asked.append(asked["input"])
                    given = answer(asked) if answer else None
                    if answer is None:
                        given = 200, json.dumps({"output": forward(asked["input"], asked["config"])}).encode()
                else:
                    given = 200, json.dumps(fake.about[endpoint]).encode()
                if given is None:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(given[0])
                self.send_header("Content-Length", str(len(given[1])))
                self.end_headers()
                self.wfile.write(given[1])

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def fakes() -> Iterator[Callable[..., Fake]]:
    """Makes fake servers, and stops them."""
    started: list[Fake] = []

    def start(*arguments: Any, **more: Any) -> Fake:
        started.append(Fake(*arguments, **more))
        return started[-1]

    yield start
    for fake in started:
        fake.stop()


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def inputs(runs: int = 5) -> xr.Dataset:
    values = np.random.default_rng(3).uniform(0.5, 2.0, (3, runs))
    return xr.Dataset({name: ("run", row) for name, row in zip("abc", values, strict=True)})


def bridge(*fakes: Fake | str, **settings: Any) -> UMBridge:
    urls = [fake if isinstance(fake, str) else fake.url for fake in fakes]
    place = {"url": urls[0]} if len(urls) == 1 else {"urls": urls}
    return UMBridge.model_validate_json(json.dumps({**MAPPING, **place, **settings}), strict=True)


def failures(raw: xr.Dataset) -> list[str]:
    return [str(text) for text in raw["failure"].values]


# The mapping.


def test_inputs_and_outputs_are_mapped_bit_for_bit(fakes):
    fake = fakes()
    given = inputs()
    raw = bridge(fake, config={"factor": 3.0}).run(given)
    assert raw["y"].attrs == {"units": "m", "long_name": "y"}
    assert raw["u"].dims == ("run", "x")
    np.testing.assert_array_equal(raw["y"], given["a"] * given["b"] + given["c"])
    np.testing.assert_array_equal(raw["u"], 3.0 * np.stack([given[name] for name in "abc"], axis=1))
    assert failures(raw) == [""] * 5
    check_simulator(bridge(fake), given)


def test_the_card_says_what_was_asked():
    card = bridge("http://localhost:1", config={"level": 2}, inputs=[["a", 2.5], ["b", "c"]], version="3.1").card()
    assert card["configuration"] == '{"level": 2}'
    assert card["inputs"] == "a, 2.5 | b, c"
    assert card["outputs"] == "y = output[0][0], u = output[1][0:3]"
    assert (card["version"], card["units"]) == ("3.1", {"y": "m", "u": "m/s"})
    assert "localhost" not in str(card)


def test_numbers_stay_and_a_field_gives_its_coefficients(fakes):
    fake = fakes(lambda asked: (200, json.dumps({"output": [[sum(asked["input"][0])]]}).encode()))
    fake.about |= {"InputSizes": {"inputSizes": [4, 1]}, "OutputSizes": {"outputSizes": [1]}}
    settings = {"inputs": [["a", "k"], [2.5]], "outputs": {"y": {"index": 0}}}
    given = xr.Dataset({"k": (("run", "k_term"), [[1.0, 2.0, 3.0]]), "a": ("run", [4.0])})
    assert bridge(fake, **settings).run(given)["y"].values == [10.0]
    assert fake.asked == [[[4.0, 1.0, 2.0, 3.0], [2.5]]]


def test_one_input_needs_no_mapping_and_several_do(fakes):
    fake = fakes(lambda asked: (200, json.dumps({"output": asked["input"]}).encode()))
    fake.about |= {"InputSizes": {"inputSizes": [1]}, "OutputSizes": {"outputSizes": [1]}}
    settings = {"inputs": None, "outputs": {"y": {"index": 0}}}
    assert bridge(fake, **settings).run(inputs(2)[["a"]])["y"].values.tolist() == inputs(2)["a"].values.tolist()
    with pytest.raises(SimulationError, match=r"in which order .*write `inputs: \[\[a, b, c\]\]`"):
        bridge(fake, **settings).run(inputs())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"url": ""}, "either `url` or `urls`"),
        ({"urls": ["http://localhost:1"]}, "either `url` or `urls`"),
        ({"url": "localhost:4242"}, "is no address of a server"),
        ({"url": "http://localhost:99999"}, "is no address of a server"),
        ({"url": "", "urls": ["http://localhost:1"] * 2}, "a server stands twice"),
        ({"inputs": [["a"], ["a"]]}, "an input stands twice"),
        ({"outputs": {"y": {}}}, "either `index` or `range`"),
        ({"outputs": {"y": {"index": 0, "range": [0, 1]}}}, "either `index` or `range`"),
        ({"outputs": {"y": {"range": [2, 2]}}}, "the range is empty"),
        ({"outputs": {"y": {"index": 0, "dim": "x"}}}, "a number has no dimension"),
        ({"outputs": {"y": {"range": [0, 2], "dim": "x"}, "z": {"range": [0, 3], "dim": "x"}}}, "two lengths"),
        ({"outputs": {"failure": {"index": 0}}}, "cannot be the name of an output"),
        ({"outputs": {}}, "at least 1 item"),
        ({"config": {"a": float("nan")}}, "not finite"),
        ({"model": ""}, "at least 1 character"),
        ({"colour": 1}, "Extra inputs"),
    ],
)
def test_impossible_settings(settings, message):
    with pytest.raises(ValidationError, match=message):
        UMBridge.model_validate({"url": "http://localhost:4242", **MAPPING, **settings})


# Identity.


def test_the_place_is_no_part_of_the_identity_and_what_is_served_is():
    def identity(**settings: Any) -> str:
        return str(run_identities(bridge("http://localhost:1", **settings), "code", inputs(1))[0])

    same = identity()
    assert identity(url="http://localhost:2", time_limit=5.0, reconnect=1.0, runs_per_server=2) == same
    assert str(run_identities(bridge("http://localhost:1", "http://localhost:2"), "code", inputs(1))[0]) == same
    others = [
        identity(model="other"), identity(config={"level": 1}), identity(version="2"),
        identity(inputs=[["b", "a"], ["c"]]), identity(outputs={"y": {"index": 1, "vector": 1}}),
    ]  # fmt: skip
    assert len({same, *others}) == 6


# What is checked before anything runs.


@pytest.mark.parametrize(
    ("endpoint", "answer", "message"),
    [
        ("Info", {"protocolVersion": 0.9, "models": ["forward"]}, "speaks version 0.9 of the protocol, not 1.0"),
        ("Info", {"protocolVersion": 1.0, "models": ["posterior"]}, r"no model 'forward', but \['posterior'\]"),
        ("Info", [1], "no JSON object"),
        ("ModelInfo", {"support": {"Evaluate": False}}, "cannot be evaluated"),
        ("ModelInfo", {"error": {"type": "ModelNotFound", "message": "gone"}}, "ModelNotFound: gone"),
        ("InputSizes", {"inputSizes": [3]}, r"takes input vectors of sizes \[3\], not"),
        ("InputSizes", {"inputSizes": "many"}, "InputSizes gave no list of sizes"),
        ("OutputSizes", {"outputSizes": [1, 2]}, r"have sizes \[1, 2\]: it is not in them"),
        ("OutputSizes", {"outputSizes": [1]}, r"have sizes \[1\]: it is not in them"),
    ],
)
def test_a_server_that_does_not_fit_is_found_before_anything_runs(fakes, endpoint, answer, message):
    fake = fakes()
    fake.about[endpoint] = answer
    with pytest.raises(ComponentError, match=message):
        bridge(fake).check()
    with pytest.raises(SimulationError, match=message):
        bridge(fake).run(inputs())
    assert fake.asked == []


def test_no_server_and_servers_that_differ(fakes):
    nowhere = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ComponentError, match=rf"no UM-Bridge server answers at {nowhere} .*start the server"):
        bridge(nowhere).check()
    one, two = fakes(), fakes()
    bridge(one, two).check()
    two.about["OutputSizes"] = {"outputSizes": [1, 4]}
    with pytest.raises(ComponentError, match="another server"):
        bridge(one, two).check()


def test_a_study_names_the_line(fakes, tmp_path):
    fake = fakes()
    text = f"""
    simulator:
      kind: umbridge
      url: {fake.url}
      model: forward
      outputs: {{y: {{index: 0}}}}
    inputs:
      a: {{kind: uniform, low: 0.0, high: 1.0}}
      b: {{kind: uniform, low: 0.0, high: 1.0}}
    outputs:
      y: {{units: "1"}}
    design: {{kind: monte_carlo, train: 4, validation: 0, test: 0}}
    """
    (tmp_path / "bad.yaml").write_text(textwrap.dedent(text))
    with pytest.raises(StudyError, match=r"bad.yaml:2: simulator.inputs .*in which order.*\[\[a, b\]\]"):
        load_study(tmp_path / "bad.yaml").check()
    (tmp_path / "bad.yaml").write_text(textwrap.dedent(text).replace("model:", "inputs: [[a, b]]\n  model:"))
    with pytest.raises(
        StudyError, match=r"bad.yaml:5: simulator.inputs = .*vectors of sizes \[2, 1\], not vectors of sizes \[2\]"
    ):
        load_study(tmp_path / "bad.yaml").check()


# What a run may fail of.


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((500, b'{"error": {"type": "InvalidOutput", "message": "diverged"}}'), "InvalidOutput: diverged"),
        ((200, b'{"error": {"type": "ModelError", "message": "diverged"}}'), "ModelError: diverged"),
        ((500, b"500 Internal Server Error"), "HTTP status 500: 500 Internal Server Error"),
        ((200, b"<html>"), "no JSON object: <html>"),
        ((200, b"[" * 100_000), "no JSON object"),
        ((200, b'{"output": [[nan], [1, 2, 3]]}'), "no JSON object"),
        ((200, b'{"output": 1}'), "no list of vectors"),
        ((200, b'{"output": [[1], [1, 2]]}'), r"sizes \[1, 2\], not \[1, 3\] as declared"),
        ((200, b'{"output": [[1]]}'), r"sizes \[1\], not \[1, 3\] as declared"),
        ((200, b'{"output": [[null], [1, 2, 3]]}'), "None, which is no number"),
        ((200, b'{"output": [[true], [1, 2, 3]]}'), "True, which is no number"),
        ((200, b'{"output": [["1"], [1, 2, 3]]}'), "'1', which is no number"),
        ((200, b'{"output": [[1' + b"0" * 400 + b"], [1, 2, 3]]}"), "too large"),
    ],
)
def test_an_answer_that_is_none_fails_its_run_alone(fakes, answer, message):
    good = inputs()

    def sometimes(asked: dict[str, Any]) -> tuple[int, bytes]:
        if asked["input"][1] == [good["c"].values[2]]:
            return answer
        return 200, json.dumps({"output": forward(asked["input"], {})}).encode()

    raw = bridge(fakes(sometimes)).run(good)
    assert [bool(text) for text in failures(raw)] == [False, False, True, False, False]
    assert re.search(message, failures(raw)[2])
    assert np.isnan(raw["y"].values[2])
    assert np.isnan(raw["u"].values[2]).all()
    np.testing.assert_array_equal(raw["y"].values[[0, 1, 3, 4]], (good["a"] * good["b"] + good["c"])[[0, 1, 3, 4]])


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (b"220 mail.example ESMTP\r\n", "the answer is no HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", r"was lost for 0.3 s of trying \(the answer broke off\)"),
        (b"", "was lost for 0.3 s of trying"),
    ],
)
def test_what_is_no_http_and_what_breaks_off(fakes, said, message):
    """The server's other answers are fine: on Evaluate it writes these bytes and hangs up."""
    fake = fakes()
    handler = fake._server.RequestHandlerClass
    plain = handler.do_POST

    def do_post(self: Any) -> None:
        if not self.path.endswith("Evaluate"):
            return plain(self)
        self.wfile.write(said)
        self.wfile.flush()
        self.close_connection = True

    handler.do_POST = do_post
    assert re.search(message, failures(bridge(fake, reconnect=0.3).run(inputs(1)))[0])


def test_a_run_has_a_time_limit(fakes):
    release = threading.Event()

    def slow(asked: dict[str, Any]) -> tuple[int, bytes]:
        if asked["input"][1] == [inputs()["c"].values[0]]:
            release.wait(20)
        return 200, json.dumps({"output": forward(asked["input"], {})}).encode()

    raw = bridge(fakes(slow), time_limit=0.3).run(inputs())
    release.set()
    assert failures(raw) == ["no answer within 0.3 s", "", "", "", ""]


def test_an_input_that_is_not_finite_is_not_sent(fakes):
    fake, given = fakes(), inputs()
    given["a"][1] = np.inf
    assert failures(bridge(fake).run(given)) == ["", "an input is not finite", "", "", ""]
    assert len(fake.asked) == 4
    assert failures(bridge(fake).run(given.isel(run=[1]))) == ["an input is not finite"]


# Servers that go away, and several.


def test_a_server_that_comes_back_is_waited_for(fakes):
    port, given = free_port(), inputs()
    plain = bridge(fakes()).run(given)
    first = fakes(lambda asked: None, port=port)  # hangs up on the first run
    found: list[xr.Dataset] = []
    call = threading.Thread(target=lambda: found.append(bridge(first, reconnect=30.0).run(given)))
    call.start()
    while not first.asked:
        time.sleep(0.01)
    first.stop()
    time.sleep(0.5)
    again = fakes(port=port)
    call.join(20)
    assert found[0].identical(plain)
    assert len(again.asked) == 5
    first.stop = lambda: None  # type: ignore[method-assign]


def test_all_servers_lost_is_one_error_with_their_addresses(fakes):
    fake = fakes()
    simulator = bridge(fake, reconnect=0.5)
    simulator.run(inputs())
    fake.stop()
    fake.stop = lambda: None  # type: ignore[method-assign]
    with pytest.raises(SimulationError, match=rf"no UM-Bridge server .* 0.5 s .*{fake.url}: .*refused.*start it again"):
        simulator.run(inputs())


def test_a_run_that_brings_its_server_down_fails_alone(fakes):
    fatal = [inputs()["c"].values[3]]

    def dies(asked: dict[str, Any]) -> tuple[int, bytes] | None:
        return (
            None if asked["input"][1] == fatal else (200, json.dumps({"output": forward(asked["input"], {})}).encode())
        )

    fake = fakes(dies)
    found = failures(bridge(fake, reconnect=0.3).run(inputs()))
    assert found[:3] + found[4:] == [""] * 4
    assert found[3].startswith("the connection was lost for 0.3 s of trying")
    assert 2 <= len([asked for asked in fake.asked if asked[1] == fatal]) <= 4, "tried again, ever more seldom"
    full = bridge(fakes(lambda asked: (503, b"no server is free")), reconnect=0.0)
    assert failures(full.run(inputs(1))) == ["the connection was lost for 0 s of trying (HTTP status 503)"]


@pytest.mark.parametrize("quicker", [0, 1])
def test_two_servers_give_what_one_gives(fakes, quicker):
    """In the order of the runs, whichever of them answers, and however long it takes."""

    def after(seconds: float) -> Callable[[dict[str, Any]], tuple[int, bytes]]:
        def answer(asked: dict[str, Any]) -> tuple[int, bytes]:
            time.sleep(seconds)
            return 200, json.dumps({"output": forward(asked["input"], {})}).encode()

        return answer

    given = inputs(24)
    plain = bridge(fakes()).run(given)
    pauses = [0.03, 0.03]
    pauses[quicker] = 0.0
    one, two = (fakes(after(pause)) for pause in pauses)
    assert bridge(one, two).run(given).identical(plain)
    assert one.asked
    assert two.asked
    assert len(one.asked) + len(two.asked) == 24
    assert len((one, two)[quicker].asked) > 12, "the free one takes the next run"
    three = fakes(after(0.01))
    assert bridge(three, runs_per_server=4).run(given).identical(plain)


def test_another_server_takes_over(fakes):
    given = inputs(12)
    plain = bridge(fakes()).run(given)
    nowhere = f"http://127.0.0.1:{free_port()}"
    assert bridge(nowhere, fakes()).run(given).identical(plain), "one that never was there"
    leaving: list[Fake] = []

    def last_words(asked: dict[str, Any]) -> None:
        threading.Thread(target=leaving[0]._server.server_close).start()
        leaving[0]._server.shutdown()

    leaving.append(fakes(last_words))
    other = fakes()
    assert bridge(leaving[0], other, reconnect=0.5).run(given).identical(plain)
    assert len(other.asked) == 12


# The package `umbridge` on the other side, and a whole study.

MODELS = """
    import functools, os, sys
    import umbridge

    # On loopback alone.
    umbridge.um.web.run_app = functools.partial(umbridge.um.web.run_app, host="127.0.0.1")

    class Forward(umbridge.Model):
        def get_input_sizes(self, config):
            return [2, 1]

        def get_output_sizes(self, config):
            return [1, 3]

        def __call__(self, parameters, config):
            (a, b), (c,) = parameters
            if a < 0:
                raise ArithmeticError("a is negative")
            if a > 100:
                os._exit(1)
            factor = config.get("factor", 1.0)
            wrong = [0.0] if a == 50 else []
            return [[a * b + c, *wrong], [factor * a, factor * b, factor * c]]

        def supports_evaluate(self):
            return True

    umbridge.serve_models([Forward("forward")], int(sys.argv[1]))
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[[], tuple[str, subprocess.Popen[bytes]]]]:
    """Starts a server of the package `umbridge` in a process of its own; each is ended by its process id."""
    if find_spec("umbridge") is None:
        pytest.skip("the package umbridge is not installed: make test installs it (envs/requirements-dev.lock)")
    (tmp_path / "models.py").write_text(textwrap.dedent(MODELS))
    started: list[subprocess.Popen[bytes]] = []

    def start() -> tuple[str, subprocess.Popen[bytes]]:
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, str(tmp_path / "models.py"), str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started.append(process)
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{url}/Info", timeout=5).close()
                return url, process
            except OSError:
                assert process.poll() is None, "the server ended"
                time.sleep(0.05)
        raise AssertionError("the server did not start")

    yield start
    for process in started:
        process.terminate()
    for process in started:
        process.wait(10)


def test_the_package_umbridge_as_server(served):
    url, process = served()
    simulator, given = bridge(url, config={"factor": 2.0}), inputs()
    simulator.check()
    given["a"][1], given["a"][3] = -1.0, 50.0
    raw = simulator.run(given)
    found = failures(raw)
    assert found[1].startswith("HTTP status 500")
    assert found[3].startswith("InvalidOutput: Output vector 0 has invalid length!")
    good = [0, 2, 4]
    np.testing.assert_array_equal(raw["y"][good], (given["a"] * given["b"] + given["c"])[good])
    np.testing.assert_array_equal(raw["u"][good], 2 * np.stack([given[name] for name in "abc"], axis=1)[good])
    with pytest.raises(ComponentError, match="no model 'posterior'"):
        bridge(url, model="posterior").check()
    given["a"][1], given["a"][3] = 101.0, 1.0  # ends the process in the middle
    with pytest.raises(SimulationError, match=rf"no UM-Bridge server answers any more.*{url}"):
        bridge(url, reconnect=0.5).run(given)
    assert process.wait(10) == 1


STUDY = """
simulator:
  kind: umbridge
  PLACE
  model: forward
  inputs: [[a, b], [c]]
  outputs:
    y: {vector: 0, index: 0, units: m, long_name: height}
    u: {vector: 1, range: [0, 3], units: m, dim: x}
inputs:
  c: {kind: uniform, low: 0.0, high: 1.0, units: m}
  a: {kind: uniform, low: 0.0, high: 2.0, units: m}
  b: {kind: uniform, low: 1.0, high: 3.0, units: "1"}
outputs:
  y: {units: cm}
  u: {units: m}
design: {kind: sobol, train: 32, validation: 24, test: 16}
surrogates:
  chaos: {kind: polynomial_chaos}
questions:
  averages: {kind: moments, of: y, surrogate: chaos, runs: 100}
"""


def test_a_whole_study_through_two_servers(served, tmp_path):
    """E[a b + c] = 1 * 2 + 1/2 m, in cm; the chaos knows it exactly."""
    from surecast.assemble.dataset import assemble
    from surecast.assemble.open import open_dataset
    from surecast.design.make import make_design
    from surecast.design.parts import parts
    from surecast.quantify.answer import answer
    from surecast.simulate.part import simulate_part
    from surecast.study.files import write_dataset
    from surecast.study.paths import Paths
    from surecast.train.train import train

    (one, first), (two, _) = served(), served()
    (tmp_path / "bridge.yaml").write_text(STUDY.replace("PLACE", f"urls: [{one}, {two}]"))
    study = load_study(tmp_path / "bridge.yaml")
    study.check()
    paths = Paths("bridge", tmp_path)
    write_dataset(paths.design, make_design(study))
    every = [part.name for part in parts(study.build_design())]
    for part in every:
        simulate_part(study, part, paths.design, paths.part(part), paths.store)
    assemble(study, paths.design, [paths.part(part) for part in every], paths.dataset, paths.manifest)
    trained = paths.surrogate("chaos", 0)
    train(study, "chaos", 0, paths.manifest, trained, paths.checkpoints)
    files = [tmp_path / f"averages.{suffix}" for suffix in ("nc", "csv")]
    found = answer(study, "averages", {"chaos": [trained]}, paths.manifest, *files)
    mean = found.isel(estimate=0)
    assert mean["statistic"].item().startswith("mean")
    np.testing.assert_allclose(mean["value"], 250.0, rtol=1e-9)
    dataset = open_dataset(paths.manifest).load()
    np.testing.assert_allclose(dataset["y"], 100 * (dataset["a"] * dataset["b"] + dataset["c"]), rtol=1e-14)
    assert dataset["u"].dims == ("run", "x")
    assert not dataset["failed"].any()
    # The same study with one server, at another address, finds its runs: none is made.
    first.terminate()
    first.wait(10)
    alone = Study.from_content({**study.content, "simulator": study.content["simulator"] | {"urls": [two]}})
    from surecast.simulate.store import RunStore

    truth = Truth(alone, store=RunStore(paths.store))
    truth(dataset[["a", "b", "c"]].reset_coords(drop=True))
    assert (truth.runs_found, truth.runs_made) == (72, 0)
