"""The report: from a study and its files to one page, its figures as PDF and its tables as CSV and LaTeX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surecast.report import numbers
from surecast.report.estimates import Answers, read_answers
from surecast.report.figures import beside, fonts
from surecast.report.page import render
from surecast.report.sections.accuracy import accuracy_section
from surecast.report.sections.agreement import agreement_section
from surecast.report.sections.answers import answers_section
from surecast.report.sections.convergence import convergence_section
from surecast.report.sections.costs import costs_section
from surecast.report.sections.dataset import dataset_section
from surecast.report.sections.events import events_section
from surecast.report.sections.fields import fields_section
from surecast.report.sections.methods import methods_section
from surecast.report.sections.provenance import provenance_section
from surecast.report.sections.sensitivities import sensitivities_section
from surecast.study.files import read_dataset, read_json, write_text

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.model import Study

BASELINES = "baselines"
"""Name of the evaluation that is the simulator's own (no surrogate may have it)."""


def report(
    study: Study,
    estimates: Sequence[str | Path],
    evaluations: Sequence[str | Path],
    manifest: str | Path | None,
    output_html: str | Path,
    figures_dir: str | Path,
    tables_dir: str | Path,
    histories: Sequence[str | Path] = (),
    processes: int = 1,
) -> None:
    """Write ``report.html``, ``figures/*.pdf`` and ``tables/*.{csv,tex,bib}``; the same inputs give the same bytes.

    Parameters
    ----------
    study : Study
        The study.
    estimates : sequence of path
        ``estimates/<question>.nc``; none for a study that asks nothing.
    evaluations : sequence of path
        ``evaluation/<name>.nc`` of the surrogates and of the ``baselines``; none without surrogates.
    manifest : path or None
        ``dataset.json``.
    output_html : path
        Where the page goes.
    figures_dir, tables_dir : path
        Folders for the figures and the tables; made if they are not there.
    histories : sequence of path
        ``surrogates/<name>/seed<k>.history.nc``: how the trainings went.
    processes : int
        How many draw figures at once; no byte depends on it.

    Raises
    ------
    DataError
        If a file does not match its digest.
    """
    questions = {path.stem: path for path in map(Path, estimates)}
    scores = {path.stem: read_dataset(path) for path in map(Path, evaluations)}
    dataset = read_json(manifest) if manifest is not None else {}
    answers = [read_answers(questions[name]) for name in study.questions if name in questions]
    digests = {f"evaluation/{name}.nc": str(one.attrs["digest"]) for name, one in scores.items()}
    baselines = scores.pop(BASELINES, None)
    scores = {name: scores[name] for name in study.surrogates if name in scores}
    courses = {path: read_dataset(path) for path in sorted(map(Path, histories))}
    trained: dict[str, list[xr.Dataset]] = {}
    for path, history in courses.items():
        trained.setdefault(path.parent.name, []).append(history)
    digests |= {f"estimates/{answer.question}.nc": str(answer.attributes["digest"]) for answer in answers}
    digests |= {f"surrogates/{path.parent.name}/{path.name}": str(one.attrs["digest"]) for path, one in courses.items()}
    digests |= {"dataset.json": str(dataset["digest"])} if dataset else {}

    fonts.prepare()
    with beside.processes(processes):
        made = [
            answers_section(answers, asked(study), dict(dataset.get("discretisation_error", {}))),
            fields_section(answers),
            sensitivities_section(answers),
            events_section(answers),
            agreement_section(answers),
            accuracy_section(scores, study.report.examples, trained),
            costs_section(scores, baselines),
            convergence_section(answers),
            dataset_section(study, dataset),
            methods_section(study, answers),
            provenance_section(study, digests),
        ]
    sections = [section for section in made if section is not None]
    summary = _summary(study, answers, dataset)
    figures, tables = Path(figures_dir), Path(tables_dir)
    for folder in (figures, tables):
        folder.mkdir(parents=True, exist_ok=True)
    for section in sections:
        for drawing in section.drawings:
            drawing.write_pdf(figures)
        for table in section.tables:
            table.write(tables)
        if "bibtex" in section.content:
            write_text(tables / "methods.bib", section.content["bibtex"])
    write_text(output_html, render(study.name, study.title, study.description, summary, sections))


def asked(study: Study) -> dict[str, str]:
    """Each question in words: what it asks, and of what."""
    words = {}
    for name, spec in study.questions.items():
        settings = spec.settings
        of = settings.get("event", settings.get("of", ""))
        target = ", ".join(map(_named, of if isinstance(of, list) else [of]))
        what = {
            "moments": "Mean and variance of", "exceedance": "Probability that", "sobol": "Sobol indices of",
            "quantiles": "Quantiles of", "tail": "Mean beyond quantiles of", "expectations": "Expectations of",
            "given_data": "From the runs of the dataset, statistics of",
        }  # fmt: skip
        text = f"{what.get(spec.kind, spec.kind.replace('_', ' ') + ' of')} {target}"
        if spec.kind == "moments" and (named := settings.get("statistics")):
            listed = ", ".join([named] if isinstance(named, str) else named)
            text = f"{listed.replace('_', ' ').capitalize()} of {target}"
        if spec.kind == "what_if":
            again = settings.get("question")
            other = ", ".join(settings.get("inputs") or {}) or "the correlations of the inputs"
            text = f"“{again}” again" if isinstance(again, str) else "The answers"
            text += f", if {other} followed another law"
        words[name] = text
    return words


def _named(item: Any) -> str:
    """What is asked of: an output by its name, a power of one, an event."""
    if not isinstance(item, Mapping):
        return str(item)
    if "event" in item:
        return f"the event {item['event']}"
    power = item.get("power", 1)
    return str(item.get("output", "")) if power == 1 else f"{item.get('output', '')} to the power {power}"


def _summary(study: Study, answers: Sequence[Answers], dataset: Mapping[str, Any]) -> list[tuple[str, str]]:
    statistics = [statistic for answer in answers for statistic in answer.statistics]
    certified = sum(statistic.answer.certified for statistic in statistics)
    summary = []
    if statistics:
        summary.append(("answers certified", f"{certified} of {len(statistics)}"))
    spent = sum(
        {
            (one.question, one.estimator): one.simulator_runs
            for answer in answers
            if answer.attributes.get("kind") != "given_data"
            for one in answer.estimates
        }.values()
    )
    if spent:
        summary.append(("simulator runs for the estimates", numbers.count(spent)))
    runs = sum(int(split["runs"]) for split in dict(dataset.get("splits", {})).values())
    if runs:
        summary.append(("runs in the dataset", numbers.count(runs)))
    summary += [("uncertain inputs", str(len(study.inputs))), ("surrogates", str(len(study.surrogates)))]
    return summary
