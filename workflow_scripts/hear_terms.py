"""Write down what a model hears of the terms' own synthetic speech."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from whisper_terms.errors import run_script


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--model", required=True, type=Path, help="the .pt file")
    add("--manifest", required=True, type=Path, help="results/manifest.tsv")
    add("--per-term", type=int, default=8, help="utterances of each term (default %(default)s)")
    add("--state", required=True, type=Path, help="folder that keeps what was heard")
    add("--output", required=True, type=Path, help="table to write: audio, term_id, text, heard")
    add("--language", default="ja", help="Whisper's language code (default: ja)")
    add("--device", default="auto", help="auto (default), cpu or cuda")
    add("--batch-size", type=int, default=8, help="utterances at once (default %(default)s)")
    add("--beam-size", type=int, default=5, help="beams; 1 is greedy (default %(default)s)")
    add("--padding-frames", type=int, help="computed of the silence behind each (default: all)")
    add("--threads", type=int, help="CPU threads (default: torch's choice)")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    from whisper_terms.devices import prepare_cpu
    from whisper_terms.hearing import HEARD, choose_utterances, hear_utterances
    from whisper_terms.recordings import Recording
    from whisper_terms.segments import join_segments
    from whisper_terms.tables import UTTERANCES, read_table, write_table
    from whisper_terms.transcription import Decoding, listen

    decoding = Decoding(language=arguments.language, beam_size=arguments.beam_size)

    def listen_to(files: list[Path]) -> Iterator[tuple[Path, str]]:
        recordings = [Recording(path, "", "", str(path)) for path in files]
        for recording, _, one in listen(
            arguments.model,
            recordings,
            decoding,
            device=arguments.device,
            batch_size=arguments.batch_size,
            padding_frames=arguments.padding_frames,
        ):
            yield recording.audio, join_segments([segment["text"] for segment in one.segments])

    prepare_cpu(arguments.threads)
    chosen = choose_utterances(read_table(arguments.manifest, UTTERANCES), arguments.per_term)
    how = [arguments.language, arguments.beam_size, arguments.padding_frames or 0]
    rows = hear_utterances(chosen, arguments.model, how, arguments.state, listen_to)
    write_table(arguments.output, HEARD, rows)


if __name__ == "__main__":
    run_script(main)
