"""One GPU takes one training at a time; where there is none the request is clipped and they run on the CPU."""

from __future__ import annotations

import re


def test_gpu_is_not_shared(new_house, function_study):
    house = new_house("gpu")
    study = function_study(house.root.parent / "elsewhere")
    chaos = "  chaos: {kind: polynomial_chaos}\n"
    house.edit(study, chaos, chaos + "  gp: {kind: gaussian_process}\n")
    options = ("--cores", "2", "--until", "train", "--config", f"studies={study}")

    none = house.snakemake("--resources", "gpu=0", *options)
    assert events(none.stderr + none.stdout) == ["start", "start", "end", "end"]

    one = house.snakemake("--forcerun", "train", "--resources", "gpu=1", *options)
    assert events(one.stderr + one.stdout) == ["start", "end", "start", "end"]


def events(text: str) -> list[str]:
    """Starts and ends of trainings in the order in which Snakemake tells them."""
    found = re.findall(r"(: training \w+, seed|Rule: train\))", text)
    return ["start" if "seed" in item else "end" for item in found]
