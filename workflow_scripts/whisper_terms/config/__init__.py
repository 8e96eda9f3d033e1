"""The configuration: its models, how it is loaded, and every problem in it at once.

The pydantic models in `models` are the only definition. `schemas/config.schema.json`, `config.yaml`
and `docs/configuration.md` are generated from them by `workflow_scripts/generate_config_docs.py`.
"""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from whisper_terms.config.base import Settings
from whisper_terms.config.faults import Finding, read_findings
from whisper_terms.config.models import (
    Config,
    DevelopmentSettings,
    EvaluationSettings,
    ExportSettings,
    ResourceSettings,
    WindowSettings,
)
from whisper_terms.config.recipe import Recipe
from whisper_terms.config.references import check_references
from whisper_terms.config.source import Source
from whisper_terms.config.speech import CoquiSettings, SpeechSettings, VoiceSettings
from whisper_terms.errors import Fault, UserError

__all__ = [
    "Config",
    "CoquiSettings",
    "DevelopmentSettings",
    "EvaluationSettings",
    "ExportSettings",
    "Recipe",
    "ResourceSettings",
    "Settings",
    "SpeechSettings",
    "VoiceSettings",
    "WindowSettings",
    "check_syntax",
    "load_config",
    "read_config",
]


def load_config(mapping: Mapping, source: str | Path = "config.yaml") -> Config:
    """Validate a configuration that is already a mapping, such as Snakemake's `config`.

    Args:
        mapping: the keys, after Snakemake has merged `--configfile` and `--config` into them.
        source: the file that most of them come from; problems are shown with their line in it.

    Raises:
        UserError: the mapping is wrong; holds all of its problems.
    """
    origin = Source.locate(source)
    findings = list(origin.duplicates)
    if not isinstance(mapping, Mapping):
        raise UserError(Fault("must hold keys and values", "start from the example", origin.path))
    config = None
    try:
        config = Config.model_validate(mapping)
    except ValidationError as error:
        findings += read_findings(error)
    findings += check_references(mapping)
    if config is None or findings:
        raise UserError([_place(finding, origin, mapping) for finding in findings])
    return config


def read_config(path: str | Path = "config.yaml") -> Config:
    """Read and validate a configuration file.

    Raises:
        UserError: the file is missing, is no YAML, is empty or is wrong; holds all its problems.
    """
    return load_config(Source.read(path).data, path)


def check_syntax(path: str | Path) -> None:
    """Check that a file is a YAML mapping, before Snakemake reads it.

    Snakemake names neither the line nor the problem of broken YAML. Call this above `configfile:`.

    Raises:
        UserError: the file is missing, is no YAML, is empty or holds no keys.
    """
    Source.read(path)


def _place(finding: Finding, origin: Source, mapping: Mapping) -> Fault:
    """The finding with its file and line; values from elsewhere are said to be from elsewhere."""
    if origin.data is None or origin.holds(finding.location, mapping):
        file, row = str(origin.path), origin.row(finding.location)
    else:
        file, row = f"--config or --configfile (on top of {origin.path})", None
    return Fault(finding.problem, finding.cure, file, row, finding.value)
