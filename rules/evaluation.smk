# What was said in a recording, and in which set it is, does not change what is heard (ancient). The
# manifest does depend on it, and so do trained weights as far as Snakemake can tell.
rule transcribe:
    input:
        model=weights_of,
        # Of the dictionaries only the surfaces are in a prompt, and their order.
        dictionaries=lambda wildcards: ancient(
            CONFIG.dictionaries if wildcards.system == PROMPTED else []
        ),
        recordings=ancient(CONFIG.recordings),
        audio=[str(recording.audio) for recording in PLAN.recordings],
        script=script("transcribe"),
    output:
        directory(f"{RESULTS}/{{model}}/{{system}}/transcripts"),
    log:
        f"{RESULTS}/{{model}}/logs/transcribe/{{system}}.log",
    benchmark:
        f"{RESULTS}/{{model}}/benchmarks/transcribe/{{system}}.tsv"
    conda:
        "../envs/training.yaml"
    threads: 8
    resources:
        gpu=ONE_GPU,
        mem_mb=CONFIG.resources.training_memory_mb,
        runtime=CONFIG.resources.training_runtime_minutes,
        batch_size=BATCH,
    params:
        prompt=lambda wildcards: ("--prompt-dictionaries" if wildcards.system == PROMPTED else ""),
        terms=lambda wildcards: PLAN.prompt if wildcards.system == PROMPTED else "",
        language=CONFIG.language,
        device=CONFIG.device,
        transcription=TRANSCRIPTION,
        cut_beside=CUT_BESIDE,
    message:
        "Transcribe the test recordings with {wildcards.model}/{wildcards.system}"
    shell:
        "python {input.script:q} --model {input.model} --recordings {input.recordings:q}"
        " --output {output} {params.prompt} {input.dictionaries:q}"
        " --language {params.language}"
        " --device {params.device} {params.transcription} --batch-size {resources.batch_size}"
        " --threads {threads} 2>&1 | tee {log}"


rule evaluate_systems:
    input:
        transcripts=transcripts_of,
        terms=f"{RESULTS}/terms.tsv",
        homophones=f"{RESULTS}/homophones.tsv",
        recordings=CONFIG.recordings,
        checked=f"{RESULTS}/recordings.tsv",
        script=script("evaluate_systems"),
    output:
        scores=f"{TABLES}/eval.tsv",
        terms=f"{TABLES}/terms_eval.tsv",
        homophones=f"{TABLES}/homophones_eval.tsv",
        flips=f"{TABLES}/flips.tsv",
    log:
        f"{RESULTS}/{{model}}/logs/evaluate_systems/{COMPARISON}.log",
    benchmark:
        f"{RESULTS}/{{model}}/benchmarks/evaluate_systems/{COMPARISON}.tsv"
    conda:
        "../envs/evaluation.yaml"
    threads: 1
    resources:
        mem_mb=CONFIG.resources.memory_mb,
        runtime=CONFIG.resources.runtime_minutes,
    params:
        transcripts=named_transcripts,
        bootstrap=CONFIG.evaluation.bootstrap,
        seed=CONFIG.evaluation.seed,
    message:
        "Score what {wildcards.model} hears"
    shell:
        "python {input.script:q} --model {wildcards.model} --terms {input.terms}"
        " --homophones {input.homophones} --recordings {input.recordings:q}"
        " --transcripts {params.transcripts} --bootstrap {params.bootstrap} --seed {params.seed}"
        " --eval {output.scores} --terms-eval {output.terms}"
        " --homophones-eval {output.homophones} --flips {output.flips} 2>&1 | tee {log}"
