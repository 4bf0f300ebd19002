"""Assemble the parts into one dataset."""

from surecast.cli.job import job

with job(snakemake) as study:
    from surecast.assemble.dataset import assemble
    from surecast.study.paths import Paths

    assemble(
        study, snakemake.input.design, list(snakemake.input.parts), Paths(study.name).dataset, snakemake.output.manifest
    )
