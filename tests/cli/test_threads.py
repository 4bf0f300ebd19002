"""The threads of a rule are processes with one thread each."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import os
from types import SimpleNamespace
from surecast.cli.threads import one_thread
{before}
one_thread(SimpleNamespace(threads=4))
print(os.environ["OMP_NUM_THREADS"], os.environ.get("OPENBLAS_NUM_THREADS"))
"""


@pytest.mark.parametrize(
    ("threads", "before", "printed"),
    [("4", "", "1 1"), ("3", "", "3 None"), ("4", "import numpy", "4 None")],
    ids=["of the rule", "of another", "too late"],
)
def test_the_threads_of_a_rule_are_set_back_before_numpy_reads_them(threads, before, printed):
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("{before}", before)],
        env=environment | {"OMP_NUM_THREADS": threads},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == printed
