"""Draw the inputs of every run."""

from surecast.cli.job import job

with job(snakemake) as study:
    from surecast.design.make import make_design
    from surecast.study.files import write_dataset

    write_dataset(snakemake.output.design, make_design(study))
