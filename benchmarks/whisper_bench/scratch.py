"""A folder in which the workflow runs as it stands, with a configuration and results of its own."""

import os
from collections.abc import Mapping
from pathlib import Path

import yaml

from whisper_bench.lexicon import draw_terms, write_dictionary
from whisper_terms.tables import write_text

ROOT = Path(__file__).resolve().parents[2]
DICTIONARY = "terms.csv"
RESULTS = "results"
CONFIG = "benchmark.yaml"
_LINKED = (
    "Snakefile rules workflow_scripts envs profiles config.yaml dictionaries recordings models"
).split()


def make_scratch(folder: Path, terms: int, config: Mapping[str, object]) -> None:
    """Link the workflow into a folder and write a dictionary and a configuration.

    Args:
        folder: an empty folder, or one to be made.
        terms: how many the dictionary has, see `draw_terms`.
        config: keys of the workflow's configuration that differ from config.yaml.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in _LINKED:
        os.symlink(ROOT / name, folder / name)
    write_dictionary(folder / DICTIONARY, dict(draw_terms(terms)))
    keys = {"dictionaries": [DICTIONARY], "results": RESULTS, **config}
    write_text(folder / CONFIG, yaml.safe_dump(keys, allow_unicode=True))


def workflow_arguments(*arguments: str) -> list[str]:
    """Snakemake's arguments for a run in such a folder."""
    return ["--configfile", CONFIG, "--cores", "all", *arguments]
