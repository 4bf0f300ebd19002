"""What one run of a simulator needs of a machine.

    simulator:
      kind: command
      arguments: [mpirun, -n, "4", ./solver, "{input}", "{output}"]
      resources: {cpus: 2, mpi: 4, mem_mb: 16000, minutes: 30}

It says where and when runs are made, and decides none of them: no identity and no fingerprint holds it.
"""

from __future__ import annotations

from pydantic import Field

from surecast.study.at_once import at_once
from surecast.study.settings import Settings, Spec


class Resources(Settings):
    """Cores, memory, GPUs, MPI ranks and time of one run."""

    cpus: int = Field(default=1, ge=1, le=4096, description="Cores of a run; of each of its ranks, where it has any.")
    mem_mb: int = Field(default=0, ge=0, le=2**30, description="Memory of a run, MB, beside that of its job.")
    gpu: int = Field(default=0, ge=0, le=64, description="GPUs of a run.")
    mpi: int | None = Field(default=None, ge=2, le=2**20, description="MPI ranks of a run; left out: no MPI.")
    minutes: float | None = Field(
        default=None, gt=0, le=1e6, allow_inf_nan=False, description="Time that a run takes, minutes."
    )

    @property
    def cores(self) -> int:
        """Cores of a run, all of its ranks together."""
        return self.cpus * (self.mpi or 1)

    def at_once(self, cores: int) -> int:
        """Number of runs that a job of so many cores makes side by side."""
        return at_once(cores, self.cores, self.gpu)


class SimulatorSpec(Spec):
    """The simulator as the study file names it, with what a run needs: no setting of the simulator itself."""

    resources: Resources | None = Field(
        default=None, description="What one run needs: {cpus, mem_mb, gpu, mpi, minutes}. It changes no run."
    )
