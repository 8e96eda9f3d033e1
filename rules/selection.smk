# For recipes with `terms: misheard`, a manifest and windows of a model's own.
rule select_terms:
    input:
        heard=f"{RESULTS}/{{model}}/base/heard.tsv",
        terms=f"{RESULTS}/terms.tsv",
        manifest=f"{RESULTS}/manifest.tsv",
        script=script("select_terms"),
    output:
        table=f"{RESULTS}/{{model}}/misheard.tsv",
        manifest=f"{RESULTS}/{{model}}/manifest.tsv",
    log:
        f"{RESULTS}/{{model}}/logs/select_terms.log",
    benchmark:
        f"{RESULTS}/{{model}}/benchmarks/select_terms.tsv"
    conda:
        "../envs/evaluation.yaml"
    threads: 1
    resources:
        mem_mb=CONFIG.resources.memory_mb,
        runtime=CONFIG.resources.runtime_minutes,
    message:
        "Select the terms that {wildcards.model} does not hear every time"
    shell:
        "python {input.script:q} --heard {input.heard} --terms {input.terms}"
        " --manifest {input.manifest} --table {output.table} --output {output.manifest}"
        " 2>&1 | tee {log}"


use rule pack_windows as pack_misheard with:
    input:
        manifest=f"{RESULTS}/{{model}}/manifest.tsv",
        script=script("pack_windows"),
    output:
        f"{RESULTS}/{{model}}/windows/{{layout}}{OF_MISHEARD}.tsv",
    log:
        f"{RESULTS}/{{model}}/logs/pack_misheard/{{layout}}.log",
    benchmark:
        f"{RESULTS}/{{model}}/benchmarks/pack_misheard/{{layout}}.tsv"
    message:
        "Pack the utterances of what {wildcards.model} mishears into windows ({wildcards.layout})"
