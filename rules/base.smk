rule fetch_base:
    input:
        # A local model is an input, so that a new one is noticed; a hub id is only a name.
        files=lambda wildcards: PLAN.base_files(wildcards.model),
        script=script("fetch_base"),
    output:
        directory(f"{RESULTS}/{{model}}/base/checkpoint"),
    log:
        f"{RESULTS}/{{model}}/logs/fetch_base.log",
    benchmark:
        f"{RESULTS}/{{model}}/benchmarks/fetch_base.tsv"
    # Early, since it may fail, but after what is checked in a second.
    priority: 60
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=CONFIG.resources.training_memory_mb,
        runtime=CONFIG.resources.runtime_minutes,
    params:
        model=lambda wildcards: CONFIG.models[wildcards.model],
    message:
        "Fetch the base model {params.model}"
    shell:
        "python {input.script:q} --model {params.model:q} --output {output} 2>&1 | tee {log}"


rule encode_windows:
    input:
        base=f"{RESULTS}/{{model}}/base/checkpoint",
        windows=lambda wildcards: windows_in(wildcards.model, wildcards.layout),
        script=script("encode_windows"),
    output:
        f"{RESULTS}/{{model}}/encodings/{{layout}}.tsv",
    log:
        f"{RESULTS}/{{model}}/logs/encode_windows/{{layout}}.log",
    benchmark:
        f"{RESULTS}/{{model}}/benchmarks/encode_windows/{{layout}}.tsv"
    wildcard_constraints:
        layout=f"(packed|single)({OF_MISHEARD})?",
    conda:
        "../envs/training.yaml"
    threads: 8
    resources:
        gpu=ONE_GPU,
        mem_mb=CONFIG.resources.training_memory_mb,
        runtime=CONFIG.resources.training_runtime_minutes,
    params:
        store=f"{RESULTS}/{{model}}/encodings/store",
        device=CONFIG.device,
    message:
        "Run the encoder of {wildcards.model} over the windows, once"
    shell:
        "python {input.script:q} --base {input.base} --windows {input.windows}"
        " --store {params.store} --output {output} --device {params.device}"
        " --threads {threads} 2>&1 | tee {log}"
