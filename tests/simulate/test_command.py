"""Outside programs as simulators: what they are given, what they may leave wrong, and that nothing of them is left."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from surecast.design.make import make_design
from surecast.simulate import process
from surecast.simulate.checks import check_simulator
from surecast.simulate.command import Command
from surecast.simulate.part import simulate_part
from surecast.simulate.store import RunStore
from surecast.simulate.truth import Truth
from surecast.study.errors import SimulationError, StudyError
from surecast.study.files import write_dataset
from surecast.study.load import load_study
from surecast.study.model import Study

PYTHON = [sys.executable, "-I", "-S", "{study}/program.py"]
READ = """
    import json, os, subprocess, sys, time
    given = json.load(open(sys.argv[1]))
    x = given["x"]

    def write(text):
        open(sys.argv[2], "w").write(text)
"""
SQUARE = """write(json.dumps({"y": x**2}))"""


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    """Where scratch folders are made; none of them may be left."""
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    yield tmp_path / "scratch"
    assert not list((tmp_path / "scratch").iterdir())


@pytest.fixture
def make(tmp_path):
    """Make a simulator of a program in Python: `code` finds `given`, `x` and `write`, unless it is a whole program."""

    def made(code, *, whole=False, **settings):
        (tmp_path / "program.py").write_text(("" if whole else textwrap.dedent(READ)) + textwrap.dedent(code))
        content = {"arguments": [*PYTHON, "{input}", "{output}"], "outputs": {"y": {"units": "m"}}, "time_limit": 100.0}
        return Command.model_validate(content | settings, context={"folder": tmp_path})

    return made


def inputs(*values):
    values = values or (0.0, 1.0, 2.0, 3.0)
    return xr.Dataset({"x": ("run", np.array(values), {"units": "m"}), "seed": ("run", np.arange(len(values)) + 7)})


def told(simulator, *values):
    """Messages of the runs, `values` of x; all else is NaN where there is one."""
    raw = simulator.run(inputs(*values))
    for name in simulator.variables():
        np.testing.assert_array_equal(np.isnan(raw[name]).all(raw[name].dims[1:]), raw["failure"] != "")
    return raw["failure"].values.tolist()


def running(pid):
    """Whether a process exists and is more than an entry that nobody has collected."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(found) and not found.startswith("Z")


def gone(*pids):
    end = time.monotonic() + 50
    while any(map(running, pids)) and time.monotonic() < end:
        time.sleep(0.02)
    return not any(map(running, pids))


def test_numbers_arrive_and_return_exactly(make):
    values = (0.1, 1 / 3, 1e-300, 12345.678901234567)
    raw = make("""write(json.dumps({"y": x, "same": x}))""").run(inputs(*values))
    np.testing.assert_array_equal(raw["y"], values)
    assert raw["y"].attrs == {"units": "m", "long_name": "y"}
    assert (raw["failure"] == "").all()
    assert "same" not in raw


def test_passes_the_common_checks(make):
    check_simulator(make(SQUARE, parallel=3), inputs(0.1, 0.2, 0.3))
    noisy = make("""write(json.dumps({"y": x + given["seed"]}))""", stochastic=True, parallel=3)
    check_simulator(noisy, inputs(0.1, 0.2, 0.3))


def test_runs_made_at_once_have_the_same_bytes(make, tmp_path):
    """Each of four programs waits until all four are there."""
    (tmp_path / "there").mkdir()
    code = f"""
    there = {str(tmp_path / "there")!r}
    open(there + f"/{{x}}", "w").close()
    end = time.monotonic() + 90
    while len(os.listdir(there)) < int(os.environ["TOGETHER"]) and time.monotonic() < end:
        time.sleep(0.01)
    write(json.dumps({{"y": x / 3 if time.monotonic() < end else 1e9}}))
    """
    four = make(code, parallel=4, environment={"TOGETHER": "4"}).run(inputs())
    assert four.identical(make(code, environment={"TOGETHER": "1"}).run(inputs()))
    assert four["y"].values.tolist() == [0.0, 1 / 3, 2 / 3, 1.0]


def test_the_seed_is_handed_over_where_it_is_wanted(make):
    assert make("""write(json.dumps({"y": "seed" in given}).replace("false", "5"))""").run(inputs())["y"].values[0] == 5
    code = """write(json.dumps({"y": given["seed"] + 100 * int(sys.argv[3])}))"""
    raw = make(code, arguments=[*PYTHON, "{input}", "{output}", "{seed}"], stochastic=True).run(inputs(0.0, 0.0))
    assert raw["y"].values.tolist() == [707.0, 808.0]
    with pytest.raises(SimulationError, match="needs the variable seed"):
        make(SQUARE, stochastic=True).run(inputs().drop_vars("seed"))


def test_template_environment_and_standard_streams(make, tmp_path):
    """Without {input} among its arguments a program finds its input where every program can: on standard input."""
    (tmp_path / "deck.txt.jinja").write_text(
        "load {{ x }}\n{% for k in range(2) %}step {{ k }} {{ seed }}\n{% endfor %}"
    )
    code = """
        import os, sys
        words = sys.stdin.read().split()
        assert sorted(os.listdir()) == ["deck.txt", "stderr.txt", "stdout.txt"], os.listdir()
        print("time, y")
        print("late,", repr(float(words[1]) * int(os.environ["FACTOR"]) + int(words[-1])))
    """
    simulator = make(
        code,
        whole=True,
        arguments=PYTHON,
        template="deck.txt.jinja",
        output={"format": "csv", "file": "stdout.txt"},
        stochastic=True,
        environment={"FACTOR": "3"},
    )
    raw = simulator.run(inputs(0.1, 0.2))
    assert raw["failure"].values.tolist() == ["", ""]
    assert raw["y"].values.tolist() == [0.1 * 3 + 7, 0.2 * 3 + 8]
    assert simulator.input_names() == ("x",)


def test_netcdf_both_ways_with_a_field(tmp_path):
    """A field of the study arrives on its grid, and one returns whatever the order of its dimensions."""
    (tmp_path / "program.py").write_text(
        "import sys, netCDF4\n"
        "given, made = netCDF4.Dataset(sys.argv[1]), netCDF4.Dataset(sys.argv[2], 'w')\n"
        "assert given['a'].units == 'm' and given['k'].dimensions == ('x',) and given['x'][:].tolist() == [0, 0.5, 1]\n"
        "made.createDimension('s', 3), made.createDimension('t', 2)\n"
        "u = made.createVariable('u', 'f8', ('t', 's'))\n"
        "u.units = 'metre'\n"
        "u[0], u[1] = given['k'][:], 10 * given['k'][:] * given['a'][...]\n"
        "made.close()\n"
    )
    content = {
        "simulator": {
            "kind": "command",
            "arguments": [sys.executable, "{study}/program.py", "{input}", "{output}"],
            "input": {"format": "netcdf"},
            "output": {"format": "netcdf"},
            "outputs": {"u": {"units": "m", "shape": {"s": {"low": 0.0, "high": 1.0, "count": 3}, "t": 2}}},
            "fields": {"k": {"x": [0.0, 0.5, 1.0]}},
        },
        "inputs": {
            "a": {"kind": "uniform", "low": 1.0, "high": 2.0, "units": "m"},
            "k": {"kind": "gaussian_field", "dimensions": 1, "variance": 1.0, "length": 0.5, "terms": 3},
        },
        "outputs": {
            "u": {},
            "late": {"of": "u", "at": {"s": 0.5}, "reduce": {"over": "t", "by": "last"}, "units": "cm"},
        },
        "design": {"kind": "monte_carlo", "train": 2, "validation": 0, "test": 0},
    }
    study = Study.from_content(content, tmp_path / "study.yaml")
    study.check()
    drawn = make_design(study)
    found = Truth(study)(drawn)
    assert found["message"].values.tolist() == ["", ""]
    k = study.joint_law().realise(drawn, study.build_simulator().grids())["k"].values
    u = np.stack([k, 10 * k * drawn["a"].values[:, None]], axis=2)
    np.testing.assert_array_equal(found["u"], u.astype(np.float32))
    np.testing.assert_allclose(found["late"], 100 * u[:, 1, 1], rtol=1e-15)
    bad = content["simulator"] | {"fields": {"kk": {"x": [0.0, 1.0]}}}
    study = Study.from_content(content | {"simulator": bad}, tmp_path / "study.yaml")
    with pytest.raises(StudyError, match=r"simulator\.fields\.kk = .*: the study has no such input.*did you mean 'k'"):
        study.check()


def test_outputs_of_several_rows_and_of_a_function(make, tmp_path):
    outputs = {"y": {"units": "m"}, "u": {"units": "1", "shape": {"t": 3}}}
    rows = """write("t,u,name\\n0," + str(x) + ",a\\n\\n1, 2.5,b\\n2,-1e-3,c\\n")"""
    raw = make(rows, output={"format": "csv"}, outputs={"u": outputs["u"]}).run(inputs(4.0))
    assert raw["u"].values.tolist() == [[4.0, 2.5, -1e-3]]
    (tmp_path / "own_reader.py").write_text(
        "def read(folder):\n"
        "    words = (folder / 'result.bin').read_text().split()\n"
        "    return {'y': float(words[0]), 'u': list(map(float, words[1:]))}\n"
    )
    code = """open("result.bin", "w").write("2 1 2 3" if x < 1 else "2 1 2" if x < 2 else "two")"""
    simulator = make(code, output={"reader": "own_reader:read"}, outputs=outputs)
    raw = simulator.run(inputs(0.0, 1.0, 2.0))
    assert raw["u"][0].values.tolist() == [1.0, 2.0, 3.0]
    assert raw["failure"].values.tolist() == [
        "",
        "u has the shape (2,), not (3,) as declared",
        "own_reader:read raised ValueError: could not convert string to float: 'two'",
    ]
    assert simulator.code_targets()[-1] == "own_reader"


FAILING = {
    "crash": ("sys.exit('no\\tlicence\\n\\nleft')", "exit code 1; stderr ends: no licence | left"),
    "signal": ("os.kill(os.getpid(), 11)", "was ended by the signal SIGSEGV; it printed nothing"),
    "abort on stdout": ("print('diverged'); sys.exit(3)", "exit code 3; stdout ends: diverged"),
    "path of the folder": ("sys.exit('bad ' + sys.argv[1])", "exit code 1; stderr ends: bad ./input.json"),
    "no text": ("os.write(2, b'\\xff\\x00\\x1b[31mred'); sys.exit(2)", "exit code 2; stderr ends: \ufffd[31mred"),
    "no file": ("pass", "it wrote no file output.json"),
    "empty file": ("write('')", "output.json cannot be read as json (Expecting value: line 1 column 1 (char 0))"),
    "torn file": ("write('{\"y\": 1')", "output.json cannot be read as json (Expecting ',' delimiter: line 1 column 8"),
    "garbage": ("open(sys.argv[2], 'wb').write(bytes(range(256)))", "output.json cannot be read as json ("),
    "deep": ("write('[' * 100000)", "output.json cannot be read as json ("),
    "a list": ("write('[1.0]')", "output.json holds no object of names to values but list"),
    "a folder": ("os.mkdir(sys.argv[2])", "it wrote no file output.json"),
    "other name": ('write(\'{"z": 1, "Y": 2}\')', "it gave no 'y', only z, Y"),
    "nothing": ("write('{}')", "it gave no 'y', only nothing"),
    "text": ('write(\'{"y": "3.0"}\')', 'y is not of numbers: "3.0"'),
    "null": ("write('{\"y\": null}')", "y is not of numbers: null"),
    "truth value": ("write('{\"y\": true}')", "y is not of numbers: true"),
    "object": ('write(\'{"y": {"value": 1}}\')', 'y is not of numbers: {"value": 1}'),
    "list for a number": ("write('{\"y\": [1.0]}')", "y has the shape (1,), not () as declared"),
    "ragged": ("write('{\"y\": [[1], [1, 2]]}')", "y is no array: its rows differ in length"),
    "NaN": ("write('{\"y\": NaN}')", "y is NaN"),
    "infinite": ("write('{\"y\": -Infinity}')", "y is infinite"),
}


def test_what_goes_wrong_fails_its_own_run_alone(make):
    """One program that goes wrong in another way in every run but the last."""
    code = "".join(f"if x == {place}:\n    {wrong}\n" for place, (wrong, _) in enumerate(FAILING.values()))
    code += f"if x == {len(FAILING)}:\n    {SQUARE}"
    *found, last = told(make(code, parallel=2), *map(float, range(len(FAILING) + 1)))
    assert last == ""
    for text, (case, (_, message)) in zip(found, FAILING.items(), strict=True):
        assert text.startswith(message), case
        assert "scratch" not in text, case


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "output.csv cannot be read as csv (it is empty)"),
        ("y\n", "y has the shape (0,), not () as declared"),
        ("y\n1\n2\n", "y has the shape (2,), not () as declared"),
        ("y,z\n1\n", "output.csv cannot be read as csv (line 2 has 1 cells, not 2)"),
        ("y\none\n", "output.csv cannot be read as csv (line 2, column y: 'one' is no number)"),
        ("y,y\n1,2\n", "output.csv cannot be read as csv (two columns have the same name)"),
        ("y\nnan\n", "y is NaN"),
        ("z\n1\n", "it gave no 'y', only z"),
    ],
)
def test_tables_that_are_none(make, text, message):
    assert told(make(f"write({text!r})", output={"format": "csv"}), 1.0) == [message]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (xr.DataArray(np.ones(3), dims="t", attrs={"units": "m"}), ""),
        (xr.DataArray(np.ones(4), dims="t"), "u has the shape (4,), not (3,) as declared"),
        (xr.DataArray(np.ones(3), dims="s"), "u has the dimensions ('s',), not ('t',) as declared"),
        (xr.DataArray(np.ones(3), dims="t", attrs={"units": "mm"}), "u is in mm, not in m as declared"),
        (xr.DataArray(np.ones(3), dims="t", attrs={"units": "s"}), "u is in s, not in m as declared"),
        (xr.DataArray(np.ones(3), dims="t", attrs={"units": "nonsense"}), "u: 'nonsense' is no unit"),
        (xr.DataArray(np.ones(3), {"t": [0.0, 1.0, 3.0]}, "t"), "u has other coordinates along t than declared"),
        (xr.DataArray([1.0, np.nan, 3.0], dims="t"), "u is NaN in 1 of 3 places"),
        (xr.DataArray(["a", "b", "c"], dims="t"), "u is not of numbers"),
    ],
)
def test_what_a_dataset_says_of_itself_is_what_is_declared(make, tmp_path, array, message):
    xr.Dataset({"u": array}).to_netcdf(tmp_path / "made.nc")
    code = f"""import shutil; shutil.copy({str(tmp_path / "made.nc")!r}, sys.argv[2])"""
    outputs = {"u": {"units": "m", "shape": {"t": [0.0, 1.0, 2.0]}}}
    (found,) = told(make(code, output={"format": "netcdf"}, outputs=outputs), 1.0)
    assert found.startswith(message)
    assert bool(found) == bool(message)


def test_files_that_are_no_netcdf(make):
    (found,) = told(make("""write("CDF torn")""", output={"format": "netcdf"}), 1.0)
    assert found.startswith("output.nc cannot be read as netcdf (")


def test_a_program_that_hangs_is_ended_with_its_children(make, tmp_path):
    """Those in its group, and on Linux those that left it; one that ignores being asked is killed."""
    code = f"""
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sleep = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"]
    children = [subprocess.Popen(sleep, start_new_session=bool(k)) for k in range(2)]
    with open({str(tmp_path / "pids")!r}, "w") as file:
        print(os.getpid(), *(child.pid for child in children), file=file)
    print("step 7", file=sys.stderr, flush=True)
    time.sleep(600)
    """
    begun = time.monotonic()
    (found,) = told(make(code, time_limit=5.0), 1.0)
    assert found == "was still running after time_limit = 5 seconds; stderr ends: step 7"
    assert time.monotonic() - begun < 50
    pids = list(map(int, (tmp_path / "pids").read_text().split()))
    assert len(pids) == 3
    assert gone(*(pids if Path("/proc/self/environ").exists() else pids[:2]))


def test_children_that_outlive_a_program_that_ended_well(make, tmp_path):
    code = f"""
    sleep = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"]
    children = [subprocess.Popen(sleep, start_new_session=bool(k)) for k in range(2)]
    with open({str(tmp_path / "pids")!r}, "w") as file:
        print(*(child.pid for child in children), file=file)
    {SQUARE}
    """
    raw = make(code).run(inputs(3.0))
    assert raw["y"].values.tolist() == [9.0]
    pids = list(map(int, (tmp_path / "pids").read_text().split()))
    assert gone(*(pids if Path("/proc/self/environ").exists() else pids[:1]))


def test_nothing_goes_on_after_a_kill(make, tmp_path, scratch):
    """A job that is killed outright takes its programs and their folders with it."""
    make(f"""open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid())); time.sleep(600)""")
    script = f"""
import tempfile, numpy as np, xarray as xr
from surecast.simulate.command import Command
tempfile.tempdir = {str(scratch)!r}
content = {{"arguments": {[*PYTHON, "{input}", "{output}"]!r}, "outputs": {{"y": {{"units": "m"}}}}}}
Command.model_validate(content, context={{"folder": {str(tmp_path)!r}}}).run(xr.Dataset({{"x": ("run", [1.0])}}))
"""
    job = subprocess.Popen([sys.executable, "-c", script])
    end = time.monotonic() + 300
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()) and time.monotonic() < end:
        time.sleep(0.05)
    pid = int((tmp_path / "pid").read_text())
    assert running(pid)
    time.sleep(0.2)  # the guard is started just after the program
    job.send_signal(signal.SIGKILL)
    job.wait()
    assert gone(pid)
    end = time.monotonic() + 50
    while list(scratch.iterdir()) and time.monotonic() < end:
        time.sleep(0.05)


def test_an_interrupt_ends_every_program_at_once(make, tmp_path):
    code = f"""
    if x == 0:
        sys.exit(1)
    open({str(tmp_path)!r} + f"/pid{{x}}", "w").write(str(os.getpid()))
    time.sleep(600)
    """
    simulator = make(code, parallel=3, retries=5)

    class Interrupted(Exception):
        pass

    def one(run, stop):
        if float(run["x"]) == 0:
            while len(list(tmp_path.glob("pid*"))) < 2:
                time.sleep(0.02)
            raise Interrupted
        return Command._one(simulator, run, stop)

    begun = time.monotonic()
    with pytest.raises(Interrupted):
        process.at_once(one, [inputs(x).isel(run=0) for x in (0.0, 1.0, 2.0, 3.0)], 3)
    assert time.monotonic() - begun < 50
    pids = [int(path.read_text() or 0) for path in tmp_path.glob("pid*")]
    assert len(pids) == 2
    assert gone(*filter(None, pids))


def test_huge_output_on_stderr_is_borne_and_endless_output_is_not(make, monkeypatch):
    code = """sys.stderr.write("warning\\n" * 5_000_000 + "last words\\n"); sys.exit(1)"""
    (found,) = told(make(code), 1.0)
    assert found == "exit code 1; stderr ends: " + "warning | " * 4 + "last words"
    (found,) = told(make("""sys.exit("x" * 100_000)"""), 1.0)
    assert found == "exit code 1; stderr ends: ..." + "x" * process.TAIL_LETTERS
    monkeypatch.setattr(process, "MOST_PRINTED", 2**20)
    (found,) = told(make("""while True: print("again" * 1000)"""), 1.0)
    assert found.startswith("had printed more than 1 MiB to stdout; stdout ends: ...")


def test_programs_that_remove_their_folder_stop_themselves_or_cannot_start(make):
    code = """
    import shutil
    if x == 3:
        os.mkfifo(sys.argv[2])
    else:
        shutil.rmtree(os.getcwd())
        sys.exit(5 if x == 1 else 0)
    """
    found = told(make(code, keep_failed="kept", parallel=3), 1.0, 2.0, 3.0)
    assert found[:2] == ["exit code 5; it printed nothing", "it wrote no file output.json"]
    assert found[2].startswith("it wrote no file output.json; kept in kept/")
    (found,) = told(make("import signal; os.kill(os.getpid(), signal.SIGSTOP)", time_limit=1.0), 1.0)
    assert found == "was still running after time_limit = 1 seconds; it printed nothing"
    (found,) = told(make(SQUARE, environment={"A": "\0"}), 1.0)
    assert found == "the program cannot be started (embedded null byte)"


def test_retries(make, tmp_path):
    code = f"""
    tries = {str(tmp_path)!r} + f"/tries{{x}}"
    open(tries, "a").write("1")
    if os.path.getsize(tries) <= x:
        sys.exit("busy")
    {SQUARE}
    """
    assert told(make(code, retries=2), 0.0, 2.0, 5.0) == [
        "",
        "",
        "exit code 1; stderr ends: busy (at each of 3 attempts)",
    ]
    assert [(tmp_path / f"tries{x}").stat().st_size for x in (0.0, 2.0, 5.0)] == [1, 3, 3]


def test_folders_of_failed_runs_are_kept_where_it_is_asked(make, tmp_path):
    code = """open("half.txt", "w").write(str(x)); sys.exit("stop" if x > 1 else 0)"""
    simulator = make(code, keep_failed="kept/failed", retries=1, outputs={"y": {"units": "m"}})
    found = told(simulator, 2.0, 3.0, 2.0)
    prefix = "exit code 1; stderr ends: stop (at each of 2 attempts); kept in kept/failed/"
    assert all(text.startswith(prefix) for text in found)
    assert found[0] == found[2] != found[1]
    for text, x in zip(found, (2.0, 3.0), strict=False):
        folder = tmp_path / text.rpartition(" ")[2]
        assert (folder / "half.txt").read_text() == str(x)
        assert (folder / "stderr.txt").read_text() == "stop\n"
        assert (folder / "input.json").is_file()
    assert len(list((tmp_path / "kept/failed").iterdir())) == 2
    assert told(simulator, 2.0) == found[:1]


def test_what_decides_a_result_is_in_the_settings(make, tmp_path):
    (tmp_path / "mesh.dat").write_text("1")
    first = make(SQUARE, files=["mesh.dat"]).settings()
    assert make(SQUARE, files=["mesh.dat"], parallel=4, keep_failed="kept").settings() == first
    assert [name for name, _ in first["files"]] == [sys.executable, "mesh.dat", "program.py"]
    assert make(SQUARE + " # changed", files=["mesh.dat"]).settings() != first
    (tmp_path / "mesh.dat").write_text("2")
    assert make(SQUARE, files=["mesh.dat"]).settings() != first
    assert make(SQUARE, files=["mesh.dat"], time_limit=31.0).settings() != first
    simulator = make(SQUARE)
    (tmp_path / "program.py").write_text("pass")
    with pytest.raises(SimulationError, match=r"program\.py has changed while its runs are made"):
        simulator.run(inputs())


def test_no_room_for_a_run_is_no_fault_of_the_run(make, monkeypatch, tmp_path):
    simulator = make(SQUARE)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(SimulationError, match=r"cannot be set up.*TMPDIR"):
        simulator.run(inputs())


def test_no_runs(make):
    with pytest.raises(SimulationError, match="no runs"):
        make(SQUARE).run(inputs().isel(run=[]))


STUDY = """\
title: A cantilever, by a program
seed: 3
simulator:
  kind: command
  arguments: [./beam, "{input}", "{output}"]
  template: beam.txt.jinja
  output: {format: json}
  outputs: {deflection: {units: m}, shape: {units: m, shape: {s: {low: 0.0, high: 1.0, count: 5}}}}
  files: [beam.c]
  time_limit: 10.0
  parallel: 2
inputs:
  load: {kind: uniform, low: 500.0, high: 1500.0, units: N}
  stiffness: {kind: uniform, low: 1.0e+5, high: 3.0e+5, units: N m2}
outputs:
  deflection: {units: mm}
  shape: {}
design: {kind: sobol, train: 16, validation: 0, test: 0, runs_per_part: 8}
failures: {max_share: 0.5}
"""
BEAM = r"""
#include <stdio.h>
#include <stdlib.h>

/* Deflection of a cantilever of length 2 under an end load, at five places. */
int main(int count, char **given) {
    double load, stiffness, w[5];
    FILE *file = fopen(given[1], "r");
    if (count != 3 || !file || fscanf(file, "load %lf stiffness %lf", &load, &stiffness) != 2) return 4;
    if (load > 1400) { fprintf(stderr, "load %.17g is beyond the yield point\n", load); return 3; }
    for (int k = 0; k < 5; k++) {
        double z = 2.0 * k / 4;
        w[k] = load * z * z * (3 * 2.0 - z) / (6 * stiffness);
    }
    file = fopen(given[2], "w");
    fprintf(file, "{\"deflection\": %.17g, \"shape\": [%.17g, %.17g, %.17g, %.17g, %.17g]}\n",
            w[4], w[0], w[1], w[2], w[3], w[4]);
    return fclose(file);
}
"""


@pytest.fixture
def beam(tmp_path):
    """A study whose program is compiled here."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler (cc) on this machine")

    def build(source=BEAM):
        (tmp_path / "beam.c").write_text(source)
        command = [compiler, "-ffp-contract=off", "-o", "beam", "beam.c"]
        subprocess.run(command, cwd=tmp_path, check=True)
        return load_study(tmp_path / "beam.yaml")

    (tmp_path / "beam.txt.jinja").write_text("load {{ load }}\nstiffness {{ stiffness }}\n")
    (tmp_path / "beam.yaml").write_text(STUDY)
    return build


def test_a_whole_study_of_a_compiled_program(beam, tmp_path):
    study = beam()
    study.check()
    design = tmp_path / "design.nc"
    write_dataset(design, make_design(study))
    runs = [
        simulate_part(study, part, design, tmp_path / f"{part}.nc", tmp_path / "store")
        for part in ("train-0000", "train-0001")
    ]
    assert runs[0]["deflection"].attrs["units"] == "mm"
    runs = xr.concat(runs, "run", data_vars="all", combine_attrs="drop")
    load, stiffness = runs["load"].values, runs["stiffness"].values
    failed = load > 1400
    assert 0 < failed.sum() < 8
    np.testing.assert_array_equal(runs["failed"], failed)
    np.testing.assert_allclose(
        runs["deflection"], np.where(failed, np.nan, 1000 * load * 8 / (3 * stiffness)), rtol=1e-14
    )
    assert runs["s"].values.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    for row in np.flatnonzero(failed):
        message = f"exit code 3; stderr ends: load {load[row]:.17g} is beyond the yield point"
        assert runs["message"].values[row] == message

    # None is made again as long as nothing that decides a result has changed, a setting that decides none or all.
    def made(study):
        truth = Truth(study, store=RunStore(tmp_path / "store"))
        again = truth(make_design(study))
        np.testing.assert_array_equal(again["failed"], failed)
        return truth.runs_made

    assert made(load_study(tmp_path / "beam.yaml")) == 0
    (tmp_path / "beam.yaml").write_text(STUDY.replace("parallel: 2", "parallel: 1"))
    assert made(load_study(tmp_path / "beam.yaml")) == 0
    assert made(beam(BEAM + "int more = 1;\n")) == 16


REFUSED = {
    "one text": (
        "arguments: [./program, x]",
        "arguments: ./program 'a b' x",
        'write a list: ["./program", "a b", "x"]',
    ),
    "no program": ("./program", "./progrm", "there is no program ./progrm"),
    "not in PATH": ("[./program", "[no-such-program", "there is no program 'no-such-program' in PATH"),
    "without ./": ("[./program", "[program", "write ./program: it lies beside the study file"),
    "no arguments": ("[./program, x]", "[]", "should have at least 1 item"),
    "unknown placeholder": ("x]", "'{inptu}']", "{inptu} stands for nothing here"),
    "braces": ("x]", "'{']", "braces that do not match"),
    "input of the program": ("./program", "'{input}'", "{input} stands for nothing here"),
    "a file that it would not find": (
        "x]",
        "mesh.dat]",
        "write {study}/mesh.dat: the program runs in a folder of its own",
    ),
    "no such file of the study": ("x]", "'{study}/mush.dat']", "the file mush.dat is not there"),
    "seed": ("x]", "'{seed}']", "write `stochastic: true`"),
    "not executable": ("./program", "./mesh.dat", "chmod \\+x ./mesh.dat"),
    "no such further file": ("files: []", "files: [gone.c]", "the file gone.c is not there"),
    "a folder": ("files: []", "files: [folder]", "the file folder is a folder"),
    "no template": ("files: []", "template: gone.jinja", "cannot be read"),
    "torn template": ("files: []", "template: torn.jinja", "line 2 is no Jinja"),
    "template without inputs": ("files: []", "template: mesh.dat", "it names no input"),
    "template with a seed": ("files: []", "template: seed.jinja", "the program is given no seed"),
    "template without the seed": ("files: []", "stochastic: true, template: good.jinja", "does not hand over the seed"),
    "template of an unknown input": ("files: []", "template: other.jinja", "the simulator needs input 'load'"),
    "template and format": ("files: []", "template: good.jinja, input: {format: json}", "remove one of the two"),
    "reader and format": ("files: []", "output: {format: csv, reader: 'a:b'}", "remove one of the two"),
    "no reader": ("files: []", "output: {reader: 'nowhere:read'}", "module 'nowhere' cannot be imported"),
    "a path for a name": ("files: []", "output: {file: ../o.json}", "is no plain name of a file"),
    "one file for both": ("files: []", "input: {file: o}, output: {file: o}", "o is written by the program"),
    "unknown format": ("files: []", "output: {format: xml}", "must be 'json', 'csv' or 'netcdf'"),
    "no outputs": ("{y: {units: m}}", "{}", "should have at least 1"),
    "no unit": ("{y: {units: m}}", "{y: {}}", "simulator.outputs.y.units"),
    "wrong unit": ("{y: {units: m}}", "{y: {units: metrs}}", "'metrs' is no unit"),
    "taken name": ("{y: {units: m}}", "{failure: {units: m}}", "an output cannot have this name"),
    "taken dimension": ("{y: {units: m}}", "{y: {units: m, shape: {run: 3}}}", "a dimension cannot have this name"),
    "empty dimension": ("{y: {units: m}}", "{y: {units: m, shape: {t: 0}}}", "greater than or equal to 1"),
    "no coordinates": ("{y: {units: m}}", "{y: {units: m, shape: {t: []}}}", "should have at least 1 item"),
    "two sizes": (
        "{y: {units: m}}",
        "{y: {units: m, shape: {t: 3}}, z: {units: m, shape: {t: 4}}}",
        "simulator.outputs.z.shape.t = 4: is another elsewhere",
    ),
    "dimension and output": ("{y: {units: m}}", "{y: {units: m, shape: {z: 3}}, z: {units: m}}", "has this name"),
    "no time": ("files: []", "time_limit: 0.0", "greater than 0"),
    "no grid": ("files: []", "fields: {x: {}}", "should have at least 1 item"),
    "unknown seeding": ("files: []", "stochastc: true", "did you mean 'stochastic'"),
    "seeding": ("files: []", "stochastic: 3", "stochastic is: Whether it draws random numbers"),
    "unknown setting": ("files: []", "timelimit: 3", "did you mean 'time_limit'"),
    "output that it does not give": ("outputs: {y: {}}", "outputs: {w: {}}", "the simulator returns no 'w'"),
    "output in another unit": ("outputs: {y: {}}", "outputs: {y: {units: s}}", "is not compatible with m"),
}


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        ("{low: 0.0}", r"x = {low: 0.0}: has the keys low; equally spaced points have low, high and count"),
        ("{}", r"x = {}: is empty; equally spaced points have"),
        ("{lo: 0.0, high: 1.0, count: 3}", r"has the keys lo, high, count; equally spaced points have"),
        ("{low: a, high: 1.0, count: 3}", r"x.low = a: must be a valid number"),
        ("{low: 0.0, high: 1.0, count: 1}", r"x.count = 1: must be greater than or equal to 2"),
        ("[0.0, a]", r"x\[1\] = a: must be a valid number"),
        ("text", r"nor a list of coordinates nor {low, high, count}|neither a list of coordinates nor"),
        ("true", r"nor a list of coordinates nor {low, high, count}|neither a list of coordinates nor"),
    ],
)
@pytest.mark.parametrize("place", ["outputs: {y: {units: m, shape: {x: AXIS}}}", "fields: {k: {x: AXIS}}"])
def test_a_half_written_axis_is_refused_with_one_message(tmp_path, axis, message, place):
    declared = "" if place.startswith("outputs") else "outputs: {y: {units: m}}, "
    (tmp_path / "study.yaml").write_text(
        f"simulator: {{kind: command, arguments: ['true'], {declared}{place.replace('AXIS', axis)}}}\n"
        "inputs: {k: {kind: gaussian_field, variance: 1.0, length: 0.2, terms: 4, dimensions: 1}}\n"
        "outputs: {y: {}}\ndesign: {kind: monte_carlo, train: 4, validation: 0, test: 0}\n"
    )
    with pytest.raises(StudyError, match=message) as caught:
        load_study(tmp_path / "study.yaml").build_simulator()
    assert len(caught.value.errors) == 1


@pytest.mark.parametrize("case", REFUSED)
def test_refused_before_anything_runs(tmp_path, case):
    old, new, message = REFUSED[case]
    text = """\
simulator: {kind: command, arguments: [./program, x], outputs: {y: {units: m}}, files: []}
inputs: {x: {kind: uniform, low: 0.0, high: 1.0}}
outputs: {y: {}}
design: {kind: monte_carlo, train: 4, validation: 0, test: 0}
"""
    assert old in text
    (tmp_path / "program").write_text("#!/bin/sh\ntouch ran\n")
    (tmp_path / "program").chmod(0o755)
    (tmp_path / "folder").mkdir()
    files = {
        "mesh.dat": "1",
        "torn.jinja": "a\n{{ x",
        "seed.jinja": "{{ x }} {{ seed }}",
        "good.jinja": "{{ x }}",
        "other.jinja": "{{ x }} {{ load }}",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "study.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(StudyError) as caught:
        load_study(tmp_path / "study.yaml").check()
    assert message.replace("\\\\", "").replace("\\", "") in str(caught.value)
    assert "study.yaml:" in str(caught.value)
    assert "Remedy: " in str(caught.value)
