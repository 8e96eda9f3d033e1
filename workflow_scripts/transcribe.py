"""Transcribe recordings with one model, with or without the terms in its prompt."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from whisper_terms.errors import run_script


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, type=Path, help="the .pt file")
    parser.add_argument(
        "--recordings", required=True, type=Path, nargs="+", help="tables: audio, text, test_set"
    )
    parser.add_argument("--output", required=True, type=Path, help="directory for the transcripts")
    parser.add_argument(
        "--prompt-dictionaries",
        type=Path,
        nargs="+",
        help="dictionaries; as many of their terms as fit go into the prompt",
    )
    parser.add_argument("--language", default="ja", help="Whisper's language code (default: ja)")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:1, …")
    parser.add_argument(
        "--batch-size",
        type=int,
        default=8,
        help="recordings transcribed together (default: %(default)s)",
    )
    parser.add_argument(
        "--beam-size",
        type=int,
        default=5,
        help="beams of the search; 1 is greedy (default: %(default)s)",
    )
    parser.add_argument(
        "--padding-frames",
        type=int,
        help="frames computed of the silence behind a recording, for speed (default: all)",
    )
    parser.add_argument("--threads", type=int, help="CPU threads (default: torch's choice)")
    return parser.parse_args()


def read_prompt(dictionaries: Sequence[Path], language: str) -> str | None:
    """The prompt of dictionaries' terms; says on standard error how many of them fit."""
    from whisper_terms.dictionary import prompt_order, read_dictionaries
    from whisper_terms.transcription import build_prompt, load_tokenizer

    surfaces = prompt_order(read_dictionaries(dictionaries))
    prompt, count = build_prompt(surfaces, load_tokenizer(language))
    print(f"prompt: {count} of {len(surfaces)} terms fit", file=sys.stderr)
    return prompt or None


def main() -> None:
    arguments = parse_arguments()
    from whisper_terms.devices import prepare_cpu
    from whisper_terms.recordings import read_recordings
    from whisper_terms.transcription import Decoding, transcribe_recordings

    prepare_cpu(arguments.threads)
    recordings = read_recordings(arguments.recordings)
    terms = arguments.prompt_dictionaries
    transcribe_recordings(
        arguments.model,
        recordings,
        arguments.output,
        Decoding(
            language=arguments.language,
            prompt=read_prompt(terms, arguments.language) if terms else None,
            beam_size=arguments.beam_size,
        ),
        device=arguments.device,
        batch_size=arguments.batch_size,
        padding_frames=arguments.padding_frames,
    )


if __name__ == "__main__":
    run_script(main)
