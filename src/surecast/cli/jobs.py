"""The jobs of a study: what settings each reads and what code it runs.

A job is made again when one of them changes (see `surecast.cli.plan`), so every setting that can change a result
stands here, and none that cannot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from surecast.study.code import PACKAGE

if TYPE_CHECKING:
    from surecast.study.model import Study


class Job(NamedTuple):
    """One job, or several that differ in a seed only.

    Attributes
    ----------
    stage : str
        One of `surecast.cli.plan.STAGES`.
    item : tuple of str
        Part, surrogate or question; empty where a stage has one job.
    settings : dict
        What it reads of the study, defaults filled in.
    code : tuple of str
        Modules that it runs, as `surecast.study.code.code_digest` takes them.
    files : tuple of Path
        What decides its result beside code and is no Python: templates.
    """

    stage: str
    item: tuple[str, ...]
    settings: dict[str, Any]
    code: tuple[str, ...]
    files: tuple[Path, ...] = ()


def needed(study: Study, question: str) -> list[str]:
    """Surrogates that a question needs: the one it names, or all if it wants the best."""
    asked = getattr(study.build_question(question), "surrogate", None)
    if asked in (None, "none"):
        return []
    return list(study.surrogates) if asked == "best" else [asked]


def jobs(study: Study) -> Iterator[Job]:
    """Every job of a study that has been checked."""
    from surecast.design.parts import parts
    from surecast.study import kinds
    from surecast.train.online.settings import fresh_runs

    content = content_of(study)

    def settings(*keys: str, **more: Any) -> dict[str, Any]:
        return {key: content[key] for key in keys} | more

    laws = tuple(kinds.target("laws", spec.kind) for spec in study.inputs.values())
    outputs = tuple(kinds.target("output", spec.kind) for spec in study.outputs.values())
    simulator = (kinds.target("simulator", study.simulator.kind), *study.build_simulator().code_targets())
    if ":" in study.simulator.kind:
        simulator += (kinds.USER_FUNCTION,)
    models = {name: kinds.target("surrogate", spec.kind) for name, spec in study.surrogates.items()}
    drawn = ("surecast.design.make", kinds.target("design", study.design.kind), *study.build_design().code(), *laws)
    design = {key: value for key, value in content["design"].items() if key != "runs_per_part"}
    rule = {"kind": study.design.kind, **study.build_design().deciding_settings()}
    truth = ("seed", "simulator", "inputs", "correlations", "outputs", "failures")

    yield Job("design", (), settings("seed", "inputs", "correlations", design=design), drawn)
    for part in parts(study.build_design()):
        # The date of the design does not count for a part: what decides its runs stands here.
        runs = [part.split, part.start, part.stop]
        yield Job(
            "simulate",
            (part.name,),
            settings(*truth, design=rule, runs=runs),
            ("surecast.simulate.part", *simulator, *outputs, *drawn),
        )
    yield Job(
        "assemble",
        (),
        settings(*truth, "dataset"),
        ("surecast.assemble.dataset", "surecast.assemble.refinement", *simulator, *outputs, *laws),
    )
    for name, model in models.items():
        fitted = settings("seed", "inputs", "correlations", "outputs", surrogate=content["surrogates"][name])
        if seeded(study, name):
            # Not the list of seeds: one more seed is one more training.
            fitted["training"] = {key: value for key, value in content["training"].items() if key != "seeds"}
        fresh: tuple[str, ...] = ()
        if fresh_runs(study, name) is not None:
            fitted |= settings(*truth)
            fresh = simulator
        yield Job("train", (name,), fitted, ("surecast.train.train", model, *fresh, *outputs, *laws))
        yield Job(
            "evaluate",
            (name,),
            settings("outputs", "evaluation", name=name),
            ("surecast.evaluate.evaluate", model, *outputs, *laws),
        )
    yield Job(
        "baselines", (), settings(*truth, "evaluation"), ("surecast.evaluate.baselines", *simulator, *outputs, *laws)
    )
    bounds = {name: spec.bounds for name, spec in study.outputs.items() if spec.bounds is not None}
    bounded = {"bounds": bounds} if bounds else {}  # they decide intervals and no run
    for name in study.questions:
        used = tuple(models[surrogate] for surrogate in needed(study, name))
        yield Job(
            "quantify",
            (name,),
            settings(*truth, question=content["questions"][name], **_declared(content, name), **bounded),
            (
                "surecast.quantify.answer",
                *_question_code(study, name),
                *used,
                *simulator,
                *outputs,
                *laws,
            ),
        )
    yield Job("report", (), content, ("surecast.report.report",), page_files())


def page_files() -> tuple[Path, ...]:
    """What the report looks like, and what it cites."""
    folder = PACKAGE / "report"
    return (*sorted((folder / "templates").glob("*.*")), folder / "references.bib")


def seeded(study: Study, surrogate: str) -> bool:
    """Whether a surrogate is trained by the section `training`; a deterministic fit has one seed of its own."""
    from surecast.train.surrogate import SurrogateSettings

    return type(study.build_surrogate(surrogate)).seeds is not SurrogateSettings.seeds


def _question_code(study: Study, question: str) -> tuple[str, ...]:
    """Code of a question and of the estimators that it names, or of all that may answer it."""
    from surecast.study import kinds

    component = study.build_question(question)
    named = [item if isinstance(item, str) else str(item["kind"]) for item in component.estimators]
    estimators = (kinds.target("estimator", kind) for kind in named or component.answered_by)
    return (kinds.target("question", study.questions[question].kind), *component.code(), *estimators)


def _declared(content: Mapping[str, Any], question: str) -> dict[str, Any]:
    """What the design says of how its runs were drawn, for questions about those."""
    if content["questions"][question]["kind"] != "given_data":
        return {}
    return {"drawn": [content["design"]["kind"], content["design"].get("sampling", "")]}


def content_of(study: Study) -> dict[str, Any]:
    """The study as plain values with defaults filled in, each component with all its settings."""
    content: dict[str, Any] = study.model_dump(mode="json")
    content["simulator"] = {"kind": study.simulator.kind, **study.build_simulator().settings()}
    content["design"] = {"kind": study.design.kind, **study.build_design().settings()}
    for table, build in (
        ("outputs", study.build_output),
        ("surrogates", study.build_surrogate),
        ("questions", study.build_question),
    ):
        specs = getattr(study, table)
        content[table] = {name: {"kind": spec.kind, **build(name).settings()} for name, spec in specs.items()}
    return content


def named_files(settings: Any, folder: str | Path) -> list[Path]:
    """Files that settings name (tables of inputs or of a law), relative to the study's folder."""
    if isinstance(settings, Mapping):
        return [path for value in settings.values() for path in named_files(value, folder)]
    if isinstance(settings, (list, tuple)):
        return [path for value in settings for path in named_files(value, folder)]
    if isinstance(settings, str) and 0 < len(settings) < 1024 and "\n" not in settings and "\0" not in settings:
        path = Path(folder) / settings
        return [path] if path.is_file() else []
    return []
