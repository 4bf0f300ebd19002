"""Assemble the parts into one dataset."""

from surecast.cli.threads import one_thread

one_thread(snakemake)

from surecast.cli.job import job  # noqa: E402 (what it imports reads the number of threads)

with job(snakemake) as study:
    from surecast.assemble.dataset import assemble
    from surecast.study.paths import Paths

    assemble(
        study,
        snakemake.input.design,
        list(snakemake.input.parts),
        Paths(study.name).dataset,
        snakemake.output.manifest,
        workers=snakemake.threads,
    )
