"""`snakemake papers` in a house of its own: a new paper is one file, and only what changed is measured again."""

from __future__ import annotations

import json

SMALL = '''
"""A paper of one file."""

from surecast.papers.frame.paper import Criterion, Measured, Paper
from surecast.study.bases import legendre

PAPER = Paper(
    slug="{slug}",
    title="A title",
    reference="nouy2023",
    claim="A claim.",
    check="A check.",
    criteria={{"error": Criterion("error", at_most={bound})}},
    control="Nothing.",
    measure=lambda: Measured({{"error": [1.0, 1.5]}}, {{"error": [9.0]}}),
)
'''


def test_papers(new_house):
    house = new_house("papers")
    folder = house.root / "src" / "surecast" / "papers"
    for path in folder.glob("*.py"):
        if path.name != "__init__.py":
            path.unlink()
    (folder / "first_one.py").write_text(SMALL.format(slug="first-one", bound=2.0), encoding="utf-8")
    (folder / "second.py").write_text(SMALL.format(slug="second", bound=1.0), encoding="utf-8")
    house.snakemake("papers", "--cores", "2")
    results = house.root / "results" / "papers"
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in results.glob("*.json")}
    assert {slug: content["replicated"] for slug, content in found.items()} == {"first-one": True, "second": False}
    page = (results / "index.html").read_text(encoding="utf-8")
    assert "first-one" in page
    assert "error is 1.25, not at most 1" in page

    # Of its own code only a statement counts; what nothing in it imports does not.
    house.append("src/surecast/papers/second.py", "\n# a remark\n")
    house.append("src/surecast/simulate/burgers.py", "\nUNUSED = 1\n")
    assert not house.planned("papers")
    house.append("src/surecast/papers/second.py", "\nMORE = 1\n")
    assert house.planned("papers") == {"paper": 1, "papers_page": 1, "papers": 1}
    house.append("src/surecast/study/bases.py", "\nMORE = 1\n")
    assert house.planned("papers") == {"paper": 2, "papers_page": 1, "papers": 1}
