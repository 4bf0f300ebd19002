"""Train one surrogate with one seed."""

from surecast.cli.job import job

with job(snakemake) as study:
    from surecast.study.paths import Paths
    from surecast.train.train import train

    train(
        study,
        snakemake.wildcards.name,
        int(snakemake.wildcards.seed),
        snakemake.input.manifest,
        snakemake.output.surrogate,
        Paths(study.name).checkpoints,
    )
