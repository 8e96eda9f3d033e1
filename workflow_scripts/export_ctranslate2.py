"""Convert a model directory for CTranslate2: faster-whisper, WhisperX."""

from whisper_terms.errors import run_script
from whisper_terms.export_arguments import parse_export


def main() -> None:
    arguments = parse_export(__doc__, output="the directory to write")
    from whisper_terms.ctranslate2_format import export_ctranslate2

    export_ctranslate2(arguments.checkpoint, arguments.output, arguments.precision)


if __name__ == "__main__":
    run_script(main)
