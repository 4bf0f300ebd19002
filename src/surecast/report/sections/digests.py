"""Digests of a dataset, and how to read it."""

from __future__ import annotations

from surecast.report.card_data import CardData
from surecast.report.sections.section import Section
from surecast.study import digest


def digests_section(data: CardData) -> Section:
    """Build the section; that of a variable is the digest of the list of those of its chunks."""
    content = data.content
    facts = [
        ("the dataset", str(content["digest"])),
        ("its design", str(content["design"])),
        ("the simulator's code", str(content["code"])),
        ("the store's metadata", digest.of_json(content["metadata"])),
    ]
    variables = [(name, digest.of_json(known["chunks"])) for name, known in content["variables"].items()]
    shown = {"facts": facts, "variables": variables, "store": str(content["store"])}
    return Section("digests", "Digests, and how to read it", shown)
