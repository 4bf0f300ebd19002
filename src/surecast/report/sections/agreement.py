"""Agreement: surrogate against simulator at runs that it was not fitted to, once an output and surrogate."""

from __future__ import annotations

from collections.abc import Sequence

from surecast.report import numbers
from surecast.report.estimates import Answers
from surecast.report.figures.agreement import agreement
from surecast.report.sections.section import Section, file_stem


def agreement_section(answers: Sequence[Answers]) -> Section | None:
    """One figure for every output and every surrogate that helped with it; None where none did."""
    drawings = []
    seen: set[tuple[str, str]] = set()
    for answer in answers:
        arrays = answer.arrays
        for name in map(str, arrays.data_vars if arrays is not None else ()):
            assert arrays is not None
            output = name.removeprefix("simulator_")
            if name == output or f"surrogate_{output}" not in arrays or arrays[name].dims != ("pair",):
                continue
            label = str(answer.attributes.get(f"chosen_surrogate_{output}", ""))
            # Questions share surrogates: the same runs need not be shown twice.
            if (output, label) in seen or arrays.sizes["pair"] < 2:
                continue
            stem = file_stem("agreement", output, label) if any(output == known for known, _ in seen) else ""
            seen.add((output, label))
            trained = label.partition("/")[0]
            title = f"Surrogate {trained}: {output}" if trained else f"Surrogate of {output}"
            units = numbers.units(str(arrays[name].attrs.get("units", "1")))
            values = arrays[name].values, arrays[f"surrogate_{output}"].values
            drawings.append(agreement(stem or file_stem("agreement", output), title, units, *values))
    content = {"figures": drawings}
    return Section("agreement", "Surrogate against simulator", content, drawings) if drawings else None
