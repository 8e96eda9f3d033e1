# To be asked for: snakemake --cores 1 prune. It has no output, so it runs whenever it is.
rule prune:
    input:
        manifest=f"{RESULTS}/manifest.tsv",
        # Made again where they are out of date: what they name now is what is kept.
        windows=[*filter(exists, expand(f"{RESULTS}/windows/{{layout}}.tsv", layout=LAYOUTS))],
        script=script("prune_stores"),
    log:
        f"{RESULTS}/logs/prune.log",
    benchmark:
        f"{RESULTS}/benchmarks/prune.tsv"
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=CONFIG.resources.memory_mb,
        runtime=CONFIG.resources.runtime_minutes,
    params:
        speech=f"{SPEECH}/store",
        models=[
            f"{RESULTS}/{model}"
            for model in CONFIG.models
            if exists(f"{RESULTS}/{model}/encodings")
        ],
    message:
        "Remove speech and encodings that no dictionary uses"
    shell:
        "python {input.script} --manifest {input.manifest} --speech {params.speech}"
        " --windows {input.windows} --models {params.models} 2>&1 | tee {log}"
