"""Rows of a manifest and windows, with or without sound."""

import random
from pathlib import Path

import numpy as np
import soundfile

from whisper_terms.windows import SAMPLE_RATE, Placed, Window


def manifest_row(number: int, seconds: float = 2.0, **changes) -> dict[str, str]:
    """An utterance of a term of its own."""
    return {
        "audio": f"store/{number:04d}.wav",
        "text": f"文{number}です。",
        "seconds": f"{seconds:.3f}",
        "split": "train",
        "kind": "context",
        "term_id": f"t{number:010x}",
        "voice": "one",
    } | changes


def random_rows(count: int, seed: int = 0) -> list[dict[str, str]]:
    """Utterances of `count` / 4 terms, of all lengths, in both splits, and some replay."""
    chance = random.Random(seed)
    rows = []
    for number in range(count):
        term = f"t{chance.randrange(count // 4):010x}"
        text = f"文{number}" + "に痙攣が続く" * chance.randrange(1, 9)
        kind = chance.choice(["term", "context", "context", "replay"])
        row = manifest_row(number, chance.uniform(0.4, 9.0), text=text, kind=kind, term_id=term)
        row["split"] = chance.choice(["train", "train", "train", "dev"])
        rows.append(row | ({"term_id": ""} if kind == "replay" else {}))
    return rows


def write_tone(path: Path, seconds: float, hertz: float = 300.0) -> Path:
    """A recording that differs by its pitch."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * hertz * time), SAMPLE_RATE, subtype="PCM_16")
    return path


def sounding_windows(folder: Path, count: int, kind: str = "context") -> list[Window]:
    """Windows of two utterances each, whose audio exists."""
    windows = []
    for number in range(count):
        placed = tuple(
            Placed(
                str(
                    write_tone(folder / f"{kind}-{number}-{half}.wav", 1, 200 + 37 * number + half)
                ),
                f"文{number}の{'前後'[half]}",
                start=0.3 + 2 * half,
                end=1.3 + 2 * half,
                kind=kind,
                term_id="" if kind == "replay" else f"t{number}",
                voice="one",
            )
            for half in range(2)
        )
        windows.append(Window(f"{kind}-{number}", "train", placed))
    return windows
