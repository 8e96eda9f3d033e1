rule export_openai:
    input:
        checkpoint=f"{RESULTS}/{{model}}/{{weights}}/checkpoint",
        script=script("export_openai"),
    output:
        f"{RESULTS}/{{model}}/{{weights}}/model.pt",
    log:
        f"{RESULTS}/{{model}}/logs/export_openai/{{weights}}.log",
    benchmark:
        f"{RESULTS}/{{model}}/benchmarks/export_openai/{{weights}}.tsv"
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=CONFIG.resources.training_memory_mb,
        runtime=CONFIG.resources.runtime_minutes,
    message:
        "Convert {wildcards.model}/{wildcards.weights} for openai-whisper"
    shell:
        "python {input.script:q} --checkpoint {input.checkpoint} --output {output} &> {log}"


rule export_ctranslate2:
    input:
        checkpoint=f"{RESULTS}/{{model}}/{{weights}}/checkpoint",
        script=script("export_ctranslate2"),
    output:
        directory(f"{RESULTS}/{{model}}/{{weights}}/ctranslate2"),
    log:
        f"{RESULTS}/{{model}}/logs/export_ctranslate2/{{weights}}.log",
    benchmark:
        f"{RESULTS}/{{model}}/benchmarks/export_ctranslate2/{{weights}}.tsv"
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=CONFIG.resources.training_memory_mb,
        runtime=CONFIG.resources.runtime_minutes,
    params:
        precision=CONFIG.export.precision,
    message:
        "Convert {wildcards.model}/{wildcards.weights} for faster-whisper"
    shell:
        "python {input.script:q} --checkpoint {input.checkpoint} --output {output}"
        " --precision {params.precision} &> {log}"


use rule export_ctranslate2 as export_ggml with:
    input:
        checkpoint=f"{RESULTS}/{{model}}/{{weights}}/checkpoint",
        script=script("export_ggml"),
    output:
        f"{RESULTS}/{{model}}/{{weights}}/ggml-model.bin",
    log:
        f"{RESULTS}/{{model}}/logs/export_ggml/{{weights}}.log",
    benchmark:
        f"{RESULTS}/{{model}}/benchmarks/export_ggml/{{weights}}.tsv"
    message:
        "Convert {wildcards.model}/{wildcards.weights} for whisper.cpp"


use rule export_ctranslate2 as export_onnx with:
    input:
        checkpoint=f"{RESULTS}/{{model}}/{{weights}}/checkpoint",
        script=script("export_onnx"),
    output:
        directory(f"{RESULTS}/{{model}}/{{weights}}/onnx"),
    log:
        f"{RESULTS}/{{model}}/logs/export_onnx/{{weights}}.log",
    benchmark:
        f"{RESULTS}/{{model}}/benchmarks/export_onnx/{{weights}}.tsv"
    conda:
        "../envs/export-onnx.yaml"
    message:
        "Convert {wildcards.model}/{wildcards.weights} for sherpa-onnx"
