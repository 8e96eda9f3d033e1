"""Where a model's files lie, and whether they are all there; nothing heavy is loaded here."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from whisper_terms.errors import Fault, UserError

WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
PROCESSORS = ("preprocessor", "processor")
# Repositories also hold the weights for other frameworks, and large-v3 a second copy in float32.
HUB_FILES = ["*.json", "*.txt", "model.safetensors", "model-*.safetensors"]
HUB_FILES_OLD = ["*.json", "*.txt", "pytorch_model*.bin"]
HUB_TIMEOUT = 5.0  # seconds


def find_model(spec: str) -> Path:
    """The local directory of a model: `spec` itself, or where the hub's files were stored.

    Raises:
        UserError: neither a directory nor an id that can be fetched.
    """
    directory = Path(spec)
    if spec and directory.is_dir():
        return directory
    # models/typo looks like a hub id; where ./models exists, a directory was meant.
    if not re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", spec) or directory.parent.is_dir():
        hint = f"; a hub id has two parts, such as openai/whisper-{spec}" if _is_word(spec) else ""
        raise UserError(Fault("no such model directory", f"check the path{hint}", spec))
    return _fetch(spec)


def check_model_files(directory: Path) -> None:
    """Raise UserError with everything that a model directory lacks."""
    faults = []
    if not (directory / "config.json").is_file():
        faults.append(("has no config.json", "give a directory in the hub's format"))
    else:
        faults.extend(_config_faults(directory / "config.json"))
    if not _has_weights(directory):
        faults.append(("has no weights", f"it needs one of {', '.join(WEIGHTS)}"))
    elif any(_is_lfs_pointer(path) for path in directory.glob("*.safetensors")):
        faults.append(("its weights are a Git LFS pointer", "run `git lfs pull` there"))
    if not (directory / "tokenizer.json").is_file() and not (
        (directory / "vocab.json").is_file() and (directory / "merges.txt").is_file()
    ):
        faults.append(("has no tokenizer", "it needs tokenizer.json, or vocab.json and merges.txt"))
    # transformers 5 writes the second only, and reads it first.
    if not any((directory / f"{name}_config.json").is_file() for name in PROCESSORS):
        faults.append(("has no preprocessor_config.json", "copy it from the model's own base"))
    if faults:
        raise UserError(Fault(problem, cure, directory) for problem, cure in faults)


def _fetch(hub_id: str) -> Path:
    """Download a hub id into the hub's cache; without a network, find it there.

    Not left to from_pretrained, which retries for half a minute without a network, nor to
    snapshot_download, which waits for ever where a firewall swallows what it sends.
    """
    from huggingface_hub import HfApi, snapshot_download

    # Network, proxy, permission, disk: many families of exceptions, one answer.
    try:
        HfApi().model_info(hub_id, timeout=HUB_TIMEOUT)  # is there a hub, and the model in it?
        return _download(hub_id)
    except Exception as error:
        try:
            return Path(snapshot_download(hub_id, local_files_only=True, allow_patterns=HUB_FILES))
        except Exception:
            raise _unreachable(hub_id, error) from error


def _download(hub_id: str) -> Path:
    from huggingface_hub import snapshot_download

    for patterns in (HUB_FILES, HUB_FILES_OLD):
        # By branch, not by commit: only so does the cache remember what the branch was.
        directory = Path(snapshot_download(hub_id, allow_patterns=patterns))
        if _has_weights(directory):
            break
    return directory


def _unreachable(hub_id: str, error: Exception) -> UserError:
    reason = next(iter(str(error).splitlines()), "") or type(error).__name__
    return UserError(
        Fault(
            f"the model can't be fetched from the Hugging Face hub: {reason}",
            "check the spelling and the network (HTTPS_PROXY if you are behind a proxy; "
            "`hf auth login` if the model is gated); or, where there is a network, run "
            f"`hf download {hub_id} --local-dir DIRECTORY`, copy that directory here and give its "
            "path as the model",
            hub_id,
        )
    )


def _config_faults(path: Path) -> Iterator[tuple[str, str]]:
    try:
        kind = json.loads(path.read_text(encoding="utf-8")).get("model_type")
    except (ValueError, AttributeError):
        yield "its config.json is not a JSON object", "get the model again"
        return
    if kind != "whisper":
        yield f"is not a Whisper model but {kind!r}", "give one, such as openai/whisper-medium"


def _has_weights(directory: Path) -> bool:
    return any((directory / name).is_file() for name in WEIGHTS)


def _is_lfs_pointer(path: Path) -> bool:
    with path.open("rb") as source:
        return source.read(24) == b"version https://git-lfs."


def _is_word(spec: str) -> bool:
    return re.fullmatch(r"[a-z0-9.-]+", spec) is not None
