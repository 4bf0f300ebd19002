"""Helpers of all rules: the plan of a study, and memory and time that grow when a job is tried again."""


def plan_of(wildcards):
    return PLANS[wildcards.study]


def fingerprint(stage, *names):
    """Function for `params`: what decides the result of a job of this stage (see surecast.cli.plan)."""
    return lambda wildcards: PLANS[wildcards.study].fingerprint(stage, *(getattr(wildcards, name) for name in names))


def paths_of(attribute):
    """Function for `input`: one file of the study."""
    return lambda wildcards: str(getattr(PLANS[wildcards.study].paths, attribute))


def trained_for(wildcards):
    """Every training of the surrogates that a question needs."""
    plan = plan_of(wildcards)
    return [str(path) for name in plan.questions[wildcards.question] for path in plan.trained(name)]


def growing(amount):
    """Function for `resources`: twice as much at the second attempt, three times at the third."""
    return lambda wildcards, attempt: amount * attempt
