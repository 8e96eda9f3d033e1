"""Default models, voices and recipes: the values that are lists of things, not settings."""

MODELS = {
    "nano": "models/whisper-nano-ja",
    "tiny": "openai/whisper-tiny",
    "base": "openai/whisper-base",
    "small": "openai/whisper-small",
    "medium": "openai/whisper-medium",
    "large-v3": "openai/whisper-large-v3",
    "large-v3-turbo": "openai/whisper-large-v3-turbo",
}

# The voice embedded in Open JTalk, varied in pitch, speed and vocal tract length.
VOICES = (
    {"name": "mei"},
    {"name": "mei-low", "half_tone": -5.0, "vocal_tract": 0.9},
    {"name": "mei-high", "half_tone": 3.0, "vocal_tract": 1.08},
    {"name": "mei-slow", "speed": 0.85},
    {"name": "mei-fast", "speed": 1.15},
    {"name": "male-like", "half_tone": -10.0, "vocal_tract": 0.82},
    {"name": "alto", "half_tone": -3.0, "vocal_tract": 0.95, "speed": 1.05},
    {"name": "male-slow", "half_tone": -12.0, "vocal_tract": 0.8, "speed": 0.88},
    {"name": "male-fast", "half_tone": -8.0, "vocal_tract": 0.86, "speed": 1.12},
    {"name": "male-young", "half_tone": -7.0, "vocal_tract": 0.9, "speed": 0.95},
)

# What one gets by following the Hugging Face tutorial "Fine-Tune Whisper" with synthetic speech:
# one term a window, one voice, nothing against forgetting. Learning rate as in the tutorial; its
# 500 warmup steps are more than a small dictionary trains in all, so there are none here.
_BLOG = {
    "utterances": "isolated",
    "voices": "first",
    "packed": False,
    "timestamps": False,
    "replay": 0.0,
    "kl": 0.0,
    "cached_encoder": False,
    "batch_size": 4,
    "learning_rate": 1e-5,
    "warmup_steps": 0,
    "interpolation": [1.0],
}

# Each recipe: what differs from the defaults of `models.Recipe`.
RECIPES: dict[str, dict] = {
    "default": {},
    "nano": {"term_weight": 3.0, "epochs": 6, "learning_rate": 3e-4, "schedule": "cosine"},
    "blog-full-10": {**_BLOG, "train": "all", "epochs": 10},
    "blog-full-40": {**_BLOG, "train": "all", "epochs": 40},
    "blog-frozen-10": {**_BLOG, "train": "decoder", "epochs": 10},
    "blog-frozen-40": {**_BLOG, "train": "decoder", "epochs": 40},
}

# One line on each, for config.yaml and the docs.
RECIPE_NOTES = {
    "default": "Fast and careful: frozen encoder, packed windows, replay against forgetting.",
    "nano": "The same for the bundled model, which needs a larger learning rate, more epochs, "
    "and more weight on the terms.",
    "blog-full-10": "The widespread tutorial's method: one lone term a window, all weights.",
    "blog-full-40": "The same, 40 epochs.",
    "blog-frozen-10": "The tutorial's method with the encoder frozen.",
    "blog-frozen-40": "The same, 40 epochs.",
}

# The base model with the terms in its prompt.
PROMPTED = "base-prompt"
# The base model with its mishearings of the terms corrected by a table.
CORRECTED = "base-corrected"
# What needs no training.
UNTRAINED = ("base", PROMPTED, CORRECTED)
# Not the recipe for the bundled model: it would ruin a grown one. `make demo` names it.
SYSTEMS = (*UNTRAINED, *(name for name in RECIPES if name != "nano"))
