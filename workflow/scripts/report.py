"""Write the report of a study."""

from surecast.cli.threads import one_thread

one_thread(snakemake)

from surecast.cli.job import job  # noqa: E402 (what it imports reads the number of threads)

with job(snakemake) as study:
    from surecast.report.report import report

    report(
        study,
        list(snakemake.input.estimates),
        [*snakemake.input.scores, snakemake.input.baselines],
        snakemake.input.manifest,
        snakemake.output.page,
        snakemake.output.figures,
        snakemake.output.tables,
        list(snakemake.input.histories),
        processes=snakemake.threads,
    )
