"""Publications behind the methods: which to cite for what a study used, as text and as BibTeX.

The publications stand in ``references.bib`` beside this file.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REFERENCES = Path(__file__).parent / "references.bib"

USES: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {
    ("simulator", "groundwater"): ("preconditioner of the groundwater solver", ("concus1973",)),
    ("simulator", "burgers"): ("time stepping of the Burgers solver", ("cox2002", "kassam2005")),
    ("input", "gaussian_field"): ("Gaussian random fields by Karhunen–Loève expansion", ("ghanem1991",)),
    ("design", "latin_hypercube"): ("Latin hypercube design", ("mckay1979",)),
    ("design", "sobol"): ("scrambled Sobol design", ("sobol1967", "joe2008", "matousek1998")),
    ("surrogate", "fno"): ("Fourier neural operator", ("li2021",)),
    ("surrogate", "unet"): ("U-Net", ("ronneberger2015",)),
    ("surrogate", "gaussian_process"): ("Gaussian process regression", ("rasmussen2006", "pedregosa2011")),
    ("surrogate", "polynomial_chaos"): ("sparse polynomial chaos expansion", ("blatman2011", "pedregosa2011")),
    ("surrogate", "pod_ridge"): ("proper orthogonal decomposition, ridge regression", ("berkooz1993", "hoerl1970")),
    ("house", "workflow"): ("workflow", ("molder2021",)),
    ("house", "arrays"): ("labelled arrays", ("hoyer2017",)),
}
"""(What it is, its kind in the study file) -> its name in words, and keys of the publications to cite.

Estimators name theirs themselves, in the estimates' files."""


@dataclass(frozen=True)
class Publication:
    """One entry of the bibliography: its BibTeX text and its fields."""

    key: str
    bibtex: str
    fields: Mapping[str, str]

    @property
    def text(self) -> str:
        """As in a list of references."""
        people = self.fields["author"].split(" and ")
        if len(people) > 6:
            people = [*people[:5], "others"]
        names = people[0] if len(people) == 1 else ", ".join(people[:-1]) + " and " + people[-1]
        where = next(self.fields[name] for name in ("journal", "booktitle", "publisher") if name in self.fields)
        number = f"({self.fields['number']})" if "number" in self.fields else ""
        volume = self.fields.get("volume", self.fields.get("series", ""))
        place = ", ".join(part for part in (f"{volume}{number}", self.fields.get("pages", "")) if part)
        text = f"{names} ({self.fields['year']}). {self.fields['title']}. {f'{where} {place}'.strip()}."
        if "doi" in self.fields:
            return f"{text} doi:{self.fields['doi']}"
        return f"{text} arXiv:{self.fields['eprint']}" if "eprint" in self.fields else text


@functools.cache
def publications() -> dict[str, Publication]:
    """Every entry of ``references.bib`` by its key."""
    found = {}
    markup = str.maketrans("", "", "{}\\")  # of BibTeX; the printed text has none
    for entry in REFERENCES.read_text(encoding="utf-8").strip().split("\n\n"):
        key = entry[entry.index("{") + 1 : entry.index(",")]
        lines = re.findall(r"^  (\w+) = \{(.*)\},$", entry, flags=re.MULTILINE)
        fields = {name: value.translate(markup) for name, value in lines}
        found[key] = Publication(key, entry, fields)
    return found
