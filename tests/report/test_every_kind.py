"""Answers to every kind of question on the page: words for statistics, fields, pairs, bounds, no intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr

from surecast.quantify.estimates import Estimate, Statistic
from surecast.quantify.table import to_dataset
from surecast.report.estimates import answers_of, statistic_words
from surecast.report.page import render
from surecast.report.sections.agreement import agreement_section
from surecast.report.sections.answers import answers_section
from surecast.report.sections.events import events_section
from surecast.report.sections.fields import field_moments, fields_section
from surecast.report.sections.sensitivities import sensitivities_section


@pytest.mark.parametrize(
    ("statistic", "words"),
    [
        ("standard_deviation", "standard deviation of y"),
        ("quantile[0.95]", "95 % quantile of y"),
        ("cvar[0.9]", "mean of y beyond its 90 % quantile (CVaR)"),
        ("shapley[head]", "Shapley effect of head for y"),
        ("second[a,b]", "second-order index of a and b for y"),
        ("total[seed]", "total index of seed for y"),
        ("covariance[z]", "covariance of y and z"),
        ("mean of power 2 under warm", "mean of y to the power 2, under the law warm"),
        ("lower quantile[0.05]", "lower bound of the 5 % quantile of y"),
        ("field average of the mean", "field average of the mean of y"),
    ],
)
def test_statistics_in_words(statistic, words):
    assert statistic_words(statistic, "y") == words


def test_a_probability_is_of_its_event():
    assert statistic_words("upper probability", "y > 2") == "upper bound of the probability that y > 2"


def _answers(names, low=0.2, high=0.6, arrays=None, **more):
    made = [
        Estimate(
            Statistic("y", name, name.partition("[")[0]), "monte_carlo", 0.4, low, high, 0.1, 0.95, 100, 0, 1.0, **more
        )
        for name in names
    ]
    dataset = to_dataset("asked", made, 1, {"y": "m"})
    return answers_of(dataset.merge(arrays) if arrays is not None else dataset)


def test_bounds_stand_apart_and_say_so():
    section = answers_section([_answers(["lower mean", "upper mean"], diagnostics={"epistemic_values": 5.0})], {}, {})
    page = render("s", "", "", [], [section])
    assert "lower bound of the mean of y" in page
    assert "upper bound of the mean of y" in page
    assert "over 5 values of the epistemic inputs" in page


def test_no_interval_is_words_and_never_nan():
    section = answers_section([_answers(["mean", "first[a]"], -math.inf, math.inf)], {}, {})
    page = render("s", "", "", [], [section])
    assert "no interval: unbounded" in page
    assert "nan" not in page.lower().replace("sans", "")
    drawn = sensitivities_section([_answers(["first[a]", "first[b]"], -math.inf, math.inf)])
    assert "There are no intervals." in drawn.content["figures"][0]["caption"]


def test_pairs_of_inputs_have_a_figure_of_their_own():
    names = ["first[a]", "first[b]", "total[a]", "total[b]", "shapley[a]", "shapley[b]", "second[a,b]"]
    section = sensitivities_section([_answers(names)])
    assert [drawing.name for drawing in section.drawings] == ["sobol-asked-y", "sobol-pairs-asked-y"]
    assert "Shapley effect" in section.drawings[0].svg
    assert section.content["figures"][1]["reading"] == ["a and b together explain another 40 % (20 to 60 %)."]


def test_shapley_effects_alone_are_read_out():
    section = sensitivities_section([_answers(["shapley[a]", "shapley[b]"])])
    assert section.content["figures"][0]["reading"][0] == "a drives 40 % (20 to 60 %) of the variance of y."


def test_the_rest_of_a_noisy_simulator_is_noise_too():
    section = sensitivities_section([_answers(["first[a]", "total[a]", "total[seed]"])])
    assert "comes from the simulator's noise or inputs acting together" in section.content["figures"][0]["reading"][-1]


@pytest.mark.parametrize("dims", [("x",), ("y", "x"), ("time", "y", "x")])
def test_moments_of_fields_are_drawn_with_their_intervals_named(dims):
    value = np.linspace(0, 1, 6 ** len(dims)).reshape((6,) * len(dims))
    arrays = xr.Dataset({"mean_p": (dims, value, {"long_name": "mean of p", "units": "m"})})
    for part, half in (("", 0.1), ("_band", 0.2)):
        for end, sign in (("low", -1), ("high", 1)):
            attributes = {"interval": "pointwise" if not part else "simultaneous", "level": 0.9}
            arrays[f"mean_p{part}_{end}"] = (dims, value + sign * half, attributes)
    section = fields_section([_answers(["field average of the mean"], arrays=arrays)])
    ((name, moment),) = field_moments(arrays)
    assert name == "mean_p"
    assert moment.title == ("Mean of p, last time" if "time" in dims else "Mean of p")
    np.testing.assert_allclose(moment.half_width("simultaneous"), 0.2)
    (figure,) = section.content["figures"]
    assert figure["reading"][0].startswith("Pointwise intervals: half-width 0.10 to 0.10 m over")
    assert figure["reading"][1].startswith("Simultaneous intervals: half-width 0.20")
    assert "90 %" in figure["caption"]


def test_what_was_not_asked_has_no_section():
    answers = [_answers(["mean"])]
    assert fields_section(answers) is None
    assert events_section(answers) is None
    assert agreement_section(answers) is None
    assert sensitivities_section(answers) is None


def test_agreement_is_shown_once_a_surrogate():
    pairs = xr.Dataset({f"{who}_y": ("pair", np.arange(5.0), {"units": "m"}) for who in ("simulator", "surrogate")})
    answers = [_answers(["mean"], arrays=pairs), _answers(["variance"], arrays=pairs)]
    for answer, label in zip([*answers, *answers], ("gp/seed0", "gp/seed0", "fno/seed1", "fno/seed1"), strict=True):
        answer.attributes["chosen_surrogate_y"] = label
    assert [one.name for one in agreement_section(answers).drawings] == ["agreement-y"]
    answers[0].attributes["chosen_surrogate_y"] = "gp/seed0"
    assert [one.name for one in agreement_section(answers).drawings] == ["agreement-y", "agreement-y-fno-seed1"]


def test_a_weighted_sample_has_its_modes_and_weights():
    picture = {
        "points": [[3.0, 0.1], [0.2, 0.3]], "event": [1, 0], "modes": [[3.1, 0.0]], "mode_shares": [0.8],
        "contributions": [0.7, 0.3], "dimension": 4,
    }  # fmt: skip
    found = {"effective_failures": 1.7, "tail_index": 0.3}
    section = events_section([_answers(["probability"], picture=picture, diagnostics=found)])
    (sample,) = section.content["samples"]
    assert "aims at 1 place;" in sample["reading"]
    assert "the heaviest run makes 70 % of the estimate" in sample["reading"]
    assert [one.name.split("-")[0] for one in sample["drawings"]] == ["modes", "weights"]
