"""The machine that was measured on."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil
import torch

from whisper_terms.devices import has_bfloat16

_PACKAGES = (
    "torch transformers snakemake openai-whisper ctranslate2 faster-whisper pyopenjtalk-plus"
).split()


def describe_machine() -> list[dict[str, str]]:
    """Rows of a table with the columns name and value."""
    facts = {
        "CPU": _processor(),
        "bfloat16": "yes" if has_bfloat16(torch.device("cpu")) else "no",
        "cores": str(os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 1e9:.1f} GB",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }
    return [{"name": name, "value": value} for name, value in facts.items()]


def _processor() -> str:
    """The model's name; on Linux only the kernel tells it."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text(encoding="utf-8").splitlines() if table.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown")
