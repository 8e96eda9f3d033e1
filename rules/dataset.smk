rule build_manifest:
    input:
        shards=SPEECH_SHARDS,
        recordings=CONFIG.recordings,
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
        "python {input.script} --shards {input.shards}"
        " --recordings {input.recordings:q} --output {output} &> {log}"


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
        "../envs/speech-openjtalk.yaml"
    threads: 1
    resources:
        mem_mb=CONFIG.resources.memory_mb,
        runtime=CONFIG.resources.runtime_minutes,
    params:
        windows=CONFIG.windows.to_json(),
        most=lambda wildcards: "--most 1" if wildcards.layout == "single" else "",
        shards=PLAN.shards,
    message:
        "Pack the utterances into windows ({wildcards.layout})"
    shell:
        "python {input.script} --manifest {input.manifest} --windows {params.windows:q}"
        " {params.most} --shards {params.shards} --output {output} &> {log}"
