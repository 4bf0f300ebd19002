"""Publications behind the methods: which to cite for what a study or an estimate used, as text and as BibTeX.

The publications stand in ``references.bib`` beside this file.

    surecast.citation(answer)    # prints the references of the methods that an answer used
    surecast.citation()          # and how to cite surecast itself
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from surecast.report.estimates import estimator_words

if TYPE_CHECKING:
    import xarray as xr

REFERENCES = Path(__file__).parent / "references.bib"

USES: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {
    ("simulator", "groundwater"): ("preconditioner of the groundwater solver", ("concus1973",)),
    ("simulator", "burgers"): ("time stepping of the Burgers solver", ("cox2002", "kassam2005")),
    ("simulator", "burgers_exact"): ("Cole and Hopf's transformation", ("hopf1950", "cole1951")),
    ("simulator", "korteweg_de_vries"): (
        "the Korteweg-de Vries equation and its time stepping",
        ("zabusky1965", "cox2002", "kassam2005"),
    ),
    ("simulator", "kuramoto_sivashinsky"): (
        "time stepping of the Kuramoto-Sivashinsky solver",
        ("cox2002", "kassam2005"),
    ),
    ("simulator", "allen_cahn"): (
        "the Allen-Cahn equation and its time stepping",
        ("allen1979", "cox2002", "kassam2005"),
    ),
    ("simulator", "porous_medium"): (
        "the porous medium equation and its time stepping",
        ("hansen2023", "alexander1977"),
    ),
    ("simulator", "stefan"): ("Stefan's problem and its time stepping", ("hansen2023", "alexander1977")),
    ("simulator", "diffusion_sorption"): (
        "diffusion with sorption and its time stepping",
        ("takamoto2022", "alexander1977"),
    ),
    ("simulator", "darcy"): (
        "the two-phase Darcy problem and the preconditioner of its solver",
        ("li2021", "concus1973"),
    ),
    ("simulator", "joule_heating"): (
        "preconditioner and fixed points of the solver of Joule heating",
        ("concus1973", "walker2011"),
    ),
    ("simulator", "linear_elasticity"): ("finite elements of the plate", ("gustafsson2020",)),
    ("simulator", "navier_stokes"): (
        "transport and time stepping of the Navier-Stokes solver",
        ("basdevant1983", "cox2002", "kassam2005"),
    ),
    ("simulator", "gray_scott"): (
        "Gray and Scott's reaction and its time stepping",
        ("pearson1993", "cox2002", "kassam2005"),
    ),
    ("simulator", "brusselator"): (
        "the Brusselator and its time stepping",
        ("prigogine1968", "cox2002", "kassam2005"),
    ),
    ("simulator", "advection_diffusion"): (
        "time stepping of the solver of advection and diffusion",
        ("cox2002", "kassam2005"),
    ),
    ("simulator", "shallow_water"): (
        "finite volumes of shallow water",
        ("audusse2004", "vanleer1977", "gottlieb2001", "takamoto2022"),
    ),
    ("simulator", "euler"): (
        "finite volumes of Euler's equations",
        ("toro2009", "batten1997", "vanleer1977", "gottlieb2001"),
    ),
    ("simulator", "right_hand_side"): ("tracing of the right-hand side", ("gowda2021",)),
    ("simulator", "lid_driven_cavity"): ("the projection method of the cavity flow", ("harlow1965", "brown2001")),
    ("simulator", "tube"): ("the projection method of the flow between plates", ("harlow1965", "brown2001")),
    ("simulator", "cylinder"): (
        "the projection method and the immersed boundary of the flow past a cylinder",
        ("harlow1965", "brown2001", "gibou2002"),
    ),
    ("simulator", "boussinesq"): ("the projection method of natural convection", ("harlow1965", "brown2001")),
    ("simulator", "cooled_plate"): ("time stepping of the cooled plate", ("alexander1977",)),
    ("linear_solver", "krylov_recycling"): ("recycled Krylov spaces", ("parks2006", "wang2024")),
    ("linear_solver", "learned_relaxation"): ("learnt relaxation of the linear solver", ("khodak2024", "zimmert2021")),
    ("linear_solver", "conjugate_directions"): ("learnt directions of the linear solver", ("kaneda2023",)),
    ("input", "gaussian_field"): ("Gaussian random fields by Karhunen–Loève expansion", ("ghanem1991",)),
    ("design", "latin_hypercube"): ("Latin hypercube design", ("mckay1979",)),
    ("design", "sobol"): ("scrambled Sobol design", ("sobol1967", "joe2008", "matousek1998")),
    ("design", "determinantal"): ("design by determinantal point processes", ("nouy2023", "derezinski2022")),
    ("design", "volume_sampling"): ("volume-rescaled design", ("nouy2023", "derezinski2022")),
    ("surrogate", "fno"): ("Fourier neural operator", ("li2021",)),
    ("training", "online"): ("training while simulating", ("meyer2023",)),
    ("surrogate", "unet"): ("U-Net", ("ronneberger2015",)),
    ("surrogate", "gaussian_process"): ("Gaussian process regression", ("rasmussen2006", "pedregosa2011")),
    ("surrogate", "polynomial_chaos"): ("sparse polynomial chaos expansion", ("blatman2011", "pedregosa2011")),
    ("surrogate", "pod_ridge"): ("proper orthogonal decomposition, ridge regression", ("berkooz1993", "hoerl1970")),
    ("house", "surecast"): ("the estimates, their intervals and verdicts", ("surecast2026",)),
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


def purposes(
    uses: Iterable[tuple[str, str]], estimates: Iterable[tuple[str, Sequence[str]]] = ()
) -> dict[str, list[str]]:
    """What each publication is cited for, by its key, in order of appearance.

    Parameters
    ----------
    uses : iterable
        What was used, as the keys of `USES`; kinds of the user's own have no publication.
    estimates : iterable
        Kind of each estimator that was used, and the keys that it names.
    """
    found: dict[str, list[str]] = {}
    named = [USES.get(use, ("", ())) for use in uses]
    named += [(f"estimates by {estimator_words(estimator)}", tuple(keys)) for estimator, keys in estimates]
    for purpose, keys in named:
        for key in keys:
            if purpose not in found.setdefault(key, []):
                found[key].append(purpose)
    return found


def references(result: xr.Dataset | str | Path | None = None) -> list[tuple[Publication, list[str]]]:
    """Publications to cite for a result, each with what it is cited for.

    Parameters
    ----------
    result : xarray.Dataset or path, optional
        What `surecast.quantify.estimate` gave, or ``estimates/<question>.nc``; surecast itself if left out.

    Raises
    ------
    DataError
        If a file is torn, or what is given holds no estimates.
    """
    uses, estimates = [("house", "surecast")], []
    if result is not None:
        dataset = _estimates(result)
        uses += [("surrogate", str(dataset.attrs.get("surrogate", "none"))), ("house", "arrays")]
        kinds, keys = dataset["estimator"].values.tolist(), dataset["citations"].values.tolist()
        estimates = [(kind, text.split()) for kind, text in zip(kinds, keys, strict=True)]
    known = publications()  # estimators of the user's own may name keys that are not in it
    return [(known[key], cited_for) for key, cited_for in purposes(uses, estimates).items() if key in known]


def citation(result: xr.Dataset | str | Path | None = None) -> None:
    """Print the references of the methods that a result used (of surecast itself without one), then as BibTeX.

    See `references`, which returns them.
    """
    found = references(result)
    print(f"surecast {metadata.version('surecast')}; please cite:\n")
    for one, cited_for in found:
        print(f"- {one.text}\n  For {'; '.join(cited_for)}.")
    print("\n" + "\n\n".join(one.bibtex for one, _ in found))


def _estimates(result: xr.Dataset | str | Path) -> xr.Dataset:
    from surecast.study.errors import DataError
    from surecast.study.files import read_dataset

    dataset = read_dataset(result) if isinstance(result, (str, Path)) else result
    if not {"estimator", "citations"} <= set(getattr(dataset, "data_vars", ())):
        raise DataError(
            "this holds no estimates.", "give what surecast.quantify.estimate returned, or estimates/<question>.nc."
        )
    return dataset
