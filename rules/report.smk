rule render_report:
    input:
        scores=f"{TABLES}/eval.tsv",
        terms_eval=f"{TABLES}/terms_eval.tsv",
        homophones=f"{TABLES}/homophones_eval.tsv",
        flips=f"{TABLES}/flips.tsv",
        terms=f"{RESULTS}/terms.tsv",
        recordings=CONFIG.recordings,
        transcripts=transcripts_of,
        script=script("render_report"),
    output:
        f"{TABLES}/report.html",
    log:
        f"{RESULTS}/{{model}}/logs/render_report/{COMPARISON}.log",
    benchmark:
        f"{RESULTS}/{{model}}/benchmarks/render_report/{COMPARISON}.tsv"
    conda:
        "../envs/evaluation.yaml"
    threads: 1
    resources:
        mem_mb=CONFIG.resources.memory_mb,
        runtime=CONFIG.resources.runtime_minutes,
    params:
        transcripts=named_transcripts,
        benchmarks=[f"{RESULTS}/benchmarks", f"{RESULTS}/{{model}}/benchmarks"],
    message:
        "Write the report on {wildcards.model}"
    shell:
        "python {input.script:q} --model {wildcards.model} --eval {input.scores}"
        " --terms-eval {input.terms_eval} --homophones-eval {input.homophones}"
        " --flips {input.flips} --terms {input.terms}"
        " --recordings {input.recordings:q} --transcripts {params.transcripts}"
        " --benchmarks {params.benchmarks} --output {output} &> {log}"
