"""Write the page of papers."""

from surecast.cli.job import bare_job

with bare_job(snakemake, "the papers"):
    from surecast.papers.frame.page import write_page

    write_page(snakemake.input.results, snakemake.output.page)
