"""Replay sentences: term-free text that keeps the model from forgetting."""

from pathlib import Path

from whisper_terms.errors import Fault, UserError


def read_replay(path: str | Path) -> list[str]:
    """Read the sentences, one a line; blank lines and repetitions are passed over.

    Raises:
        UserError: the file is missing, is not UTF-8, or holds no sentence.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(Fault("no such file", "check the path", path)) from None
    except UnicodeDecodeError as error:
        fault = Fault(f"not UTF-8 (byte {error.start})", "save the file as UTF-8", path)
        raise UserError(fault) from None
    sentences = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if not sentences:
        raise UserError(Fault("holds no sentence", "write one sentence a line", path))
    return sentences
