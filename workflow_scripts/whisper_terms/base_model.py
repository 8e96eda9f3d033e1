"""A Whisper model with its tokenizer, feature extractor and generation settings, read and written.

A *model directory* is what the hub publishes and what faster-whisper, CTranslate2 and
transformers read: weights, config.json, generation_config.json, tokenizer.json, vocab.json,
merges.txt, preprocessor_config.json.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import (
    GenerationConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)

from whisper_terms.errors import Fault, UserError
from whisper_terms.model_files import check_model_files, find_model

GENERATION_CONFIG = "generation_config.json"
# From this size on a vocabulary has the language tokens that a multilingual prompt is made of.
MULTILINGUAL_VOCABULARY = 51_865


@dataclass(frozen=True)
class Base:
    """A model and what belongs to it.

    Attributes:
        model: the weights, in float32, on the CPU, in evaluation mode.
        tokenizer: its tokenizer, timestamps included.
        feature_extractor: log-Mel settings (16 kHz; 80 bins, or 128 from large-v3 on).
        generation_config: suppressed tokens, language ids, alignment heads.
        directory: the model directory that all of it was read from.
    """

    model: WhisperForConditionalGeneration
    tokenizer: WhisperTokenizer
    feature_extractor: WhisperFeatureExtractor
    generation_config: GenerationConfig
    directory: Path


@dataclass(frozen=True)
class SpecialIds:
    """Token ids that prompts and labels are made of."""

    start: int
    language: int
    transcribe: int
    no_timestamps: int
    timestamp_begin: int
    no_speech: int
    end: int


def load_base(spec: str) -> Base:
    """Load a model from a model directory or from the Hugging Face hub.

    Args:
        spec: a directory, or a hub id such as `openai/whisper-medium`.

    Raises:
        UserError: there is no such directory or id, the hub can't be reached, or what is there is
            not a whole multilingual Whisper model.
    """
    directory = find_model(spec)
    check_model_files(directory)
    try:
        model, info = WhisperForConditionalGeneration.from_pretrained(
            directory, dtype=torch.float32, local_files_only=True, output_loading_info=True
        )
        tokenizer = WhisperTokenizer.from_pretrained(directory, local_files_only=True)
        extractor = WhisperFeatureExtractor.from_pretrained(directory, local_files_only=True)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
        raise UserError(
            Fault(f"the model can't be loaded: {error}", "get the model again", directory)
        ) from error
    faults = list(_disagreements(model, tokenizer, extractor, info["missing_keys"]))
    if faults:
        raise UserError(Fault(problem, cure, directory) for problem, cure in faults)
    return Base(model.eval(), tokenizer, extractor, model.generation_config, directory)


def special_ids(tokenizer: WhisperTokenizer, language: str = "ja") -> SpecialIds:
    """Look the special tokens up by name: large-v3's ids are higher by one from `<|translate|>` on.

    Args:
        tokenizer: a multilingual Whisper tokenizer.
        language: Whisper's code of a language.

    Raises:
        UserError: the tokenizer lacks one of them.
    """
    names = {
        "start": ["<|startoftranscript|>"],
        "language": [f"<|{language}|>"],
        "transcribe": ["<|transcribe|>"],
        "no_timestamps": ["<|notimestamps|>"],
        "timestamp_begin": ["<|0.00|>"],
        # Called <|nocaptions|> on the hub up to large-v2.
        "no_speech": ["<|nospeech|>", "<|nocaptions|>"],
        "end": ["<|endoftext|>"],
    }
    # Not convert_tokens_to_ids: it answers with the id of <|endoftext|> for what it doesn't know.
    ids = tokenizer.get_vocab()
    found = {
        key: next((ids[name] for name in names_of_one if name in ids), None)
        for key, names_of_one in names.items()
    }
    missing = [names[key][0] for key, token_id in found.items() if token_id is None]
    if missing:
        raise UserError(
            Fault(
                f"the tokenizer lacks {', '.join(missing)}",
                "use a multilingual Whisper model, with its own tokenizer, that knows the language",
                tokenizer.name_or_path,
            )
        )
    return SpecialIds(**found)


def alignment_heads(base: Base) -> list[tuple[int, int]]:
    """The (layer, head) pairs of the decoder that follow the sound, for times of words.

    Distilled models carry those of their teacher, whose decoder has more layers; pairs that the
    decoder lacks are left out. Where none is left, all heads of its upper half: what openai-whisper
    and CTranslate2 take where nothing is known.
    """
    layers = base.model.config.decoder_layers
    heads = base.model.config.decoder_attention_heads
    known = getattr(base.generation_config, "alignment_heads", None) or ()
    there = [(layer, head) for layer, head in known if layer < layers and head < heads]
    return there or [(layer, head) for layer in range(layers // 2, layers) for head in range(heads)]


def save_model(directory: str | Path, model: WhisperForConditionalGeneration, base: Base) -> None:
    """Write `model` as a model directory, with everything else taken from `base`.

    The directory appears whole: it is written beside its place and then moved there.

    Args:
        directory: where to write; an existing model directory is replaced.
        model: the weights, written in the precision that they have.
        base: what the model was made from; generation_config.json is copied byte for byte.

    Raises:
        UserError: the directory holds files that are not a model's.
    """
    with new_directory(Path(directory)) as temporary:
        model.save_pretrained(temporary, max_shard_size="50GB")
        # transformers 5 saves one joint processor_config.json and tokenizer.json only, but
        # faster-whisper wants preprocessor_config.json (else large-v3's 128 bins become 80),
        # and whisper.cpp wants vocab.json.
        WhisperProcessor(base.feature_extractor, base.tokenizer).save_pretrained(temporary)
        base.feature_extractor.save_pretrained(temporary)
        base.tokenizer.save_vocabulary(str(temporary))
        original = base.directory / GENERATION_CONFIG
        if original.is_file():
            shutil.copyfile(original, temporary / GENERATION_CONFIG)
        else:
            base.generation_config.save_pretrained(temporary)


def link_model(source: str | Path, directory: str | Path) -> None:
    """Put a model directory in a second place, which takes no room where the disk has hard links.

    Args:
        source: a model directory; its files must never be written to, only replaced.
        directory: where to put it; an existing model directory is replaced.

    Raises:
        UserError: the directory holds files that are not a model's.
    """
    with new_directory(Path(directory)) as temporary:
        for path in Path(source).iterdir():
            try:
                os.link(path, temporary / path.name)
            except OSError:
                shutil.copyfile(path, temporary / path.name)


def _disagreements(
    model: WhisperForConditionalGeneration,
    tokenizer: WhisperTokenizer,
    extractor: WhisperFeatureExtractor,
    missing_weights: set[str],
) -> Iterator[tuple[str, str]]:
    """What loads without an error and would go wrong later."""
    config = model.config
    if missing_weights:
        # transformers fills them with random numbers.
        some = ", ".join(sorted(missing_weights)[:3])
        yield f"{len(missing_weights)} weights are missing ({some})", "get the model again"
    if config.vocab_size < MULTILINGUAL_VOCABULARY:
        yield "knows English only", "use the multilingual model, whose name has no .en"
    if len(tokenizer) > config.vocab_size:
        yield (
            f"its tokenizer has {len(tokenizer)} ids, its weights {config.vocab_size}",
            "give the model its own tokenizer",
        )
    if extractor.feature_size != config.num_mel_bins:
        yield (
            f"its preprocessor makes {extractor.feature_size} Mel bins, its weights take "
            f"{config.num_mel_bins}",
            "give the model its own preprocessor_config.json",
        )


@contextmanager
def new_directory(target: Path) -> Iterator[Path]:
    """Give a temporary directory beside `target`; put it in the place of `target` at the end."""
    target = target.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        new, old = work / "new", work / "old"
        new.mkdir()
        yield new
        for path in new.iterdir():
            # safetensors makes private files; these are shared like the directory they are in.
            shared = new.stat().st_mode & 0o666
            # A hard link may be to a file of somebody else, whose mode only they can change.
            if path.stat().st_mode & 0o777 != shared:
                path.chmod(shared)
            _flush(path)
        if target.exists():
            _check_replaceable(target, new)
            target.rename(old)
        try:
            new.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
    finally:
        shutil.rmtree(work)


def _flush(path: Path) -> None:
    """Write a file to the disk: after a power failure an empty one would stand here for good."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _check_replaceable(target: Path, new: Path) -> None:
    """Refuse to delete what this program did not write."""
    if not target.is_dir():
        raise UserError(Fault("is a file", "give a directory", target))
    written = {path.name for path in new.iterdir()}
    strange = sorted(path.name for path in target.iterdir() if path.name not in written)
    if strange:
        raise UserError(
            Fault(
                f"holds other files ({', '.join(strange[:3])}), which would be lost",
                "give a new or an empty directory",
                target,
            )
        )
