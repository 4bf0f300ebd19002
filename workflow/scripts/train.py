"""Train one surrogate with one seed."""

from surecast.cli.threads import one_thread

one_thread(snakemake)

from surecast.cli.job import job  # noqa: E402 (what it imports reads the number of threads)

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
        threads=snakemake.threads,
    )
