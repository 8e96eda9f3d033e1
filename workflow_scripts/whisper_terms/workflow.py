"""What Snakemake asks while it builds its graph; everything wrong is found here, at once.

Nothing here needs more than the standard library and pydantic.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

from whisper_terms.carriers import classes_without_templates, read_carriers
from whisper_terms.config import Config, VoiceSettings, load_config
from whisper_terms.dictionary import Entry, entry_digest, prompt_order, read_dictionaries
from whisper_terms.errors import Fault, UserError
from whisper_terms.recordings import Recording, read_recordings
from whisper_terms.replay import FEWEST_REPLAY, read_replay, read_replay_recordings
from whisper_terms.sentences import read_sentences, share_sentences
from whisper_terms.sharding import digest, group_by_shard
from whisper_terms.speech.engine import Voice
from whisper_terms.utterances import Casting

# The end of the name of a layout that holds only terms that the base model mishears.
OF_MISHEARD = "-misheard"
# What a format is exported as, in the folder of a recipe.
_EXPORTED = {"ctranslate2": "ctranslate2", "ggml": "ggml-model.bin", "onnx": "onnx"}


@dataclass(frozen=True)
class Plan:
    """The configuration and all that it names, read and checked.

    Attributes:
        config: the configuration.
        entries: the dictionaries' rows, with the sentences that other files have for them.
        recordings: the test recordings.
        sentences: the replay sentences that are spoken.
        replay_recordings: the user's own recordings for replay.
        notices: what hinders nothing and may be a mistake.
    """

    config: Config
    entries: tuple[Entry, ...]
    recordings: tuple[Recording, ...]
    sentences: tuple[str, ...]
    replay_recordings: tuple[Recording, ...] = ()
    notices: tuple[Fault, ...] = ()

    @cached_property
    def shards(self) -> int:
        """Number of shards of terms."""
        return self.config.speech.shards_for(len(self.entries))

    @cached_property
    def replay_parts(self) -> int:
        """Number of shards of replay, of which there is little beside many terms.

        Windows stay inside a shard: in as many shards as ten thousand terms have, each would hold a
        sentence or two.
        """
        return min(self.shards, self.config.speech.shards_for(len(self.sentences)))

    @property
    def replay_for_terms(self) -> int:
        """As many windows of replay for each window of terms as a recipe draws, or some more."""
        shares = (self.config.recipes[recipe].replay for recipe in self.recipes)
        # 0.8 / (1 - 0.8) is a little more than 4.
        drawn = (math.ceil(round(share / (1 - share), 6)) for share in shares)
        return max([FEWEST_REPLAY, *drawn])

    @cached_property
    def term_shards(self) -> dict[str, str]:
        """The digest of each shard's terms, by shard; it changes when one of them does."""
        digests = {entry.term_id: entry_digest(entry) for entry in self.entries}
        weights = {entry.term_id: entry.weight for entry in self.entries}
        return {
            shard: digest([[digests[term], weights[term]] for term in sorted(terms)])
            for shard, terms in group_by_shard(digests, self.shards).items()
        }

    @cached_property
    def replay_shards(self) -> dict[str, str]:
        """The digest of each shard's replay sentences, by shard."""
        groups = group_by_shard(self.sentences, self.replay_parts)
        return {shard: digest(sorted(sentences)) for shard, sentences in groups.items()}

    @cached_property
    def spellings(self) -> str:
        """A digest of all that a term can be written as."""
        return digest(sorted({*(form for one in self.entries for form in one.spellings)}))

    @cached_property
    def prompt(self) -> str:
        """A digest of the terms that are offered to a prompt."""
        return digest(prompt_order(self.entries))

    @cached_property
    def casting(self) -> Casting:
        """Who speaks how often."""
        speech = self.config.speech
        return Casting(
            train=tuple(map(_voice, self.config.training_voices())),
            development=tuple(map(_voice, self.config.development_voices())),
            isolated=speech.isolated_per_term,
            in_carriers=speech.carriers_per_term,
            held_out=self.config.development.fraction,
            contrast=speech.contrast_per_rival,
        )

    def base_files(self, model: str) -> list[str]:
        """The files of a base model that is a local directory; none for one from the hub."""
        directory = Path(self.config.models[model])
        # Folders (build/, .git) are nothing of the model, and Snakemake would go by their times.
        files = (path for path in directory.glob("[!.]*") if path.is_file())
        return sorted(str(path) for path in files if path.suffix != ".md")

    def exports(self) -> list[str]:
        """What is exported of a model, as paths in its folder."""
        names = [_EXPORTED[name] for name in self.config.export.formats]
        return [f"{recipe}/{name}" for recipe in self.recipes for name in names]

    def uses_encodings(self, recipe: str) -> bool:
        """Whether a recipe reads the encoder's output instead of running it."""
        return self.config.recipes[recipe].cached_encoder

    def asks_base(self, recipe: str) -> bool:
        """Whether a recipe's replay is labelled by the base model."""
        return self.config.recipes[recipe].asks_base

    def labels(self, recipe: str) -> str:
        """The kind of labels that a recipe trains on: timed or untimed."""
        return "timed" if self.config.recipes[recipe].timestamps else "untimed"

    def encodings_for_labels(self, layout: str) -> bool:
        """Whether the encoder's output is there for labelling: a recipe reads it."""
        return any(
            self.layout(name) == layout and self.uses_encodings(name) and self.asks_base(name)
            for name in self.config.recipes
        )

    @property
    def recipes(self) -> list[str]:
        """The recipes that are compared."""
        return [name for name in self.config.systems if name in self.config.recipes]

    def layouts_in(self, results: str | Path) -> list[str]:
        """The kinds of windows of all terms that the systems train on, or that results know."""
        folders = [Path(results, "windows")]
        folders += [Path(results, model, "encodings") for model in self.config.models]
        made = {table.stem for folder in folders for table in folder.glob("[!.]*.tsv")}
        known = made | set(map(self.layout, self.recipes))
        return sorted(layout for layout in known if not layout.endswith(OF_MISHEARD))

    def layout(self, recipe: str) -> str:
        """The kind of windows that a recipe trains on: packed or single, maybe OF_MISHEARD."""
        settings = self.config.recipes[recipe]
        which = OF_MISHEARD if settings.terms == "misheard" else ""
        return ("packed" if settings.packed else "single") + which


def read_plan(mapping: Mapping, source: str | Path) -> Plan:
    """Read the configuration and every file that it names.

    Args:
        mapping: Snakemake's `config`.
        source: the file that most of it comes from.

    Raises:
        UserError: with the faults of the configuration or, if it has none, of all files.
    """
    config = load_config(mapping, source)
    faults: list[Fault] = config.check_files(".")
    if faults:
        raise UserError(faults)
    entries = _collect(faults, read_dictionaries, config.dictionaries)
    recordings = _collect(faults, read_recordings, config.recordings)
    sentences = _collect(faults, read_replay, config.replay)
    carriers = _collect(faults, read_carriers, config.carriers)
    uses = _collect(faults, read_sentences, config.sentences)
    own = _collect(
        faults, lambda paths: read_replay_recordings(paths, recordings), config.replay_recordings
    )
    if faults:
        raise UserError(faults)
    spoken = sentences[: config.speech.replay_sentences]
    entries = share_sentences(entries, uses)
    notices = classes_without_templates(entries, carriers)
    plan = Plan(
        config, tuple(entries), tuple(recordings), tuple(spoken), tuple(own), tuple(notices)
    )
    if faults := [*_replay_faults(plan)]:
        raise UserError(faults)
    return plan


def _replay_faults(plan: Plan) -> Iterator[Fault]:
    """Recordings that no recipe can use, and recipes that have no replay to use."""
    recipes = {name: plan.config.recipes[name] for name in plan.recipes}
    unwritten = [one for one in plan.replay_recordings if not one.text]
    # One that is not compared now may be later, and others pass such recordings over.
    if unwritten and not any(recipe.asks_base for recipe in plan.config.recipes.values()):
        problem = f"{len(unwritten)} recordings for replay have no transcript, this one first"
        cure = "fill in the column text, or write replay_labels: base in a recipe"
        yield unwritten[0].fault(problem, cure)
    if plan.sentences or any(one.text for one in plan.replay_recordings):
        return
    for name, recipe in recipes.items():
        if recipe.replay and not recipe.asks_base:
            problem = f"recipes.{name} takes its replay from texts, and there is none"
            cure = "raise speech.replay_sentences, or write replay_labels: base or replay: 0"
            yield Fault(problem, cure)


def _collect(faults: list[Fault], read, argument):
    """What `read` returns; its faults are kept for later, with those of the other files."""
    try:
        return read(argument)
    except UserError as error:
        faults += error.faults
        return ()


def _voice(settings: VoiceSettings) -> Voice:
    return Voice(**{field.name: getattr(settings, field.name) for field in fields(Voice)})
