"""Write the report of a study."""

from surecast.cli.job import job

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
    )
