"""A table of the report: the same rows as HTML (rounded), CSV (every digit) and LaTeX (booktabs)."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surecast.report import latex
from surecast.study.files import write_text


def plain(value: Any) -> str:
    """Text as it stands; a missing value is a dash."""
    return "–" if value is None or value != value else str(value)


@dataclass(frozen=True)
class Column:
    """One column.

    Parameters
    ----------
    key : str
        Name of the value in the rows, and heading of the CSV column.
    heading : str
        Heading as printed.
    show : callable
        From the value to its text on the page.
    numeric : bool
        Whether the column is set flush right.
    """

    key: str
    heading: str
    show: Callable[[Any], str] = plain
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under named columns, with a caption; `name` is the stem of its files."""

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]

    def cells(self) -> list[list[str]]:
        """The table's body as text."""
        return [[column.show(row[column.key]) for column in self.columns] for row in self.rows]

    def csv(self) -> str:
        """The table as CSV: floats with as many digits as give the same number back."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([column.key for column in self.columns])
        writer.writerows([_exact(row[column.key]) for column in self.columns] for row in self.rows)
        return text.getvalue()

    def latex(self) -> str:
        """The table as a LaTeX `table` environment (needs the booktabs package)."""
        align = "".join("r" if column.numeric else "l" for column in self.columns)
        lines = [
            r"% needs \usepackage{booktabs}",
            r"\begin{table}",
            r"  \centering",
            rf"  \caption{{{latex.escape(self.caption)}}}",
            rf"  \label{{tab:{self.name}}}",
            rf"  \begin{{tabular}}{{{align}}}",
            r"    \toprule",
            "    " + " & ".join(latex.escape(column.heading) for column in self.columns) + r" \\",
            r"    \midrule",
        ]
        for row in self.rows:
            lines.append("    " + " & ".join(_typeset(column, row[column.key]) for column in self.columns) + r" \\")
        lines += [r"    \bottomrule", r"  \end{tabular}", r"\end{table}", ""]
        return "\n".join(lines)

    def write(self, folder: Path) -> None:
        """Write ``<name>.csv`` and ``<name>.tex`` into `folder`."""
        write_text(folder / f"{self.name}.csv", self.csv())
        write_text(folder / f"{self.name}.tex", self.latex())


def _exact(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(float(value))
    return str(value)


def _typeset(column: Column, value: Any) -> str:
    if value is None:
        return "--"
    if isinstance(value, float):
        return latex.number(float(value))
    return latex.escape(str(value) if not column.numeric else column.show(value))
