"""From a dictionary to a Whisper model that hears its words, and the table that proves it."""

from snakemake.utils import min_version

min_version("9.0")


include: "rules/common.smk"
include: "rules/dictionary.smk"
include: "rules/speech.smk"
include: "rules/dataset.smk"
include: "rules/base.smk"
include: "rules/selection.smk"
include: "rules/training.smk"
include: "rules/export.smk"
include: "rules/corrections.smk"
include: "rules/evaluation.smk"
include: "rules/report.smk"
include: "rules/prune.smk"


onstart:
    for notice in PLAN.notices:
        logger.warning(f"note: {notice}")


rule all:
    default_target: True
    input:
        expand(f"{TABLES}/{{table}}", model=CONFIG.model, table=["eval.tsv", "report.html"]),
        expand(f"{RESULTS}/{CONFIG.model}/{{export}}", export=PLAN.exports()),
