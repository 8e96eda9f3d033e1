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
        "python {input.script} --checkpoint {input.checkpoint} --output {output} &> {log}"
