import os
import re
import sys
from pathlib import Path

# The library thinks; rules only choose paths. As scripts do, it is found beside them.
LIBRARY = Path(str(workflow.current_basedir)).parent / "workflow_scripts"
SCRIPTS = Path(os.path.relpath(LIBRARY))
if not LIBRARY.is_dir():
    # A `module` or snakedeploy would fetch the rules alone.
    sys.exit(
        "error: the scripts are not here: clone the repository, and run the workflow in the clone"
    )
sys.path.insert(0, str(LIBRARY))

from whisper_terms.config import check_syntax
from whisper_terms.config.defaults import CORRECTED, PROMPTED
from whisper_terms.config.files import sound_files
from whisper_terms.errors import UserError
from whisper_terms.workflow import OF_MISHEARD, read_plan

CONFIG_FILE = "config.yaml"

try:
    check_syntax(CONFIG_FILE)
except UserError as error:
    # A WorkflowError would be shown as a fault of this file.
    sys.exit(f"error: the configuration can't be used\n{error}")


configfile: CONFIG_FILE


try:
    PLAN = read_plan(config, CONFIG_FILE)
except UserError as error:
    sys.exit(f"error: {len(error.faults)} to mend before anything is made\n{error}")

CONFIG = PLAN.config
RESULTS = CONFIG.results
# Where the comparison of the systems is written; the models of them all lie above.
COMPARISON = CONFIG.comparison or "systems"
TABLES = f"{RESULTS}/{{model}}/{CONFIG.comparison}".rstrip("/")
# Where the CPU computes, no job waits for a GPU.
GPUS = 0 if CONFIG.device == "cpu" else CONFIG.resources.gpu
# Only training can use several.
ONE_GPU = min(1, GPUS)
# How recordings are transcribed. How many at once is a resource of the jobs, and nothing is made again
# with another number; but where the padding is sampled, recordings beside each other are cut alike.
BATCH = CONFIG.evaluation.batch_size
PADDING = CONFIG.evaluation.padding_frames
TRANSCRIPTION = f"--beam-size {CONFIG.evaluation.beam_size}"
if PADDING:
    TRANSCRIPTION += f" --padding-frames {PADDING}"
CUT_BESIDE = BATCH if PADDING else None
SPEECH = f"{RESULTS}/speech/{CONFIG.speech.engine}"
# The tables of all utterances, by shard.
SPEECH_SHARDS = [
    *expand(f"{SPEECH}/terms/{{shard}}.tsv", shard=PLAN.term_shards),
    *expand(f"{SPEECH}/replay/{{shard}}.tsv", shard=PLAN.replay_shards),
]
# The copies of the user's own recordings for replay, and their table, where there are any.
RECORDED = f"{RESULTS}/speech/recordings"
RECORDED_REPLAY = [f"{RECORDED}/replay.tsv"] if PLAN.replay_recordings else []
# Speech is kept by the content of these; here they tell that some must be spoken anew.
SOUND_FILES = sound_files(CONFIG)
# The interpreter of the environment that has the engine.
SPEECH_PYTHON = CONFIG.speech.coqui.python if CONFIG.speech.engine == "coqui" else "python"
SPEECH_ENV = f"../envs/speech-{CONFIG.speech.engine}.yaml"


wildcard_constraints:
    model="|".join(map(re.escape, CONFIG.models)),
    recipe="|".join(map(re.escape, CONFIG.recipes)),
    weights="|".join(map(re.escape, ["base", *CONFIG.recipes])),
    system="|".join(map(re.escape, ["base", PROMPTED, *CONFIG.recipes])),
    layout="packed|single",
    labels="timed|untimed",
    shard=r"\d{4}",
    term_id="t[0-9a-f]{10}",


def script(name):
    """The path of a command-line script."""
    return str(SCRIPTS / f"{name}.py")


def speech_arguments():
    """The arguments that every synthesising rule passes on."""
    speech = CONFIG.speech
    return [
        *("--engine", speech.engine),
        *(("--coqui", speech.coqui.to_json()) if speech.engine == "coqui" else ()),
        *("--casting", PLAN.casting.to_json(), f"--loudness={speech.loudness}"),
        *("--store", f"{SPEECH}/store"),
    ]


def windows_in(model, layout):
    """The table of windows of a layout; what is misheard is each model's own."""
    folder = f"{RESULTS}/{model}" if layout.endswith(OF_MISHEARD) else RESULTS
    return f"{folder}/windows/{layout}.tsv"


def windows_of(wildcards):
    """The table of windows that a recipe trains on, with the base model's answers if it asks."""
    layout = PLAN.layout(wildcards.recipe)
    if not PLAN.asks_base(wildcards.recipe):
        return windows_in(wildcards.model, layout)
    labels = PLAN.labels(wildcards.recipe)
    return f"{RESULTS}/{wildcards.model}/replay_labels/{layout}-{labels}.tsv"


def encodings_for_labels(wildcards):
    """The table of encodings, where a recipe reads it."""
    if not PLAN.encodings_for_labels(wildcards.layout):
        return []
    return f"{RESULTS}/{wildcards.model}/encodings/{wildcards.layout}.tsv"


def encodings_of(wildcards):
    """The table of encodings, for recipes that read it."""
    if not PLAN.uses_encodings(wildcards.recipe):
        return []
    return f"{RESULTS}/{wildcards.model}/encodings/{PLAN.layout(wildcards.recipe)}.tsv"


def encodings_argument(wildcards, input):
    """The argument that names that table, for recipes that read it."""
    return f"--encodings {input.encodings}" if input.encodings else ""


def weighted_terms_of(wildcards):
    """The tables of terms, for recipes whose loss weighs them.

    Those of the shards: terms.tsv is written anew for an alias, too.
    """
    if CONFIG.recipes[wildcards.recipe].term_weight == 1:
        return []
    return expand(f"{RESULTS}/terms/{{shard}}.tsv", shard=PLAN.term_shards)


def weights_of(wildcards):
    """The converted weights that a system transcribes with."""
    weights = "base" if wildcards.system == PROMPTED else wildcards.system
    return f"{RESULTS}/{wildcards.model}/{weights}/model.pt"


def transcripts_of(wildcards):
    """The transcripts of every system in the table."""
    return [f"{RESULTS}/{wildcards.model}/{system}/transcripts" for system in CONFIG.systems]


def named_transcripts(wildcards):
    """The same with the systems' names, as the scoring scripts take them."""
    return [
        f"{system}={folder}"
        for system, folder in zip(CONFIG.systems, transcripts_of(wildcards), strict=True)
    ]
