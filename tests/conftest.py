"""Tests run as jobs do: one thread a process. Two workers with two threads each would wait for each other."""

import os

# Before NumPy is imported, which reads it then (zarr's plugin for pytest imports it, and is left out).
os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
)


def pytest_collection_modifyitems(items: list) -> None:
    """The workflow's files first: each takes minutes, and started last one of them would keep a single worker busy."""
    items.sort(key=lambda item: "workflow" not in item.path.parts)


def pytest_terminal_summary(terminalreporter) -> None:
    """What tests recorded of their intervals: how many held, and how wide they were."""
    reports = [report for state in ("passed", "failed") for report in terminalreporter.stats.get(state, [])]
    lines = [text for report in reports for name, text in report.user_properties if name == "coverage"]
    if lines:
        terminalreporter.section("coverage of intervals")
        for line in sorted(lines):
            terminalreporter.write_line(line)
