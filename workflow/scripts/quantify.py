"""Answer one question."""

from surecast.cli.threads import one_thread

one_thread(snakemake)

from surecast.cli.job import job  # noqa: E402 (what it imports reads the number of threads)

with job(snakemake) as study:
    from pathlib import Path

    from surecast.cli.time_limit import time_limit
    from surecast.quantify.answer import answer

    surrogates: dict[str, list[str]] = {}
    for path in snakemake.input.surrogates:
        surrogates.setdefault(Path(path).parent.name, []).append(path)
    answer(
        study,
        snakemake.wildcards.question,
        surrogates,
        snakemake.input.manifest,
        snakemake.output.estimate,
        snakemake.output.table,
        workers=snakemake.threads,
        scheduler=snakemake.config.get("scheduler"),
        deadline=time_limit(snakemake.resources.get("runtime")),
    )
