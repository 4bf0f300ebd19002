"""Jobs that start warm do the same work: output, exit codes, ends and measurements are those of the script itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from surecast.cli import lock, warm
from surecast.cli.measure_copies import measure_copies

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="jobs start warm on Linux alone")

MAIN = """
import sys
from surecast.cli import lock, warm
lock.announce()
warm.start()
import os
print(os.environ[warm.SOCKETS], os.environ[lock.MAIN_PROCESS], flush=True)
sys.stdin.read()
"""
SCRIPT = """
import os, sys
__real_file__ = __file__
from surecast.cli import warm
cold = "xarray" not in sys.modules
warm.hand_over("simulate")
print("cold" if cold else "warm", os.getpid(), os.environ.get("MINE"), os.getcwd(), flush=True)
{body}
"""


@pytest.fixture(scope="module")
def main():
    """A main process with its warm ones."""
    process = subprocess.Popen([sys.executable, "-c", MAIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder, owner = process.stdout.readline().split()
    yield process, {warm.SOCKETS: folder, lock.MAIN_PROCESS: owner}
    process.communicate()
    assert not Path(folder).exists()


def start(folder: Path, environment: dict[str, str], body: str = "") -> subprocess.Popen[str]:
    """Start a script with this body in a folder."""
    (folder / "script.py").write_text(SCRIPT.format(body=textwrap.dedent(body)))
    return subprocess.Popen(
        [sys.executable, "script.py"],
        cwd=folder,
        env=os.environ | environment | {"MINE": "yes"},
        # A shell has its background jobs ignore interrupts, and with them these tests.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition) -> None:
    """Wait until something is true."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_copy_of_the_warm_process_does_the_work(main, tmp_path):
    script = start(tmp_path, main[1])
    out, _ = script.communicate()
    how, pid, mine, folder = out.split()
    assert (how, mine, folder) == ("warm", "yes", str(tmp_path))
    assert int(pid) != script.pid
    assert script.returncode == 0


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("sys.exit(75)", 75, ""),
        ("sys.exit('in words')", 1, "in words"),
        ("raise ValueError('a defect')", 1, "ValueError: a defect"),
        ("import signal; os.kill(os.getpid(), signal.SIGKILL)", 137, ""),
        ("import atexit; atexit.register(lambda: print('at the end', file=sys.stderr))", 0, "at the end"),
    ],
)
def test_it_ends_as_the_script_would(main, tmp_path, body, code, said):
    script = start(tmp_path, main[1], body)
    _, error = script.communicate()
    assert script.returncode == code
    assert said in error


def test_a_script_that_is_killed_takes_its_copy_with_it(main, tmp_path):
    script = start(tmp_path, main[1], "import time; time.sleep(60)")
    assert script.stdout is not None
    copy = int(script.stdout.readline().split()[1])
    assert not gone(copy)
    script.kill()
    script.communicate()
    wait_for(lambda: gone(copy))


def test_an_interrupt_reaches_the_copy(main, tmp_path):
    script = start(tmp_path, main[1], "import time; time.sleep(60)")
    assert script.stdout is not None
    copy = int(script.stdout.readline().split()[1])
    script.send_signal(signal.SIGINT)
    script.communicate(timeout=30)
    wait_for(lambda: gone(copy))


def test_where_there_is_no_warm_process_it_runs_where_it_is(tmp_path):
    script = start(tmp_path, {warm.SOCKETS: str(tmp_path / "nosuch")})
    how, pid, *_ = script.communicate()[0].split()
    assert (how, int(pid)) == ("cold", script.pid)
    assert script.returncode == 0


def test_snakemakes_benchmark_counts_the_copy(main, tmp_path, monkeypatch):
    from snakemake import benchmark

    monkeypatch.setattr(benchmark.BenchmarkTimer, "__init__", benchmark.BenchmarkTimer.__init__)
    measure_copies(Path(main[1][warm.SOCKETS]))
    body = """
    import time
    held = bytearray(400_000_000)
    held[::4096] = b"x" * len(held[::4096])
    while time.process_time() < 3:
        pass
    """
    script = start(tmp_path, main[1], body)
    with benchmark.benchmarked(script.pid) as record:
        script.communicate()
    assert record.max_rss > 400
    assert record.cpu_time > 1


def test_all_end_with_the_main_process(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", MAIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder, owner = process.stdout.readline().split()
    servers = psutil.Process(process.pid).children(recursive=True)
    script = start(tmp_path, {warm.SOCKETS: folder, lock.MAIN_PROCESS: owner}, "import time; time.sleep(60)")
    assert script.stdout is not None
    copy = int(script.stdout.readline().split()[1])
    servers += [other for server in servers for other in server.children(recursive=True)]
    process.kill()
    process.communicate()
    assert "the job with it" in script.communicate(timeout=30)[1]
    assert script.returncode == 1
    wait_for(lambda: all(gone(server.pid) for server in servers) and gone(copy))
    wait_for(lambda: not Path(folder).exists())


@pytest.mark.parametrize(
    ("rules", "groups"), [(["report", "all"], ["page"]), (["train", "design"], ["learnt", "runs"])]
)
def test_only_what_serves_a_rule_with_jobs_is_started(rules, groups):
    told = MAIN.replace("warm.start()", f"warm.start({rules!r})")
    process = subprocess.Popen([sys.executable, "-c", told], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder, _ = process.stdout.readline().split()
    assert sorted(path.name for path in Path(folder).iterdir() if path.is_socket()) == groups
    process.communicate()


def test_nothing_is_started_where_no_rule_with_jobs_is_served():
    told = MAIN.replace("warm.start()", "warm.start(['all'])").replace(
        "os.environ[warm.SOCKETS]", "warm.SOCKETS in os.environ"
    )
    done = subprocess.run([sys.executable, "-c", told], input="", capture_output=True, text=True)
    assert done.stdout.startswith("False"), done.stderr


def test_a_path_too_long_for_a_socket_leaves_jobs_cold(tmp_path):
    long = tmp_path / ("x" * 120)
    long.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", MAIN.replace("os.environ[warm.SOCKETS]", "warm.SOCKETS in os.environ")],
        env=os.environ | {"TMPDIR": str(long)},
        input="",
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("False"), done.stderr
    assert list(long.iterdir()) == []
