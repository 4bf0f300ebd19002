"""What is learnt: one job per surrogate and seed."""


rule train:
    input:
        manifest="results/{study}/dataset.json",
    output:
        # Checkpoints lie outside the outputs, so that a training that was killed goes on from the last one.
        surrogate="results/{study}/surrogates/{name}/seed{seed}.json",
        weights="results/{study}/surrogates/{name}/seed{seed}.safetensors",
        history="results/{study}/surrogates/{name}/seed{seed}.history.nc",
        record="results/{study}/records/train/{name}-{seed}.json",
    params:
        fingerprint=fingerprint("train", "name", "seed"),
    log:
        "results/{study}/logs/train/{name}-{seed}.log",
    benchmark:
        "results/{study}/benchmarks/train/{name}-{seed}.tsv"
    # Trainings take the longest, and most questions wait for all of them.
    priority: 10
    message:
        "{wildcards.study}: training {wildcards.name}, seed {wildcards.seed}"
    threads: from_plan(lambda plan, wildcards: 1 + plan.beside.get(wildcards.name, 0))
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
        gpu=1,
    script:
        "../scripts/train.py"
