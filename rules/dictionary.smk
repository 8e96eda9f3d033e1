rule check_dictionary:
    input:
        dictionaries=CONFIG.dictionaries,
        script=script("check_dictionary"),
    output:
        f"{RESULTS}/terms.tsv",
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
        "python {input.script} --dictionary {input.dictionaries:q} --output {output} &> {log}"


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
        "python {input.script} --recordings {input.recordings:q} --output {output} &> {log}"
