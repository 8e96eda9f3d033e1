"""Transcripts of recordings, by openai-whisper's own program.

Decoding is beam search (or greedy, with one beam) at temperature 0 and each 30-s window stands
alone (no fallback to sampling, no conditioning on the text before), so that a transcript depends on
nothing but model and recording and two systems differ by their weights or their prompt only. (Where
the padding is sampled, see `padding.sample_padding`, recordings are cut as the longest of those
beside them wants it; that can change a text, too.) Everything else is openai-whisper's default:
timestamps, suppressed symbols, the silence threshold.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from whisper_terms.audio import SAMPLE_RATE, read_audio
from whisper_terms.devices import choose_device
from whisper_terms.errors import Fault, UserError
from whisper_terms.openai_format import load_openai
from whisper_terms.progress import progress
from whisper_terms.tables import TIMING, TIMING_FILE, TRANSCRIPT, write_table, write_text

if TYPE_CHECKING:
    import numpy as np
    from whisper.model import Whisper
    from whisper.tokenizer import Tokenizer

    from whisper_terms.batching import Transcription
    from whisper_terms.recordings import Recording

PROMPT_FILE = "prompt.txt"
PROMPT_SEPARATOR = "、"
# whisper.decoding keeps the last n_text_ctx // 2 - 1 tokens of a prompt; n_text_ctx is 448 in
# every published model.
PROMPT_TOKENS = 223


@dataclass(frozen=True)
class Decoding:
    """What a transcript depends on, beside model and recording.

    Attributes:
        language: Whisper's code of the language spoken.
        prompt: text put before every window as if it had been said, such as `build_prompt` makes.
        beam_size: beams of the search; 1 is greedy.
    """

    language: str = "ja"
    prompt: str | None = None
    beam_size: int = 5


def transcribe_recordings(
    model_path: str | Path,
    recordings: Sequence["Recording"],
    output_directory: str | Path,
    decoding: Decoding,
    device: str = "auto",
    batch_size: int = 8,
    padding_frames: int | None = None,
) -> None:
    """Transcribe recordings with one model, several at once.

    Writes, each file atomically, `{recording.id}.tsv` (start, end, text: seconds, and the text of
    one segment a row; no row where nothing was heard), `prompt.txt` if there is a prompt, and last
    `timing.tsv` (audio, seconds, compute_seconds: the recording's length, and its share of the
    wall-clock time, without loading the model or reading the audio).

    Args:
        model_path: a `.pt` file, as openai_format.export_openai writes it.
        recordings: what to transcribe; their ids name the files.
        output_directory: created if need be.
        decoding: how they are transcribed.
        device: `auto` (CUDA where there is one), or torch's name of a device.
        batch_size: recordings that are transcribed together.
        padding_frames: computed of the silence behind a recording, see `sample_padding`; None
            computes all of it, as openai-whisper does.

    Raises:
        UserError: model, device, language or a recording is not usable.
    """
    output = Path(output_directory)
    files = _output_files(recordings, output)
    (output / TIMING_FILE).unlink(missing_ok=True)
    heard = listen(model_path, recordings, decoding, device, batch_size, padding_frames)
    if decoding.prompt:
        write_text(output / PROMPT_FILE, decoding.prompt + "\n")
    timing = {}
    for recording, seconds, one in heard:
        write_table(files[recording.id], TRANSCRIPT, _rows(one.segments))
        timing[recording.id] = {
            "audio": recording.audio,
            "seconds": f"{seconds:.3f}",
            "compute_seconds": f"{one.compute_seconds:.3f}",
        }
    write_table(output / TIMING_FILE, TIMING, [timing[recording.id] for recording in recordings])


def listen(
    model_path: str | Path,
    recordings: Sequence["Recording"],
    decoding: Decoding,
    device: str = "auto",
    batch_size: int = 8,
    padding_frames: int | None = None,
) -> Iterator[tuple["Recording", float, "Transcription"]]:
    """Transcribe recordings with one model, those of similar length together.

    Arguments and errors are those of `transcribe_recordings`; an unusable language or model is an
    error at once.

    Returns:
        Recordings, in the order of their length, with their length in seconds and what was heard.
    """
    from whisper_terms.vocabulary import quicken_decoder

    # An unknown language ends here, before the model is loaded.
    load_tokenizer(decoding.language)
    model = load_openai(model_path, choose_device(device))
    if padding_frames:
        from whisper_terms.padding import sample_padding

        sample_padding(model, padding_frames)
    _warm_up(model)
    return _listen(quicken_decoder(model), recordings, decoding, batch_size)


def _listen(
    model: "Whisper",
    recordings: Sequence["Recording"],
    decoding: Decoding,
    batch_size: int,
) -> Iterator[tuple["Recording", float, "Transcription"]]:
    bar = iter(progress(recordings, "transcribe"))
    for batch in _batches(recordings, batch_size):
        sounds = [read_audio(recording.audio) for recording in batch]
        done = transcribe_samples(model, sounds, decoding)
        for recording, sound, one in zip(batch, sounds, done, strict=True):
            next(bar)
            yield recording, len(sound) / SAMPLE_RATE, one


def transcribe_samples(
    model: "Whisper",
    recordings: Sequence["np.ndarray"],
    decoding: Decoding,
) -> list["Transcription"]:
    """Transcribe recordings together, as the module's head says.

    Args:
        model: from openai_format.load_openai.
        recordings: float32, shape (samples,), 16,000 a second.
        decoding: how they are transcribed.
    """
    from whisper_terms.batching import transcribe_together

    return transcribe_together(
        model,
        recordings,
        language=decoding.language,
        initial_prompt=decoding.prompt,
        # Without it only the first window would see the prompt.
        carry_initial_prompt=decoding.prompt is not None,
        temperature=0.0,
        beam_size=decoding.beam_size if decoding.beam_size > 1 else None,
        condition_on_previous_text=False,
        fp16=model.device.type == "cuda",
    )


def build_prompt(
    surfaces: Iterable[str], tokenizer: "Tokenizer", limit: int = PROMPT_TOKENS
) -> tuple[str, int]:
    """Put as many terms as fit into a prompt.

    Args:
        surfaces: the terms, the most important first; one that doesn't fit is passed over, and
            shorter ones after it may still fit.
        tokenizer: openai-whisper's.
        limit: tokens that whisper keeps of a prompt; of a longer one it drops the beginning.

    Returns:
        the terms joined by 、 ("" if none fits), and their number.
    """
    prompt, count = "", 0
    for surface in surfaces:
        longer = f"{prompt}{PROMPT_SEPARATOR}{surface}" if prompt else surface
        # Encoded as whisper.transcribe does. It refuses text that spells a special token.
        if "<|" not in surface and len(tokenizer.encode(" " + longer)) <= limit:
            prompt, count = longer, count + 1
    return prompt, count


def load_tokenizer(language: str, num_languages: int = 99) -> "Tokenizer":
    """openai-whisper's multilingual tokenizer, of a model that knows so many languages.

    Raises:
        UserError: Whisper doesn't know the language.
    """
    from whisper.tokenizer import LANGUAGES, get_tokenizer

    if language not in LANGUAGES:
        raise UserError(
            Fault("Whisper knows no such language", "give its code, such as ja", value=language)
        )
    return get_tokenizer(multilingual=True, num_languages=num_languages, language=language)


def _batches(recordings: Sequence["Recording"], size: int) -> Iterator[Sequence["Recording"]]:
    """Recordings in batches of similar length: a batch lasts as long as its longest.

    The size of the file stands for its length.
    """
    by_length = sorted(recordings, key=lambda one: (_file_size(Path(one.audio)), one.id))
    for first in range(0, len(by_length), size):
        yield by_length[first : first + size]


def _file_size(path: Path) -> int:
    """In bytes; 0 for a file that is not there, which reading it will tell."""
    return path.stat().st_size if path.is_file() else 0


def _output_files(recordings: Sequence["Recording"], output: Path) -> dict[str, Path]:
    """The file of each recording, by its id; ValueError if two would share one."""
    files = {recording.id: output / f"{recording.id}.tsv" for recording in recordings}
    if len({*files.values(), output / TIMING_FILE}) != len(recordings) + 1:
        raise ValueError(f"recording ids are not unique or equal {TIMING_FILE!r}")
    return files


def _rows(segments: Iterable[Mapping]) -> Iterable[dict[str, str]]:
    for segment in segments:
        # A cell of a tab-separated table holds neither tabs nor line ends.
        if text := " ".join(segment["text"].split()):
            yield {
                "start": f"{segment['start']:.2f}",
                "end": f"{segment['end']:.2f}",
                "text": text,
            }


def _warm_up(model: "Whisper") -> None:
    """Encode silence once on a GPU: its first call loads kernels, which is no recording's time."""
    if model.device.type == "cuda":
        mel = torch.zeros(1, model.dims.n_mels, 2 * model.dims.n_audio_ctx, device=model.device)
        with torch.inference_mode():
            model.embed_audio(mel.half())
