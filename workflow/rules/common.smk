"""Helpers of all rules: the plan of a study, and memory and time that grow when a job is tried again."""


def from_plan(function):
    """Function for `input` or `params` of what `function` makes of a study's plan and the wildcards.

    A target may name a study that nobody has looked at yet, or a question or surrogate that it does not have:
    Snakemake would wrap the error into one of its own, with a traceback.
    """

    def called(wildcards):
        try:
            return function(PLANS[wildcards.study], wildcards)
        except SurecastError as error:
            refuse(error)

    return called


def fingerprint(stage, *names):
    """Function for `params`: what decides the result of a job of this stage (see surecast.cli.plan)."""
    return from_plan(lambda plan, wildcards: plan.fingerprint(stage, *(getattr(wildcards, name) for name in names)))


def growing(amount):
    """Function for `resources`: twice as much at the second attempt, three times at the third.

    The amount is a number, or a function of a study's needs, the wildcards and the threads of the job.
    """
    if callable(amount):
        needed = needs(amount)
        return lambda wildcards, threads, attempt: needed(wildcards, threads) * attempt
    return lambda wildcards, attempt: amount * attempt


def needs(function):
    """Function for `resources` of a job that runs the simulator: what `function` makes of a study's needs, the
    wildcards and the threads of the job; None leaves a resource out.
    """
    return lambda wildcards, threads: from_plan(lambda plan, wildcards: function(plan.needs, wildcards, threads))(wildcards)


def design_of_part(plan, wildcards):
    """The design, whose date does not count for a part whose fingerprint is that of the last time.

    More training runs append to the design and must re-make no part that is there: what decides its runs is
    in the fingerprint. Where that has changed, the date does count: Snakemake (9.27) asks a job for no other
    reason once a job before it has one and all its inputs are ancient.
    """
    design = str(plan.paths.design)
    return ancient(design) if plan.is_current("simulate", wildcards.part) else design
