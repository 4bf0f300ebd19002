"""Simulate the runs of one part."""

from surecast.cli.job import job

with job(snakemake) as study:
    from surecast.design.parts import find_part
    from surecast.simulate.part import simulate_part
    from surecast.simulate.store import RunStore
    from surecast.study.paths import Paths

    simulate_part(
        study,
        find_part(study.build_design(), snakemake.wildcards.part),
        snakemake.input.design,
        snakemake.output.runs,
        RunStore(Paths(study.name).store),
    )
