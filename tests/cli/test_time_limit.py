"""When a job of a cluster ends."""

from __future__ import annotations

import time

import pytest

from surecast.cli.time_limit import time_limit


def test_a_job_on_ones_own_machine_has_no_limit():
    assert time_limit(60, {}) is None
    assert time_limit(None, {}) is None


def test_slurm_says_when_its_job_ends():
    assert time_limit(60, {"SLURM_JOB_ID": "7", "SLURM_JOB_END_TIME": "1700000000"}) == 1.7e9


def test_else_it_follows_from_the_resource():
    assert time_limit(2, {"SLURM_JOB_ID": "7", "SLURM_JOB_START_TIME": "1000"}) == 1120
    assert time_limit(2, {"SLURM_JOB_ID": "7", "SLURM_JOB_END_TIME": "never"}) == pytest.approx(
        time.time() + 120, abs=5
    )
    assert time_limit(None, {"SLURM_JOB_ID": "7"}) is None
