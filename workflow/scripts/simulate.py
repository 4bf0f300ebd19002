"""Simulate the runs of one part."""

from surecast.cli.threads import one_thread

one_thread(snakemake)

from surecast.cli.job import job  # noqa: E402 (what it imports reads the number of threads)

with job(snakemake) as study:
    from surecast.simulate.part import simulate_part
    from surecast.study.paths import Paths

    simulate_part(
        study,
        snakemake.wildcards.part,
        snakemake.input.design,
        snakemake.output.runs,
        Paths(study.name).store,
        workers=snakemake.threads,
    )
