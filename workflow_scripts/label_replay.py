"""Label replay by what the base model itself writes of it."""

import argparse
from pathlib import Path

from whisper_terms.errors import run_script


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--model", required=True, type=Path, help="the base model's .pt file")
    add("--windows", required=True, type=Path, help="table of windows")
    add("--encodings", type=Path, help="table of their encodings, where there is one")
    add("--labels", required=True, choices=["timed", "untimed"], help="with or without times")
    add("--state", required=True, type=Path, help="folder that keeps the answers")
    add("--output", required=True, type=Path, help="the table of windows with answers to write")
    add("--language", default="ja", help="Whisper's language code (default %(default)s)")
    add("--device", default="auto", help="auto (default), cpu or cuda")
    add("--batch-size", type=int, default=8, help="windows at once (default %(default)s)")
    add("--threads", type=int, help="CPU threads (default: torch's choice)")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    from whisper_terms.devices import choose_device, prepare_cpu
    from whisper_terms.encodings import find_encodings
    from whisper_terms.openai_format import load_openai
    from whisper_terms.replay_labels import (
        LABELLED,
        is_asked,
        label_replay,
        label_state,
        labelled_rows,
    )
    from whisper_terms.tables import write_table
    from whisper_terms.transcription import load_tokenizer
    from whisper_terms.windows import read_windows

    prepare_cpu(arguments.threads)
    windows = read_windows(arguments.windows)
    model = load_openai(arguments.model, choose_device(arguments.device))
    tokenizer = load_tokenizer(arguments.language, model.num_languages)
    how = {"language": arguments.language, "timestamps": arguments.labels == "timed"}
    labelled, left_out = label_replay(
        windows,
        model,
        tokenizer,
        label_state(arguments.state, arguments.model, **how),
        **how,
        encodings=find_encodings(arguments.encodings) if arguments.encodings else {},
        batch_size=arguments.batch_size,
    )
    write_table(arguments.output, LABELLED, labelled_rows(labelled, tokenizer))
    asked = sum(map(is_asked, windows))
    reasons = ", ".join(f"{count} that {reason}" for reason, count in left_out.items())
    print(f"{asked} windows asked about; answers left out: {reasons or 'none'}")


if __name__ == "__main__":
    run_script(main)
