# To be asked for alone: snakemake --cores 1 prune. It has no output, so it runs whenever it is.
rule prune:
    input:
        # What would be spoken now. A shard's table is not made again because a wav of it is missing,
        # so the wavs of these tables are kept, whether the manifest has use for them or not.
        shards=SPEECH_SHARDS,
        recorded=RECORDED_REPLAY,
        windows=expand(f"{RESULTS}/windows/{{layout}}.tsv", layout=PLAN.layouts_in(RESULTS)),
        script=script("prune_stores"),
    log:
        f"{RESULTS}/logs/prune.log",
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=CONFIG.resources.memory_mb,
        runtime=CONFIG.resources.runtime_minutes,
    params:
        # A store beside the results, shared as they are.
        speech=lambda wildcards: SPEECH,
        copies=RECORDED,
        models=[f"{RESULTS}/{model}" for model in CONFIG.models],
    message:
        "Remove speech and encodings that this configuration does not use"
    shell:
        "python {input.script:q} --shards {input.shards} --speech {params.speech}"
        " --recorded {input.recorded} --copies {params.copies}"
        " --windows {input.windows} --models {params.models} 2>&1 | tee {log}"
