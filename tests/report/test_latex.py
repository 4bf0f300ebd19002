"""What LaTeX would take as a command is printed instead."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surecast.report import latex


def test_every_special_character_is_escaped() -> None:
    expected = r"50\% of \$x\_1\$ \& \#2 \{a\} \textasciitilde{} \textasciicircum{} \textbackslash{}input"
    assert latex.escape(r"50% of $x_1$ & #2 {a} ~ ^ \input") == expected


@given(st.text(alphabet="abc \\{}$&#_%~^<>|\n", max_size=40))
def test_no_bare_special_character_is_left(text: str) -> None:
    without = re.sub(r"\\(?:text\w+\{\}|[&%$#_{}])", "", latex.escape(text))
    assert not set(without) & set("\\{}$&#_%~^<>|\n")


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (1.043e-7, r"$1.043 \times 10^{-7}$"),
        (-2.5, "$-2.5$"),
        (math.nan, "--"),
        (math.inf, r"$\infty$"),
        (-math.inf, r"$-\infty$"),
    ],
)
def test_numbers(value: float, printed: str) -> None:
    assert latex.number(value) == printed
