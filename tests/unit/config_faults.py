"""The faults of a configuration, for the tests of what users are told."""

from pathlib import Path

import pytest

from whisper_terms.config import load_config
from whisper_terms.errors import UserError


def faults_of(mapping: dict, source: str | Path = "missing.yaml") -> list:
    with pytest.raises(UserError) as caught:
        load_config(mapping, source)
    return caught.value.faults


def only_fault(mapping: dict):
    faults = faults_of(mapping)
    assert len(faults) == 1, [str(fault) for fault in faults]
    return faults[0]
