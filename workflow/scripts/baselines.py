"""Error and cost of the simulator on coarser grids."""

from surecast.cli.job import job

with job(snakemake) as study:
    from surecast.evaluate.baselines import baselines

    baselines(study, snakemake.input.manifest, snakemake.output.scores)
