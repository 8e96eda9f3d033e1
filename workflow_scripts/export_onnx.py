"""Convert a model directory to the files that sherpa-onnx reads."""

from whisper_terms.errors import run_script
from whisper_terms.export_arguments import parse_export


def main() -> None:
    arguments = parse_export(__doc__, output="the directory to write")
    from whisper_terms.onnx_format import export_onnx

    export_onnx(arguments.checkpoint, arguments.output, arguments.precision)


if __name__ == "__main__":
    run_script(main)
