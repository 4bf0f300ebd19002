"""Helpers of all rules: the plan of a study, and memory and time that grow when a job is tried again."""


def plan_of(wildcards):
    return PLANS[wildcards.study]


def fingerprint(stage, *names):
    """Function for `params`: what decides the result of a job of this stage (see surecast.cli.plan)."""
    return lambda wildcards: PLANS[wildcards.study].fingerprint(stage, *(getattr(wildcards, name) for name in names))


def growing(amount):
    """Function for `resources`: twice as much at the second attempt, three times at the third."""
    return lambda wildcards, attempt: amount * attempt
