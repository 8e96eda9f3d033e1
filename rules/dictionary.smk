rule check_dictionary:
    input:
        dictionaries=CONFIG.dictionaries,
        sentences=CONFIG.sentences,
        script=script("check_dictionary"),
    output:
        terms=f"{RESULTS}/terms.tsv",
        homophones=f"{RESULTS}/homophones.tsv",
    log:
        f"{RESULTS}/logs/check_dictionary.log",
    benchmark:
        f"{RESULTS}/benchmarks/check_dictionary.tsv"
    priority: 100
    conda:
        "../envs/speech-openjtalk.yaml"
    threads: 1
    resources:
        mem_mb=CONFIG.resources.memory_mb,
        runtime=CONFIG.resources.runtime_minutes,
    message:
        "Check {input.dictionaries} and settle readings"
    shell:
        "python {input.script:q} --dictionary {input.dictionaries:q}"
        " --sentences {input.sentences:q} --output {output.terms}"
        " --homophones {output.homophones} &> {log}"


# The same for a part of the terms, which depends on these terms alone, by digest (params). Nothing
# spoken depends on terms.tsv: each edit would speak all again. With ancient() it would not, but
# Snakemake then overlooks every other change too (snakemake/snakemake#4166).
rule settle_readings:
    input:
        dictionaries=ancient(CONFIG.dictionaries),
        sentences=ancient(CONFIG.sentences),
        script=script("settle_readings"),
    output:
        f"{RESULTS}/terms/{{shard}}.tsv",
    log:
        f"{RESULTS}/logs/settle_readings/{{shard}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/settle_readings/{{shard}}.tsv"
    # Before anything is spoken: then all shards of terms wait together and the scheduler takes the
    # largest first, so that the cores end at about the same time.
    priority: 50
    conda:
        "../envs/speech-openjtalk.yaml"
    threads: 1
    resources:
        mem_mb=CONFIG.resources.memory_mb,
        runtime=CONFIG.resources.runtime_minutes,
    params:
        terms=lambda wildcards: PLAN.term_shards[wildcards.shard],
        shards=PLAN.shards,
    message:
        "Settle the readings of shard {wildcards.shard}"
    shell:
        "python {input.script:q} --dictionary {input.dictionaries:q}"
        " --sentences {input.sentences:q} --shard {wildcards.shard}"
        " --shards {params.shards} --output {output} &> {log}"


rule check_recordings:
    input:
        recordings=CONFIG.recordings,
        audio=[str(recording.audio) for recording in PLAN.recordings],
        script=script("check_recordings"),
    output:
        f"{RESULTS}/recordings.tsv",
    log:
        f"{RESULTS}/logs/check_recordings.log",
    benchmark:
        f"{RESULTS}/benchmarks/check_recordings.tsv"
    priority: 100
    conda:
        "../envs/speech-openjtalk.yaml"
    threads: 1
    resources:
        mem_mb=CONFIG.resources.memory_mb,
        runtime=CONFIG.resources.runtime_minutes,
    message:
        "Check the test recordings"
    shell:
        "python {input.script:q} --recordings {input.recordings:q} --output {output} &> {log}"
