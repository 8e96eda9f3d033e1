# What is copied depends on the terms' spellings alone, by digest (params): see settle_readings.
rule gather_replay:
    input:
        replay=CONFIG.replay_recordings,
        audio=[str(recording.audio) for recording in PLAN.replay_recordings],
        recordings=CONFIG.recordings,
        tested=[str(recording.audio) for recording in PLAN.recordings],
        dictionaries=ancient(CONFIG.dictionaries),
        script=script("gather_replay"),
    output:
        f"{RECORDED}/replay.tsv",
    log:
        f"{RESULTS}/logs/gather_replay.log",
    benchmark:
        f"{RESULTS}/benchmarks/gather_replay.tsv"
    priority: 100
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=CONFIG.resources.memory_mb,
        runtime=CONFIG.resources.runtime_minutes,
    params:
        store=f"{RECORDED}/store",
        seconds=CONFIG.windows.seconds,
        tokens=CONFIG.windows.max_tokens,
        held_out=CONFIG.development.fraction,
        spellings=PLAN.spellings,
    message:
        "Check and copy the recordings for replay"
    shell:
        "python {input.script:q} --replay {input.replay:q} --recordings {input.recordings:q}"
        " --dictionary {input.dictionaries:q} --seconds {params.seconds}"
        " --max-tokens {params.tokens} --held-out {params.held_out} --store {params.store} --output {output} 2>&1 | tee {log}"


# A new term is in a shard's table, so the manifest is built anew, and replay that holds it is left out.
# For a new alias it is not: all that follows would be made again for a sentence of replay at most.
rule build_manifest:
    input:
        shards=[*SPEECH_SHARDS, *RECORDED_REPLAY],
        recordings=CONFIG.recordings,
        dictionaries=ancient(CONFIG.dictionaries),
        script=script("build_manifest"),
    output:
        f"{RESULTS}/manifest.tsv",
    log:
        f"{RESULTS}/logs/build_manifest.log",
    benchmark:
        f"{RESULTS}/benchmarks/build_manifest.tsv"
    conda:
        "../envs/speech-openjtalk.yaml"
    threads: 1
    resources:
        mem_mb=CONFIG.resources.memory_mb,
        runtime=CONFIG.resources.runtime_minutes,
    message:
        "Build the manifest of all utterances"
    shell:
        "python {input.script:q} --shards {input.shards}"
        " --recordings {input.recordings:q} --dictionary {input.dictionaries:q}"
        " --output {output} &> {log}"


rule pack_windows:
    input:
        manifest=f"{RESULTS}/manifest.tsv",
        script=script("pack_windows"),
    output:
        f"{RESULTS}/windows/{{layout}}.tsv",
    log:
        f"{RESULTS}/logs/pack_windows/{{layout}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/pack_windows/{{layout}}.tsv"
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=CONFIG.resources.memory_mb,
        runtime=CONFIG.resources.runtime_minutes,
    params:
        windows=CONFIG.windows.to_json(),
        most=lambda wildcards: "--most 1" if wildcards.layout == "single" else "",
        shards=PLAN.shards,
        replay_shards=PLAN.replay_parts,
        replay_for_terms=PLAN.replay_for_terms,
    message:
        "Pack the utterances into windows ({wildcards.layout})"
    shell:
        "python {input.script:q} --manifest {input.manifest} --windows {params.windows:q}"
        " {params.most} --shards {params.shards} --replay-shards {params.replay_shards}"
        " --replay-for-terms {params.replay_for_terms}"
        " --output {output} &> {log}"
