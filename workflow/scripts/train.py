"""Train one surrogate with one seed."""

from surecast.cli.job import job

with job(snakemake) as study:
    from surecast.study.paths import Paths
    from surecast.train.train import train

    name, seed = snakemake.wildcards.name, int(snakemake.wildcards.seed)
    checkpoints = Paths(study.name).checkpoints / name / f"seed{seed}"
    train(study, name, seed, snakemake.input.manifest, snakemake.output.surrogate, checkpoints)
