"""Answers of a question of the study `ishigami` over seeds, one JSON line a seed: a process of its own.

    python ishigami_answers.py QUESTION START STOP

As the study asks, with its surrogate, fitted to its design; another stream of runs for every seed.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

import numpy as np

from surecast.design.make import make_design
from surecast.quantify.answer import ask
from surecast.quantify.choose import Composite
from surecast.study.load import load_study
from surecast.train.scalar_fit import fit_scalars

STUDY = Path(__file__).resolve().parents[3] / "config" / "studies" / "ishigami.yaml"
WHOLE = 10**6


def main(name: str, seeds: range) -> None:
    """Print [estimator, statistic, value, low, high] of every estimate."""
    study = load_study(STUDY)
    law, question = study.joint_law(), study.build_question(name).for_study(study)
    simulator = study.build_simulator().model_copy(update={"runs_per_call": WHOLE})
    design = make_design(study)
    training = design.isel(run=(design["split"] == "train").values)[list(study.inputs)]

    def truth(inputs):
        return simulator.run(inputs)[["response"]]

    truth.runs_per_call = WHOLE
    chaos = Composite({"response": fit_scalars(study.surrogates["chaos"].model_dump(), law, training, truth(training))})
    integrand = question.integrand(law)
    for seed in seeds:
        found = ask(question, integrand, truth, [chaos], partial(_stream, seed), steps=0)
        print(json.dumps([[e.estimator, e.statistic.name, e.value, e.low, e.high] for e in found]), flush=True)


def _stream(seed: int, kind: str) -> np.random.SeedSequence:
    return np.random.SeedSequence([seed, *kind.encode()])


if __name__ == "__main__":
    main(sys.argv[1], range(int(sys.argv[2]), int(sys.argv[3])))
