"""Convert a model directory to the one file that whisper.cpp reads."""

from whisper_terms.errors import run_script
from whisper_terms.export_arguments import parse_export


def main() -> None:
    arguments = parse_export(__doc__, output="the .bin file to write")
    from whisper_terms.ggml_format import export_ggml

    export_ggml(arguments.checkpoint, arguments.output, arguments.precision)


if __name__ == "__main__":
    run_script(main)
