"""Text that LaTeX will print as it stands."""

from __future__ import annotations

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "−": "$-$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "²": "$^2$",
    "³": "$^3$",
    "µ": r"$\mu$",
    "≈": r"$\approx$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "–": "--",
    "\u00a0": "~",
}


def escape(text: str) -> str:
    """Escape every character that LaTeX treats as a command; line breaks become spaces."""
    return "".join(_SPECIAL.get(character, character) for character in " ".join(text.split()))


def number(value: float, digits: int = 6) -> str:
    """A number for a table, `digits` significant digits, powers of ten typeset."""
    if value != value:
        return "--"
    text = f"{value:.{digits}g}"
    if "inf" in text:
        return r"$\infty$" if value > 0 else r"$-\infty$"
    mantissa, _, exponent = text.partition("e")
    return f"${mantissa}$" if not exponent else rf"${mantissa} \times 10^{{{int(exponent)}}}$"
