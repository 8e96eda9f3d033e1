"""Run the base model's encoder over windows, once and for all recipes that keep it frozen."""

import argparse
from pathlib import Path

from whisper_terms.errors import run_script


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--base", required=True, type=Path, help="model directory")
    add("--windows", required=True, type=Path, help="table of windows")
    add("--store", required=True, type=Path, help="folder of the encodings")
    add("--output", required=True, type=Path, help="table of windows and files to write")
    add("--device", default="auto", help="auto (default), cpu or cuda")
    add("--threads", type=int, help="CPU threads (default: torch's choice)")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    from whisper_terms.base_model import load_base
    from whisper_terms.devices import choose_device, prepare_cpu
    from whisper_terms.encodings import COLUMNS, encode_windows, weights_digest
    from whisper_terms.tables import write_table
    from whisper_terms.windows import read_windows

    prepare_cpu(arguments.threads)
    base = load_base(str(arguments.base))
    files = encode_windows(
        read_windows(arguments.windows),
        base.model.to(choose_device(arguments.device)),
        base.feature_extractor,
        arguments.store,
        weights_digest(arguments.base),
    )
    rows = ({"window": name, "file": file.as_posix()} for name, file in files.items())
    write_table(arguments.output, COLUMNS, rows)


if __name__ == "__main__":
    run_script(main)
