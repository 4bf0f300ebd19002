"""The profile for clusters on a real Slurm: Debian's packages on one machine, loopback only, no systemd.

Skipped, with the reason, where the packages are not installed or Slurm is configured already; `.ci/run` installs
them. The daemons are started and ended here, each by its own process.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slurm

CONFIGURATION = Path("/etc/slurm/slurm.conf")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "sinfo", "srun", "scontrol")
SLURM = """
ClusterName=ci
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=26817
SlurmdPort=26818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/munge.sock
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
MinJobAge=3600
SchedulerParameters=batch_sched_delay=0,sched_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
NodeName=localhost NodeAddr=127.0.0.1 NodeHostname=localhost CPUs=2 RealMemory=6000 Gres=gpu:1 State=UNKNOWN
PartitionName=debug Nodes=localhost Default=YES MaxTime=600 State=UP
"""


def why_not() -> str | None:
    """What keeps Slurm from being started here."""
    search = os.environ["PATH"] + os.pathsep + "/usr/sbin"
    missing = [program for program in PROGRAMS if shutil.which(program, path=search) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (Debian: slurmctld slurmd slurm-client munge)"
    if os.geteuid() != 0:
        return "Slurm's daemons are started as root"
    if CONFIGURATION.exists():
        return f"{CONFIGURATION} is there: Slurm is configured on this machine"
    return None


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Slurm cluster of this machine with two cores and one GPU that is none; yields its folder."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("slurm")
    for name in ("munge", "state", "spool", "run", "log"):
        (folder / name).mkdir(mode=0o755)
    key = folder / "munge" / "munge.key"
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o400)
    (folder / "slurm.conf").write_text(SLURM.format(folder=folder))
    (folder / "fakegpu0").touch()
    (folder / "gres.conf").write_text(f"NodeName=localhost Name=gpu File={folder}/fakegpu0\n")
    CONFIGURATION.parent.mkdir(exist_ok=True)
    links = [CONFIGURATION, CONFIGURATION.with_name("gres.conf")]
    daemons: list[subprocess.Popen[bytes]] = []
    try:
        for link in links:
            link.symlink_to(folder / link.name)
        munge = {name: folder / "munge" / f"munge.{name}" for name in ("sock", "pid", "log", "seed")}
        daemons.append(
            subprocess.Popen(
                [
                    "/usr/sbin/munged", "--foreground", "--force", f"--key-file={key}", f"--socket={munge['sock']}",
                    f"--pid-file={munge['pid']}", f"--log-file={munge['log']}", f"--seed-file={munge['seed']}",
                ],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
        )  # fmt: skip
        wait_for(munge["sock"].exists)
        for command in (["/usr/sbin/slurmctld", "-D", "-c"], ["/usr/sbin/slurmd", "-D", "-N", "localhost"]):
            daemons.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        wait_for(lambda: said("sinfo", "--noheader", "--format=%T").strip() == "idle", 60)
        yield folder
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        for link in links:
            if link.is_symlink():
                link.unlink()


def said(*command: str) -> str:
    """What a command of Slurm prints."""
    return subprocess.run(command, capture_output=True, text=True).stdout


def wait_for(condition, seconds: float = 20.0) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "Slurm did not come up"
        time.sleep(0.2)


def test_study_through_the_profile(slurm, new_house, function_study):
    house = new_house("cluster")
    study = function_study(house.root.parent / "elsewhere")
    house.snakemake(
        "--workflow-profile", "profiles/slurm", "--config", f"studies={study}",
        "--latency-wait", "5", "--slurm-init-seconds-before-status-checks", "1",
        "--default-resources", "slurm_partition=debug", "mem_mb=1000", "runtime=10",
    )  # fmt: skip
    results = house.root / "results" / "mine"
    assert (results / "report.html").is_file()
    jobs = said("scontrol", "show", "jobs", "--oneliner").splitlines()
    assert len(jobs) >= 10, "not every job went through Slurm"
    assert all("JobState=COMPLETED" in job for job in jobs), jobs
    assert sum(bool(re.search(r"TresPer\w+=\S*gpu", job)) for job in jobs) == 1, f"one training asks for a GPU: {jobs}"
    arrays = [found[1] for job in jobs if (found := re.search(r"ArrayJobId=(\d+)", job))]
    assert sorted(arrays.count(array) for array in set(arrays))[-1] == 4, "the parts went as one array job"
    assert house.planned("--workflow-profile", "profiles/slurm", "--config", f"studies={study}") == {}


def test_what_a_run_needs_is_asked_of_slurm(slurm, new_house, function_study):
    """Ranks, cores of each, memory and time of a part: 8 runs of half a minute beside what a job itself needs."""
    house = new_house("needs")
    study = function_study(house.root.parent / "elsewhere")
    kind = 'kind: "mine_model:cube"'
    house.edit(study, kind, f"{kind}, resources: {{mpi: 2, mem_mb: 300, minutes: 0.5}}")
    house.edit(study, "runs_per_part: 24", "runs_per_part: 8")
    part = "results/mine/runs/test-0000.nc"
    house.snakemake(
        part, "--workflow-profile", "profiles/slurm", "--config", f"studies={study}",
        "--latency-wait", "5", "--slurm-init-seconds-before-status-checks", "1",
        "--default-resources", "slurm_partition=debug", "mem_mb=1000", "runtime=10",
    )  # fmt: skip
    assert (house.root / part).is_file()
    jobs = said("scontrol", "show", "jobs", "--oneliner").splitlines()
    (asked,) = [job for job in jobs if "NumTasks=2 " in job]
    for words in ("NumCPUs=2 ", "CPUs/Task=1 ", "MinMemoryNode=1800M ", "TimeLimit=01:04:00 "):
        assert words in asked
