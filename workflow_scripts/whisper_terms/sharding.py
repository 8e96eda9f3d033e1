"""Which shard a term belongs to, and what a shard's content is worth as a digest."""

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path

DIGITS = 16


def digest(value: object, length: int = DIGITS) -> str:
    """The first hex digits of the SHA-256 of a JSON value with sorted keys."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def file_sha256(*paths: str | Path) -> str:
    """The SHA-256 of a file's content, or of that of several on end, in hex digits."""
    sha = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as source:
            hashlib.file_digest(source, lambda: sha)
    return sha.hexdigest()


def is_digest(name: str) -> bool:
    """Whether a name can be one that `digest` gave: what has another name is not ours."""
    return re.fullmatch(f"[0-9a-f]{{{DIGITS}}}", name) is not None


def shard_of(key: str, shards: int) -> int:
    """The shard (0 … shards-1) of a key; the same on every machine and in every run."""
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % shards


def shard_name(index: int) -> str:
    """The shard's name in paths."""
    return f"{index:04d}"


def group_by_shard(keys: Iterable[str], shards: int) -> dict[str, list[str]]:
    """Keys by shard name, each in the order given; a shard without keys is absent."""
    groups: dict[str, list[str]] = {}
    for key in keys:
        groups.setdefault(shard_name(shard_of(key, shards)), []).append(key)
    return dict(sorted(groups.items()))
