"""What the checker finds when it holds a dataset against what it says of itself."""

from __future__ import annotations

from surecast.assemble.audit import Audit
from surecast.report import numbers
from surecast.report.sections.section import Section


def checks_section(found: Audit) -> Section:
    """Build the section."""
    content = {
        "chunks": f"{found.chunks:,}",
        "size": numbers.size(found.bytes),
        "faults": found.faults,
        "remarks": found.remarks,
    }
    return Section("checks", "What the checker finds", content)
