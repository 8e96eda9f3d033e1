# An edited term reruns its shard alone, and there only what the store lacks is spoken.
rule synthesise_shard:
    input:
        terms=f"{RESULTS}/terms/{{shard}}.tsv",
        carriers=CONFIG.carriers,
        replay=CONFIG.replay,
        sounds=SOUND_FILES,
        script=script("synthesise_shard"),
    output:
        f"{SPEECH}/terms/{{shard}}.tsv",
    log:
        f"{RESULTS}/logs/synthesise_shard/{{shard}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/synthesise_shard/{{shard}}.tsv"
    # Before the replay sentences, whose jobs are shorter and fill what is left at the end.
    priority: 10
    conda:
        SPEECH_ENV
    threads: 1
    resources:
        mem_mb=CONFIG.resources.memory_mb,
        runtime=CONFIG.resources.runtime_minutes,
    params:
        number=len(PLAN.sentences),
        speech=speech_arguments(),
        python=SPEECH_PYTHON,
        shards=PLAN.shards,
    message:
        "Speak the terms of shard {wildcards.shard}"
    shell:
        "{params.python:q} {input.script:q} --terms {input.terms} --carriers {input.carriers:q}"
        " --replay {input.replay:q} --first {params.number}"
        " --shard {wildcards.shard} --shards {params.shards} --output {output}"
        " {params.speech:q} &> {log}"


rule synthesise_replay:
    input:
        replay=CONFIG.replay,
        sounds=SOUND_FILES,
        script=script("synthesise_replay"),
    output:
        f"{SPEECH}/replay/{{shard}}.tsv",
    log:
        f"{RESULTS}/logs/synthesise_replay/{{shard}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/synthesise_replay/{{shard}}.tsv"
    conda:
        SPEECH_ENV
    threads: 1
    resources:
        mem_mb=CONFIG.resources.memory_mb,
        runtime=CONFIG.resources.runtime_minutes,
    params:
        sentences=lambda wildcards: PLAN.replay_shards[wildcards.shard],
        number=len(PLAN.sentences),
        speech=speech_arguments(),
        python=SPEECH_PYTHON,
        shards=PLAN.replay_parts,
    message:
        "Speak the replay sentences of shard {wildcards.shard}"
    shell:
        "{params.python:q} {input.script:q} --replay {input.replay:q} --first {params.number}"
        " --shard {wildcards.shard} --shards {params.shards} --output {output}"
        " {params.speech:q} &> {log}"


# To listen to: snakemake results/speech/openjtalk/term/{term_id}.wav, the id from terms.tsv.
rule speak_term:
    input:
        terms=f"{RESULTS}/terms.tsv",
        sounds=SOUND_FILES,
        script=script("speak_term"),
    output:
        f"{SPEECH}/term/{{term_id}}.wav",
    log:
        f"{RESULTS}/logs/speak_term/{{term_id}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/speak_term/{{term_id}}.tsv"
    conda:
        SPEECH_ENV
    threads: 1
    resources:
        mem_mb=CONFIG.resources.memory_mb,
        runtime=CONFIG.resources.runtime_minutes,
    params:
        speech=speech_arguments(),
        python=SPEECH_PYTHON,
    message:
        "Speak the lone term {wildcards.term_id}"
    shell:
        "{params.python:q} {input.script:q} --terms {input.terms} --term-id {wildcards.term_id}"
        " --output {output} {params.speech:q} &> {log}"
