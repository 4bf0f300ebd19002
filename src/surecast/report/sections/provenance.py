"""Provenance: seeds, versions, digests, and the command that makes everything again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from surecast.report.sections.section import Section
from surecast.study import digest
from surecast.study.provenance import provenance

if TYPE_CHECKING:
    from surecast.study.model import Study


def provenance_section(study: Study, digests: Mapping[str, str]) -> Section:
    """Build the section.

    Parameters
    ----------
    digests : mapping
        File, as the reader finds it -> digest of its content.
    """
    command = f"snakemake --cores all --config studies={asked_for(study.file)}"
    made = provenance(study_seed=study.seed, command=command)
    facts = [
        ("study file", study.file.name),
        ("digest of the study file", digest.of_file(study.file)),
        ("seed of the study", f"{study.seed}; every run, training and estimate derives its own from it"),
        *trainings(study),
        ("to make it again", made["command"]),
    ]
    versions = [("python", made["python"]), *made["packages"].items(), ("platform", made["platform"])]
    content = {
        "facts": facts,
        "versions": versions,
        "digests": list(digests.items()),
        "source": study.file.read_text(encoding="utf-8"),
    }
    return Section("provenance", "Provenance", content)


def asked_for(file: Path) -> str:
    """How a command names the study: one of the house by its name, another by its file."""
    return f"[{file.stem}]" if file.parent.parts[-2:] == ("config", "studies") else f"path/to/{file.name}"


def trainings(study: Study) -> list[tuple[str, str]]:
    """Which seeds each surrogate was trained with, where there are surrogates."""
    if not study.surrogates:
        return []
    seeds = {name: ", ".join(map(str, study.build_surrogate(name).seeds(study))) for name in study.surrogates}
    return [("seeds of the trainings", "; ".join(f"{name} {numbers}" for name, numbers in seeds.items()))]
