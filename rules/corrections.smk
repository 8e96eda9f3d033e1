# What the base model writes of the terms' own speech, turned into a table that puts the terms back.
rule hear_terms:
    input:
        model=f"{RESULTS}/{{model}}/base/model.pt",
        manifest=f"{RESULTS}/manifest.tsv",
        script=script("hear_terms"),
    output:
        f"{RESULTS}/{{model}}/base/heard.tsv",
    log:
        f"{RESULTS}/{{model}}/logs/hear_terms.log",
    benchmark:
        f"{RESULTS}/{{model}}/benchmarks/hear_terms.tsv"
    conda:
        "../envs/training.yaml"
    threads: 8
    resources:
        gpu=ONE_GPU,
        mem_mb=CONFIG.resources.training_memory_mb,
        runtime=CONFIG.resources.training_runtime_minutes,
        batch_size=BATCH,
    params:
        # Not an output: Snakemake would delete it, and every term would be listened to again.
        state=f"{RESULTS}/{{model}}/base/hearing",
        per_term=CONFIG.evaluation.heard_per_term,
        language=CONFIG.language,
        device=CONFIG.device,
        transcription=TRANSCRIPTION,
        cut_beside=CUT_BESIDE,
    message:
        "Listen to the terms' speech with {wildcards.model}"
    shell:
        "python {input.script:q} --model {input.model} --manifest {input.manifest}"
        " --per-term {params.per_term} --state {params.state} --output {output}"
        " --language {params.language}"
        " --device {params.device} {params.transcription} --batch-size {resources.batch_size}"
        " --threads {threads} 2>&1 | tee {log}"


rule find_corrections:
    input:
        heard=f"{RESULTS}/{{model}}/base/heard.tsv",
        terms=f"{RESULTS}/terms.tsv",
        manifest=f"{RESULTS}/manifest.tsv",
        script=script("find_corrections"),
    output:
        f"{RESULTS}/{{model}}/corrections.tsv",
    log:
        f"{RESULTS}/{{model}}/logs/find_corrections.log",
    benchmark:
        f"{RESULTS}/{{model}}/benchmarks/find_corrections.tsv"
    conda:
        "../envs/evaluation.yaml"
    threads: 1
    resources:
        mem_mb=CONFIG.resources.memory_mb,
        runtime=CONFIG.resources.runtime_minutes,
    message:
        "Find the mishearings of {wildcards.model} that can be corrected"
    shell:
        "python {input.script:q} --heard {input.heard} --terms {input.terms}"
        " --manifest {input.manifest} --output {output} 2>&1 | tee {log}"


rule correct_transcripts:
    input:
        transcripts=f"{RESULTS}/{{model}}/base/transcripts",
        corrections=f"{RESULTS}/{{model}}/corrections.tsv",
        terms=f"{RESULTS}/terms.tsv",
        script=script("correct_transcripts"),
    output:
        directory(f"{RESULTS}/{{model}}/{CORRECTED}/transcripts"),
    log:
        f"{RESULTS}/{{model}}/logs/correct_transcripts.log",
    benchmark:
        f"{RESULTS}/{{model}}/benchmarks/correct_transcripts.tsv"
    conda:
        "../envs/evaluation.yaml"
    threads: 1
    resources:
        mem_mb=CONFIG.resources.memory_mb,
        runtime=CONFIG.resources.runtime_minutes,
    message:
        "Correct what {wildcards.model} heard of the test recordings"
    shell:
        "python {input.script:q} --transcripts {input.transcripts}"
        " --corrections {input.corrections} --terms {input.terms} --output {output} &> {log}"
