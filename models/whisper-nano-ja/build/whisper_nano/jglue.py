"""Sentences of JGLUE's data sets, collected into one table.

JGLUE (Kurihara, Kawahara and Shibata, "JGLUE: Japanese general language understanding evaluation",
LREC 2022) holds captions (JSTS, JNLI), questions (JCommonsenseQA) and sentences of Wikipedia with
questions about them (JSQuAD).
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from whisper_terms.errors import Fault, UserError

COLUMNS = ["source", "text"]
# The parts that the bundled model was trained on. JSQuAD's and JNLI's training data are not among
# them: they would multiply the text, not its variety.
DATA_SETS = {
    "jsts": ("train", "valid"),
    "jnli": ("valid", "test"),
    "jcommonsenseqa": ("test", "train", "valid"),
    "jsquad": ("valid", "test"),
}
_SHORTEST, _LONGEST = 6, 60  # characters


def collect_sentences(folder: Path) -> Iterator[dict[str, str]]:
    """Rows of `source` and `text`, each text once.

    Args:
        folder: JGLUE's folder `datasets`.

    Raises:
        UserError: a data set is missing or not as JGLUE 1.3 has it.
    """
    seen = set()
    for name in DATA_SETS:
        for text in _read(folder, name):
            if _SHORTEST <= len(text) <= _LONGEST and text not in seen:
                seen.add(text)
                yield {"source": name, "text": text}


def _read(folder: Path, name: str) -> Iterator[str]:
    files = [
        path for part in DATA_SETS[name] for path in sorted(folder.glob(f"{name}-v*/{part}-*"))
    ]
    if not files:
        cure = "give the folder `datasets` of github.com/yahoojapan/JGLUE"
        raise UserError(Fault(f"holds no {name}", cure, folder))
    for path in files:
        try:
            for text in _texts(name, path.read_text(encoding="utf-8")):
                yield re.sub(r"[\t\r\n]+", " ", text).strip()
        except (KeyError, ValueError, TypeError) as error:
            cure = "get JGLUE 1.3 again"
            raise UserError(Fault(f"is not as expected: {error!r}", cure, path)) from error


def _texts(name: str, content: str) -> Iterator[str]:
    """The sentences of a file: JSON, for JSQuAD one document and else one row a line."""
    if name == "jsquad":
        for article in json.loads(content)["data"]:
            for paragraph in article["paragraphs"]:
                yield from _article_sentences(paragraph["context"])
                yield from (question["question"] for question in paragraph["qas"])
        return
    keys = ["question"] if name == "jcommonsenseqa" else ["sentence1", "sentence2"]
    for line in content.splitlines():
        row = json.loads(line)
        yield from (row[key] for key in keys)


def _article_sentences(context: str) -> Iterator[str]:
    # "Title [SEP] sentence. sentence."
    for sentence in re.split("(?<=。)", context.split("[SEP]")[-1]):
        if sentence.strip():
            yield sentence
