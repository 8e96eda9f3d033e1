"""How fast the encoder runs over windows, against what this machine can multiply."""

import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import soundfile

from whisper_bench.measure import measure_call
from whisper_bench.rows import Row
from whisper_bench.scratch import ROOT
from whisper_terms.errors import Fault, UserError
from whisper_terms.recordings import read_recordings
from whisper_terms.windows import PackingRules, Window, pack

PART = "encoding"
# Side of the square matrices whose product tells the machine's rate, and how often it is taken.
_SIDE, _TIMES = 2048, 8
_RULES = PackingRules(seconds=30.0, gap=(0.2, 0.8), max_tokens=440, most=10**6)


class _Encoded(NamedTuple):
    """Seconds for some windows: from audio to files, and of the encoder alone; its FLOPs."""

    seconds: float
    encoder_seconds: float
    flops: int


def measure_encoding(models: Mapping[str, int]) -> Iterator[dict[str, str]]:
    """The lines of the part.

    Args:
        models: the number of windows, by size of the model.
    """
    rates = {name: measure_call(multiply, name).result for name in ("float32", "bfloat16")}
    size = f"{_SIDE} x {_SIDE}"
    products = {
        name: Row(PART, f"matrix product, {name}", size, seconds, 2 * _SIDE**3 / 1e9, "GFLOP")
        for name, seconds in rates.items()
    }
    yield products["float32"].cells()
    yield products["bfloat16"].cells(products["float32"])
    for model, count in models.items():
        yield from _model_lines(model, recorded_windows(count), products["float32"])


def recorded_windows(count: int) -> list[Window]:
    """Windows of the demonstration's recordings, packed as training utterances are.

    Raises:
        UserError: the recordings do not fill so many.
    """
    rows = [
        {
            "audio": str(recording.audio),
            "text": recording.text,
            "seconds": str(soundfile.info(str(recording.audio)).duration),
            "split": "train",
            "kind": "replay",
            "term_id": "",
            "voice": "",
        }
        for recording in read_recordings([ROOT / "recordings" / "demo.tsv"])
    ]
    windows = pack(rows, _RULES, shards=1)
    if len(windows) < count:
        problem = f"the recordings fill {len(windows)} windows"
        raise UserError(Fault(problem, "lower encoding.models", value=str(count)))
    return windows[:count]


def multiply(dtype: str) -> float:
    """Seconds of a product of two square matrices, the best of several."""
    import torch

    left, right = (torch.randn(_SIDE, _SIDE).to(getattr(torch, dtype)) for _ in range(2))
    seconds = []
    for _ in range(_TIMES):
        start = time.perf_counter()
        left @ right
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def encode(size: str, windows: list[Window]) -> _Encoded:
    """Encode windows twice: as the workflow does, and from spectrograms that are ready."""
    import numpy as np
    import torch

    from whisper_bench.models import encoder_flops, load_model
    from whisper_terms.devices import prepare_cpu
    from whisper_terms.encodings import encode_windows, window_features

    prepare_cpu(None)
    base = load_model(size)
    features = np.stack([window_features(window, base.feature_extractor) for window in windows])
    spectrograms, encoder = torch.from_numpy(features), base.model.get_encoder()
    with torch.inference_mode():
        encoder(spectrograms[:1])  # warms up
        start = time.perf_counter()
        for batch in spectrograms.split(8):
            encoder(batch)
        alone = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as store:
        start = time.perf_counter()
        encode_windows(windows, base.model, base.feature_extractor, Path(store), "benchmark")
        whole = time.perf_counter() - start
    return _Encoded(whole, alone, encoder_flops(base.model.config))


def _model_lines(model: str, windows: list[Window], product: Row) -> Iterator[dict[str, str]]:
    measured = measure_call(encode, model, windows)
    encoded, count = measured.result, len(windows)
    size, flops = f"{model}, {count} windows", encoded.flops * count / 1e9
    alone = Row(PART, "encoder alone", size, encoded.encoder_seconds, count, "windows")
    share = Row(
        PART,
        "encoder's arithmetic",
        size,
        encoded.encoder_seconds,
        flops,
        "GFLOP",
        note=f"{encoded.flops / 1e9:.1f} GFLOP a window",
    )
    whole = Row(PART, "encode_windows", size, encoded.seconds, count, "windows", measured.peak_mb)
    yield alone.cells()
    yield share.cells(product)
    yield whole.cells(alone)
