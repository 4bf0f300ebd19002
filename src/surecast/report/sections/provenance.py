"""Provenance: seeds, versions, digests, and the command that makes everything again."""

from __future__ import annotations

from collections.abc import Mapping
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
    command = f"snakemake --cores all --config studies=[{study.name}]"
    made = provenance(study_seed=study.seed, command=command)
    facts = [
        ("study file", study.file.name),
        ("digest of the study file", digest.of_file(study.file)),
        ("seed of the study", str(study.seed)),
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
