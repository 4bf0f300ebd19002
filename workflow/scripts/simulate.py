"""Simulate the runs of one part."""

from surecast.cli.job import job

with job(snakemake) as study:
    from surecast.simulate.part import simulate_part
    from surecast.study.paths import Paths

    simulate_part(
        study, snakemake.wildcards.part, snakemake.input.design, snakemake.output.runs, Paths(study.name).store
    )
