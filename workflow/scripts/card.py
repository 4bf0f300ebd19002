"""Write the card of a dataset."""

from surecast.cli.threads import one_thread

one_thread(snakemake)

from surecast.cli.job import bare_job  # noqa: E402 (what it imports reads the number of threads)

with bare_job(snakemake, snakemake.wildcards.study):
    from surecast.report.card import write_card

    write_card(
        snakemake.input.manifest,
        snakemake.output.page,
        processes=snakemake.threads,
    )
