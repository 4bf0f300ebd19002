"""The grammar of events: what it means, and what is said where it is broken."""

from __future__ import annotations

import numpy as np
import pytest

from surecast.quantify.event import parse_event, position_of

VALUES = {"peak": np.array([1.0, 3.0, 4.0, 4.0]), "outflow": np.array([0.1, 0.5, 0.1, 0.9])}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("peak > 3", [0, 0, 1, 1]),
        ("peak >= 3", [0, 1, 1, 1]),
        ("3 < peak", [0, 0, 1, 1]),
        ("peak > 3 and outflow < 0.2", [0, 0, 1, 0]),
        ("peak < 2 or peak > 3 and outflow > 0.5", [1, 0, 0, 1]),
        ("(peak < 2 or peak > 3) and outflow > 0.5", [0, 0, 0, 1]),
        ("0.05 < outflow <= 0.5", [1, 1, 1, 0]),
        ("peak > outflow", [1, 1, 1, 1]),
        ("outflow<-1e-1 or peak>=+4.", [0, 0, 1, 1]),
    ],
)
def test_events_and_margins(text, expected):
    event = parse_event(text)
    assert event.holds(VALUES).astype(int).tolist() == expected
    margin = event.margin(VALUES, {"peak": 2.0, "outflow": 0.1})
    assert (margin[margin != 0] > 0).tolist() == [bool(e) for e, m in zip(expected, margin, strict=True) if m != 0]


def test_brackets_may_be_nested_and_follow_each_other():
    text = " or ".join(["(" * 50 + "peak > 3" + ")" * 50] * 3)
    assert parse_event(text).holds(VALUES).astype(int).tolist() == [0, 0, 1, 1]


def test_names_in_order_each_once():
    assert parse_event("b > 1 and (a < 2 or b < 0)").names() == ["b", "a"]
    assert position_of("peak > 1 and pea < 2", "pea") == 14


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("", 1, "name or a number"),
        ("peak", 5, "relation"),
        ("peak >", 7, "name or a number"),
        ("peak > 3 and", 13, "name or a number"),
        ("peak > 3 outflow < 1", 10, "`and`, `or` or the end"),
        ("(peak > 3", 1, "never closed"),
        ("peak > 3)", 9, "the end"),
        ("peak = 3", 6, "'='"),
        ("peak == 3", 6, "'='"),
        ("__import__('os') > 1", 12, "is not understood"),
        ("peak.real > 3", 5, "'.'"),
        ("peak > 3 & outflow < 1", 10, "'&'"),
        ("2 > 1", 1, "an output on one side"),
        ("peak > peak", 1, "something else"),
        ("not peak > 3", 5, "relation"),
        ("peak > 1e999", 8, "the number 1e999 is too large"),
        ("peak > 3 or -1e309 < outflow", 13, "the number -1e309 is too large"),
        ("(" * 3000 + "peak > 3" + ")" * 3000, 51, "more than 50 brackets are open"),
    ],
)
def test_errors_name_the_position(text, position, words):
    with pytest.raises(ValueError, match=f"position {position} of") as error:
        parse_event(text)
    assert words in str(error.value)
