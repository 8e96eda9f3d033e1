"""The frozen encoder's output, computed once a window and kept in half precision.

A frozen encoder gives the same answer in every epoch, so every recipe that keeps it frozen reads
these files instead of running it. Names are digests of the base model and of what is heard: only
windows that changed are encoded again.
"""

import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration

from whisper_terms.errors import Fault, UserError
from whisper_terms.progress import progress
from whisper_terms.sharding import digest, file_sha256
from whisper_terms.tables import atomic_path, read_table
from whisper_terms.windows import SAMPLE_RATE, Window, window_audio

COLUMNS = "window file".split()


def weights_digest(model_directory: str | Path) -> str:
    """The SHA-256 of a model directory's weights.

    Raises:
        UserError: it holds none.
    """
    paths = sorted(Path(model_directory).glob("*.safetensors"))
    if not paths:
        cure = "name a model directory, such as results/nano/base/checkpoint"
        raise UserError(Fault("holds no weights (*.safetensors)", cure, model_directory))
    return file_sha256(*paths)


def window_features(window: Window, extractor: WhisperFeatureExtractor) -> np.ndarray:
    """The log-Mel spectrogram of a window: float32, shape (Mel bins, 3000)."""
    features = extractor(window_audio(window), sampling_rate=SAMPLE_RATE, return_tensors="np")
    return features.input_features[0].astype(np.float32)


def encode_windows(
    windows: Sequence[Window],
    model: WhisperForConditionalGeneration,
    extractor: WhisperFeatureExtractor,
    store: Path,
    base: str,
    batch_size: int = 8,
) -> dict[str, Path]:
    """Encode what the store lacks.

    Args:
        windows: what to encode.
        model: whose encoder; it runs where its weights are.
        extractor: the model's own.
        store: folder of the encodings, one .npy a window: float16, shape (1500, width).
        base: digest of the weights.
        batch_size: windows in one pass.

    Returns:
        The file of each window, by window id.

    Raises:
        UserError: the disk can't hold them.
    """
    files = {window.id: encoding_path(store, base, window.id) for window in windows}
    size = model.config.max_source_positions * model.config.d_model * 2
    missing = [window for window in windows if not _is_written(files[window.id], size)]
    _check_disk(store, len(missing), size)
    encoder = model.get_encoder().eval()
    firsts = range(0, len(missing), batch_size)
    for first in progress(firsts, "encoding", total=len(firsts)):
        batch = missing[first : first + batch_size]
        for window, encoding in zip(batch, _encode(batch, encoder, extractor), strict=True):
            with atomic_path(files[window.id]) as temporary:
                np.save(temporary, encoding)
    return files


def encoding_path(store: Path, base: str, window: str) -> Path:
    """Where a window's encoding lies, made already or not.

    Args:
        store: folder of the encodings.
        base: digest of the base model's weights.
        window: the window's id.
    """
    return store / f"{digest([base, window], length=32)}.npy"


def read_encodings(path: str | Path) -> dict[str, Path]:
    """The file of each window, by window id, from the table that says so."""
    return {row["window"]: Path(row["file"]) for row in read_table(path, COLUMNS)}


def find_encodings(path: str | Path) -> dict[str, Path]:
    """The same, of files that are there.

    Raises:
        UserError: some of them are gone.
    """
    files = read_encodings(path)
    gone = [file for file in files.values() if not _is_written(file)]
    if gone:
        problem = f"{len(gone)} of {len(files)} encodings are gone"
        cure = "delete this table, and run the same again: what is missing is encoded anew"
        raise UserError(Fault(problem, cure, path, value=str(gone[0])))
    return files


def _is_written(file: Path, size: int = 0) -> bool:
    """Whether a file is there, with more than so many bytes.

    After a power failure a file may be there and hold nothing.
    """
    return file.exists() and file.stat().st_size > size


@torch.inference_mode()
def _encode(batch: Sequence[Window], encoder, extractor) -> Iterator[np.ndarray]:
    features = torch.from_numpy(np.stack([window_features(one, extractor) for one in batch]))
    # (batch, Mel bins, 3000) -> (batch, 1500, width)
    hidden = encoder(features.to(encoder.device, encoder.dtype)).last_hidden_state
    yield from hidden.to("cpu", torch.float16).numpy()


def _check_disk(store: Path, count: int, size: int) -> None:
    store.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(store).free
    needed = f"{count * size / 1e9:.1f} GB, {free / 1e9:.1f} GB are free"
    if count:
        print(f"{count} windows to encode need {needed}", file=sys.stderr)
    if count * size > free:
        problem = f"the encodings need {needed}"
        cure = "free some space, put `results` on a larger disk, or set cached_encoder: false"
        raise UserError(Fault(problem, cure, store))
