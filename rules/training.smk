# Replay that is labelled by what the base model itself writes of it: the windows once more.
rule label_replay:
    input:
        model=f"{RESULTS}/{{model}}/base/model.pt",
        windows=lambda wildcards: windows_in(wildcards.model, wildcards.layout),
        encodings=encodings_for_labels,
        script=script("label_replay"),
    output:
        f"{RESULTS}/{{model}}/replay_labels/{{layout}}-{{labels}}.tsv",
    log:
        f"{RESULTS}/{{model}}/logs/label_replay/{{layout}}-{{labels}}.log",
    benchmark:
        f"{RESULTS}/{{model}}/benchmarks/label_replay/{{layout}}-{{labels}}.tsv"
    wildcard_constraints:
        layout=f"(packed|single)({OF_MISHEARD})?",
    conda:
        "../envs/training.yaml"
    threads: 8
    resources:
        gpu=ONE_GPU,
        mem_mb=CONFIG.resources.training_memory_mb,
        runtime=CONFIG.resources.training_runtime_minutes,
        batch_size=BATCH,
    params:
        # Not an output: Snakemake would delete it, and the model would be asked all over again.
        state=f"{RESULTS}/{{model}}/replay_labels/{{layout}}-{{labels}}",
        encodings=encodings_argument,
        language=CONFIG.language,
        device=CONFIG.device,
    message:
        "Label replay by what {wildcards.model} writes of it"
    shell:
        "python {input.script:q} --model {input.model} --windows {input.windows} {params.encodings}"
        " --labels {wildcards.labels} --state {params.state} --output {output}"
        " --language {params.language}"
        " --device {params.device} --batch-size {resources.batch_size} --threads {threads} 2>&1 | tee {log}"


rule fine_tune:
    input:
        base=f"{RESULTS}/{{model}}/base/checkpoint",
        windows=windows_of,
        encodings=encodings_of,
        terms=weighted_terms_of,
        script=script("fine_tune"),
    output:
        directory(f"{RESULTS}/{{model}}/{{recipe}}/trained"),
    log:
        f"{RESULTS}/{{model}}/logs/fine_tune/{{recipe}}.log",
    benchmark:
        f"{RESULTS}/{{model}}/benchmarks/fine_tune/{{recipe}}.tsv"
    conda:
        "../envs/training.yaml"
    threads: 8
    resources:
        gpu=GPUS,
        mem_mb=CONFIG.resources.training_memory_mb,
        runtime=CONFIG.resources.training_runtime_minutes,
        # No parameter: several train what one would.
        processes=max(1, CONFIG.resources.gpu),
    params:
        recipe=lambda wildcards: CONFIG.recipes[wildcards.recipe].training_json(),
        # Not an output: Snakemake would delete it, and with it what a killed run had reached.
        state=f"{RESULTS}/{{model}}/{{recipe}}/state",
        encodings=encodings_argument,
        terms=lambda wildcards, input: f"--terms {input.terms}" if input.terms else "",
        voice=CONFIG.first_voice,
        language=CONFIG.language,
        device=CONFIG.device,
    message:
        "Fine-tune {wildcards.model} by the recipe {wildcards.recipe}"
    shell:
        "python {input.script:q} --base {input.base} --windows {input.windows} {params.encodings}"
        " {params.terms} --recipe {params.recipe:q} --first-voice {params.voice:q}"
        " --language {params.language} --state {params.state} --output {output} --device {params.device}"
        " --processes {resources.processes} --threads {threads} 2>&1 | tee {log}"


rule interpolate_weights:
    input:
        base=f"{RESULTS}/{{model}}/base/checkpoint",
        trained=f"{RESULTS}/{{model}}/{{recipe}}/trained",
        windows=windows_of,
        encodings=encodings_of,
        script=script("interpolate_weights"),
    output:
        checkpoint=directory(f"{RESULTS}/{{model}}/{{recipe}}/checkpoint"),
        table=f"{RESULTS}/{{model}}/{{recipe}}/interpolation.tsv",
        plot=f"{RESULTS}/{{model}}/{{recipe}}/interpolation.svg",
    log:
        f"{RESULTS}/{{model}}/logs/interpolate_weights/{{recipe}}.log",
    benchmark:
        f"{RESULTS}/{{model}}/benchmarks/interpolate_weights/{{recipe}}.tsv"
    conda:
        "../envs/training.yaml"
    threads: 8
    resources:
        gpu=ONE_GPU,
        mem_mb=CONFIG.resources.training_memory_mb,
        runtime=CONFIG.resources.training_runtime_minutes,
    params:
        recipe=lambda wildcards: CONFIG.recipes[wildcards.recipe].interpolation_json(),
        encodings=encodings_argument,
        language=CONFIG.language,
        device=CONFIG.device,
    message:
        "Choose weights between {wildcards.model} and {wildcards.recipe}"
    shell:
        "python {input.script:q} --base {input.base} --trained {input.trained}"
        " --windows {input.windows} {params.encodings} --recipe {params.recipe:q}"
        " --language {params.language} --output {output.checkpoint} --table {output.table}"
        " --plot {output.plot} --device {params.device} --threads {threads} 2>&1 | tee {log}"
