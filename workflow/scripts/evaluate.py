"""Judge one surrogate, all its seeds, on the test split."""

from surecast.cli.job import job

with job(snakemake) as study:
    from surecast.evaluate.evaluate import evaluate

    evaluate(
        study,
        snakemake.wildcards.name,
        snakemake.input.manifest,
        list(snakemake.input.surrogates),
        snakemake.output.scores,
    )
