"""Checks between keys: what names something that stands elsewhere in the configuration.

They read the mapping as the user gave it, not the validated models, so that they find their
problems beside the wrong types and unknown keys, all in one go. What has the wrong type is passed
over here.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import PurePath

from pydantic import ValidationError

from whisper_terms.config.defaults import SYSTEMS, UNTRAINED
from whisper_terms.config.faults import Finding, dotted, nearest, number
from whisper_terms.config.models import Config
from whisper_terms.config.recipe import Recipe
from whisper_terms.config.speech import VoiceSettings

Location = tuple[str | int, ...]
# One path may stand there alone.
_LISTS_OF_PATHS = ("dictionaries", "recordings", "replay_recordings")
COQUI_VOICE_CURE = (
    "remove it; for several voices name in each a speaker of the model as its file, "
    "or write engine: openjtalk"
)


def check_references(mapping: Mapping) -> list[Finding]:
    """All problems between keys; keys that are missing in the mapping have their defaults."""
    return [
        *_check_model(mapping),
        *_check_reserved(mapping),
        *_check_systems(mapping),
        *_check_comparison(mapping),
        *_check_voices(mapping),
        *_check_coqui_voices(mapping),
        *_check_development(mapping),
        *_check_isolated(mapping),
        *_check_replay(mapping),
        *_check_gpus(mapping),
        *_check_paths(mapping),
    ]


def _check_model(mapping: Mapping) -> Iterator[Finding]:
    yield from _unknown(("model",), [_get(mapping, "model")], _keys(mapping, "models"))


def _check_reserved(mapping: Mapping) -> Iterator[Finding]:
    for block, reserved in (
        ("recipes", Config.RESERVED_RECIPES),
        ("models", Config.RESERVED_MODELS),
    ):
        for name in _keys(mapping, block):
            if name in reserved:
                problem = f"{block} holds the name {name}, which is reserved"
                yield Finding((block, name), problem, f"choose another name, such as my-{name}")


def _check_systems(mapping: Mapping) -> Iterator[Finding]:
    systems = _items(mapping, "systems")
    recipes = _keys(mapping, "recipes")
    known = [*UNTRAINED, *recipes] if recipes else []
    yield from _unknown(("systems",), systems, known)
    yield from _repeated(("systems",), systems)
    if systems and systems[0] != "base":
        problem = "the first of systems must be base, which the others are compared with"
        yield Finding(("systems", 0), problem, "put base first", str(systems[0]))


def _check_comparison(mapping: Mapping) -> Iterator[Finding]:
    name = _get(mapping, "comparison")
    # Of another type it is a finding of its own.
    if not isinstance(name, str):
        return
    if name in Config.RESERVED_RECIPES or name in _keys(mapping, "recipes"):
        problem = f"comparison is {name}, which is the folder of something else"
        yield Finding(("comparison",), problem, "choose a name that no recipe has", name)


def _check_voices(mapping: Mapping) -> Iterator[Finding]:
    names = _voice_names(mapping)
    for index, name in enumerate(names):
        if name is not None and name in names[:index]:
            location = ("speech", "voices", index, "name")
            first = dotted(("speech", "voices", names.index(name)))
            problem = f"{dotted(location)} is the name of {first} too"
            yield Finding(location, problem, "give each voice a name of its own", str(name))


def _check_coqui_voices(mapping: Mapping) -> Iterator[Finding]:
    """With Coqui, every voice must be one that it can speak with, and differ from the others."""
    if _get(mapping, "speech", "engine") != "coqui":
        return
    voices = [_read_voice(voice) for voice in _items(mapping, "speech", "voices")]
    if tuple(voices) == Config().speech.voices:
        problem = "speech.voices are those of Open JTalk, but speech.engine is coqui"
        cure = "write in speech voices: [{name: kokoro}], and at the top development: {voices: []}"
        yield Finding(("speech", "voices"), problem, cure)
        return
    ignored = _keys_without_effect(mapping)
    for index, voice in enumerate(voices):
        # A voice of a wrong type is a problem of its own.
        if voice is not None:
            yield from _check_coqui_voice(voice, voices[:index], ignored)


def _check_coqui_voice(
    voice: VoiceSettings, before: list[VoiceSettings | None], ignored: set[str]
) -> Iterator[Finding]:
    location = ("speech", "voices", len(before))
    useless = voice.model_dump(include=ignored, exclude_defaults=True)
    for key, value in useless.items():
        problem = f"{dotted((*location, key))} does nothing with this Coqui model"
        yield Finding((*location, key), problem, COQUI_VOICE_CURE, number(value))
    if useless:
        return
    hidden = {"name", *ignored}
    sounds = [other and other.model_dump(exclude=hidden) for other in before]
    sound = voice.model_dump(exclude=hidden)
    if sound in sounds:
        first = dotted(("speech", "voices", sounds.index(sound)))
        problem = f"{dotted(location)} sounds like {first}"
        yield Finding(location, problem, COQUI_VOICE_CURE, voice.name)


def _keys_without_effect(mapping: Mapping) -> set[str]:
    """The keys of a voice that the Coqui model can't follow."""
    model = _get(mapping, "speech", "coqui", "model")
    local = _get(mapping, "speech", "coqui", "model_file")
    # What a local model can do is not known before it is loaded.
    is_tacotron = not local and isinstance(model, str) and "tacotron" in model
    return {"half_tone", "vocal_tract"} | ({"speed"} if is_tacotron else set())


def _check_development(mapping: Mapping) -> Iterator[Finding]:
    location = ("development", "voices")
    held_out = _items(mapping, *location)
    names = [name for name in _voice_names(mapping) if isinstance(name, str)]
    for finding in _unknown(location, held_out, names):
        # Who gives voices of their own may not know of the held-out default.
        yield replace(finding, cure=f"{finding.cure} (or write voices: [] to hold out none)")
    yield from _repeated(location, held_out)
    if names and all(name in held_out for name in _voice_names(mapping)):
        problem = "development.voices holds out every voice, so none is left to train on"
        cure = "leave at least one voice of speech.voices out of it, or write voices: []"
        yield Finding(location, problem, cure)


def _check_isolated(mapping: Mapping) -> Iterator[Finding]:
    # Else it is found when there is nothing to train on, after all has been spoken.
    if _number(_get(mapping, "speech", "isolated_per_term")) != 0:
        return
    for name, utterances in _compared(mapping, "utterances"):
        if utterances == "isolated":
            problem = f"recipes.{name}.utterances is isolated, but speech.isolated_per_term is 0"
            cure = "raise isolated_per_term, or write utterances: all in the recipe"
            yield Finding(("recipes", name, "utterances"), problem, cure)


def _check_replay(mapping: Mapping) -> Iterator[Finding]:
    # With recordings there is more to count, see `workflow.read_plan`.
    if _number(_get(mapping, "speech", "replay_sentences")) != 0 or _items(
        mapping, "replay_recordings"
    ):
        return
    for name, value in _compared(mapping, "replay"):
        if (share := _number(value)) > 0:
            problem = f"recipes.{name}.replay is {share:g}, but speech.replay_sentences is 0"
            cure = "write replay: 0 in the recipe, or replay_sentences: null"
            yield Finding(("recipes", name, "replay"), problem, cure)


def _check_gpus(mapping: Mapping) -> Iterator[Finding]:
    count = _number(_get(mapping, "resources", "gpu"))
    if not count > 1:
        return
    for name, value in _compared(mapping, "batch_size"):
        if (size := _number(value)) % count > 0:
            problem = f"recipes.{name}.batch_size is {size:g}, which {count:g} GPUs can't share"
            cure = f"write a multiple of {count:g}, or change resources.gpu"
            yield Finding(("recipes", name, "batch_size"), problem, cure)


def _compared(mapping: Mapping, key: str) -> Iterator[tuple[str, object]]:
    """The recipes that are trained, and what each has at a key."""
    compared = _items(mapping, "systems") or SYSTEMS
    for name in _keys(mapping, "recipes"):
        recipe = _get(mapping, "recipes", name)
        if name in compared and isinstance(recipe, Mapping):
            yield name, recipe.get(key, getattr(Recipe(), key))


def _check_paths(mapping: Mapping) -> Iterator[Finding]:
    for key in _LISTS_OF_PATHS:
        yield from _repeated((key,), _items(mapping, key))
    tested = _items(mapping, "recordings")
    for index, path in enumerate(_items(mapping, "replay_recordings")):
        if path in tested:
            problem = f"replay_recordings[{index}] stands in recordings too"
            cure = "keep it in one of them: what is tested is never trained on"
            yield Finding(("replay_recordings", index), problem, cure, str(path))
    # Transcripts are named after their table of recordings.
    stems = [PurePath(str(path)).stem for path in _items(mapping, "recordings")]
    for index, (path, stem) in enumerate(zip(_items(mapping, "recordings"), stems, strict=True)):
        if stem in stems[:index] and path not in _items(mapping, "recordings")[:index]:
            problem = f"recordings holds several files called {stem}"
            cure = "rename one, since their transcripts are named after them"
            yield Finding(("recordings", index), problem, cure, str(path))


def _unknown(location: Location, values: Iterable, known: Iterable[str]) -> Iterator[Finding]:
    """The values, at a key or in the list at that key, that are none of the known names."""
    known = list(known)
    if not known:
        # What they name has the wrong type, which is a problem of its own.
        return
    listed = location != ("model",)
    for index, value in enumerate(values):
        if isinstance(value, str) and value not in known:
            where = (*location, index) if listed else location
            yield Finding(where, f"{dotted(where)} is unknown", nearest(value, known), value)


def _repeated(location: Location, values: list) -> Iterator[Finding]:
    for index, value in enumerate(values):
        if value in values[:index]:
            where = (*location, index)
            problem = f"{dotted(where)} stands in {dotted(location)} already"
            yield Finding(where, problem, "keep one of them", str(value))


def _read_voice(voice: object) -> VoiceSettings | None:
    try:
        return VoiceSettings.model_validate(voice)
    except ValidationError:
        return None


def _voice_names(mapping: Mapping) -> list[object]:
    """The voices' names in order; None for a voice that has none."""
    voices = _items(mapping, "speech", "voices")
    return [voice.get("name") if isinstance(voice, Mapping) else None for voice in voices]


def _keys(mapping: Mapping, location: str) -> list[str]:
    value = _get(mapping, location)
    return [key for key in value if isinstance(key, str)] if isinstance(value, Mapping) else []


def _items(mapping: Mapping, *location: str) -> list:
    value = _get(mapping, *location)
    if isinstance(value, str) and location[0] in _LISTS_OF_PATHS:
        return [value]
    return list(value) if isinstance(value, list | tuple) else []


def _get(mapping: Mapping, *location: str) -> object:
    """The value at a location, or else its default; None inside what is no mapping."""
    value: object = mapping
    for key in location:
        if not isinstance(value, Mapping):
            return None
        if key not in value:
            return _default(location)
        value = value[key]
    return value


def _number(value: object) -> float:
    """A number, be it given as text, as Snakemake's --config does in blocks; NaN for all else."""
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


@cache
def _default(location: tuple[str, ...]) -> object:
    value: object = Config().model_dump()
    for key in location:
        value = value[key]
    return value
