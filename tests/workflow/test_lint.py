"""`snakemake --lint`, and what every rule must have."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
RULES = sorted((REPOSITORY / "workflow" / "rules").glob("*.smk"))
ALLOWED = {
    # The whole project runs from one locked environment; a `conda:` directive would ask for another one.
    "Specify a conda environment or container for each rule.",
    # They are set by the Snakefile, for its jobs: nobody is asked to define them.
    "Environment variable CUBLAS_WORKSPACE_CONFIG used but not asserted with envvars directive",
    "Environment variable OMP_NUM_THREADS used but not asserted with envvars directive",
}


def test_lint():
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--lint", "--config", "studies=[smoke]"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert "Lints for" in done.stderr, done.stderr
    titles = re.findall(r"^    \* (.+?):$", done.stderr, re.MULTILINE)
    assert {re.sub(r" in line \d+\.?$", "", title) for title in titles} - ALLOWED == set()


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_every_rule_says_what_it_needs(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"^checkpoint ", text, re.MULTILINE), "`snakemake -n` must name every job"
    rules = re.split(r"^rule \w+:$", text, flags=re.MULTILINE)[1:]
    for rule in rules:
        for key in ("output", "params", "log", "benchmark", "message", "threads", "resources", "script"):
            assert re.search(rf"^    {key}:", rule, re.MULTILINE), key
        assert "mem_mb=growing(" in rule
        assert "runtime=growing(" in rule
        if not re.search(r"^    threads: 1$", rule, re.MULTILINE):
            # Several threads are processes with one thread each, or share no sum: it would depend on their number.
            script = re.search(r'"../scripts/(\w+\.py)"', rule)
            assert script is not None
            content = (path.parents[1] / "scripts" / script[1]).read_text(encoding="utf-8")
            assert "one_thread(snakemake)" in content
            assert "=snakemake.threads," in content, "threads that nothing uses are taken from other jobs"
        # `run:` costs ten times a script; `cache:` takes one model for another; a job has one environment, no group.
        assert not re.search(r"^    (run|cache|conda|container|group):", rule, re.MULTILINE)
        files = re.search(r"    output:\n(.*?)^    params:", rule, re.MULTILINE | re.DOTALL)
        assert files is not None
        for line in re.findall(r"^ {8}([^\s#)].*)$", files.group(1), re.MULTILINE):
            assert re.match(r"\w+=", line), f"an output without a name: {line}"


def test_parts_are_assembled_in_parallel():
    rule = (REPOSITORY / "workflow" / "rules" / "assemble.smk").read_text(encoding="utf-8")
    assert re.search(r"^    threads: [2-9]$", rule, re.MULTILINE)
    script = (REPOSITORY / "workflow" / "scripts" / "assemble.py").read_text(encoding="utf-8")
    assert "workers=snakemake.threads" in script


@pytest.mark.parametrize("path", ["Snakefile", "workflow/Snakefile", *map(str, RULES)])
def test_every_input_has_a_name(path):
    text = (REPOSITORY / path).read_text(encoding="utf-8")
    for files in re.findall(r"^    input:\n((?: {8}.*\n)+)", text, re.MULTILINE):
        for line in re.findall(r"^ {8}([^\s#)\]].*)$", files, re.MULTILINE):
            assert re.match(r"\w+=", line), f"an input without a name: {line}"


def test_checkpoints_store_and_zarr_lie_outside_the_declared_outputs():
    text = "".join(path.read_text(encoding="utf-8") for path in RULES)
    for name in ("checkpoints", "store", "dataset.zarr"):
        assert f"{{study}}/{name}" not in text


def test_default_profile():
    text = (REPOSITORY / "profiles" / "default" / "config.yaml").read_text(encoding="utf-8")
    assert "rerun-incomplete: true" in text
    assert "scheduler: greedy" in text
    assert "sdm" not in re.sub(r"#.*", "", text)
    assert "gpu: ?" in text


def test_entrance_for_the_catalogue_has_the_same_default_target():
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "--snakefile", "workflow/Snakefile", "--config", "studies=[smoke]",
         "--forceall", "--quiet", "rules"],
        cwd=REPOSITORY, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"^report +1$", done.stdout + done.stderr, re.MULTILINE)
