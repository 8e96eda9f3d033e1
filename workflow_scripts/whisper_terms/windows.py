"""Windows: several utterances in the 30 seconds that Whisper hears at once, with their times.

The encoder runs over 30 s whether one second was spoken or thirty. So utterances of different
terms share a window, and a training step teaches all of them. Packing stays inside a shard:
an edited term changes the windows of its shard alone.
"""

import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from whisper_terms.errors import Fault, UserError
from whisper_terms.sharding import digest, shard_of
from whisper_terms.tables import read_table
from whisper_terms.token_count import count_tokens
from whisper_terms.utterances import CONTRAST, RECORDED

SAMPLE_RATE = 16_000
WINDOW_SECONDS = 30.0
# Whisper's timestamps are multiples of this.
TICK = 0.02
COLUMNS = "window split start end audio text kind term_id voice room".split()
# Raised when rooms.py lets the same room sound otherwise.
_ROOMS = 1
# Most utterances of a sparse window.
_FEW = 3
# An utterance's start and end, and what stands once in a label: start, language, task and end.
_TOKENS_AROUND, _TOKENS_ONCE = 2, 4
# What is written of fast Japanese speech: ten characters, of which few take two tokens.
_TOKENS_A_SECOND = 12


@dataclass(frozen=True)
class Placed:
    """An utterance at its place in a window; times in seconds from the window's start."""

    audio: str
    text: str
    start: float
    end: float
    kind: str = "replay"
    term_id: str = ""
    voice: str = ""


@dataclass(frozen=True)
class Window:
    """Utterances in the order in which they are heard.

    Attributes:
        id: a digest of what is heard and when, so equal ids mean equal audio.
        split: train or dev.
        utterances: without overlap; all of them replay, or none.
        room: where they are heard, see rooms.py; "" for nowhere.
        answer: ids of the tokens that a model wrote of it, to be its label in place of the texts,
            without those at every label's begin and end; None for the texts.
    """

    id: str
    split: str
    utterances: tuple[Placed, ...]
    room: str = ""
    answer: tuple[int, ...] | None = None

    @property
    def is_labelled(self) -> bool:
        """Whether it is known what to write: of a recording without a transcript it is not."""
        return self.answer is not None or all(one.text for one in self.utterances)

    @property
    def is_replay(self) -> bool:
        """Whether it holds term-free speech."""
        return self.utterances[0].kind == "replay"


@dataclass(frozen=True)
class PackingRules:
    """How full a window gets.

    Attributes:
        seconds: the latest end of an utterance.
        gap: shortest and longest silence before an utterance, in seconds, up to a tick.
        max_tokens: most tokens of a label, special ones included.
        most: most utterances in a window; 1 is the unpacked layout.
        rooms: share of the training windows that are heard in each kind of room.
        sparse: share of the windows that hold a few utterances at most.
    """

    seconds: float
    gap: tuple[float, float]
    max_tokens: int
    most: int
    rooms: Mapping[str, float] = field(default_factory=dict)
    sparse: float = 0.0


@dataclass
class _Open:
    """A window that is being filled, with so many utterances at most."""

    most: int
    placed: list[Placed] = field(default_factory=list)
    tokens: int = _TOKENS_ONCE

    @property
    def end(self) -> float:
        return self.placed[-1].end if self.placed else 0.0

    def holds(self, row: Mapping[str, str]) -> bool:
        """Whether the term is in it: a second mention could be copied from the first.

        So with the words that sound like a term, taken together. Beside the term itself they may
        stand: there copying is wrong.
        """
        asked = (row["term_id"], row["kind"] == CONTRAST)
        return any(
            (one.text and one.text == row["text"])
            or (one.term_id and (one.term_id, one.kind == CONTRAST) == asked)
            for one in self.placed
        )

    def span(self, gap: float, seconds: float) -> tuple[float, float]:
        """Start and end of an utterance that comes next; the whole of it lies between them."""
        start = _on_tick(self.end + gap)
        return start, _on_tick(start + seconds, math.ceil)


def pack(
    rows: Iterable[Mapping[str, str]],
    rules: PackingRules,
    shards: int,
    replay_shards: int | None = None,
) -> list[Window]:
    """Pack a manifest's utterances into windows.

    First fit, in an order given by a hash of the audio: each utterance goes into the first window
    of its shard and split that has room and does not yet hold its term. Replay is packed apart, and
    recordings without a transcript apart from that.

    Args:
        rows: rows of the manifest; one that is too long for a window is left out.
        rules: how full a window gets.
        shards: number of shards of the terms.
        replay_shards: of the replay; as many by default.
    """
    groups: dict[tuple[str, bool, bool, int], list[Mapping[str, str]]] = {}
    for row in rows:
        number = (replay_shards or shards) if row["kind"] == "replay" else shards
        shard = shard_of(row["term_id"] or row["text"] or _name(row), number)
        # What has no text is no use to most recipes, and would cost them the whole window.
        group = (row["split"], row["kind"] == "replay", not row["text"], shard)
        groups.setdefault(group, []).append(row)
    return [
        _close(open_window, split, rules)
        for (split, *_), members in sorted(groups.items())
        for open_window in _fill(members, rules)
    ]


def read_windows(path: str | Path) -> list[Window]:
    """Read a table of windows; its rows are utterances, those of a window together."""
    windows: dict[tuple[str, str, str, str], list[Placed]] = {}
    for row in read_table(path, COLUMNS):
        placed = _place(row, float(row["start"]), float(row["end"]))
        # In tables with answers each row of a window has the whole one.
        key = (row["window"], row["split"], row["room"], row.get("answer", ""))
        windows.setdefault(key, []).append(placed)
    return [
        Window(name, split, tuple(placed), room, tuple(map(int, answer.split())) or None)
        for (name, split, room, answer), placed in windows.items()
    ]


def window_rows(windows: Iterable[Window]) -> Iterator[dict[str, str]]:
    """The rows of a table of windows."""
    for window in windows:
        for one in window.utterances:
            yield {
                "window": window.id,
                "split": window.split,
                "start": f"{one.start:.2f}",
                "end": f"{one.end:.2f}",
                "audio": one.audio,
                "text": one.text,
                "kind": one.kind,
                "term_id": one.term_id,
                "voice": one.voice,
                "room": window.room,
            }


def window_audio(window: Window) -> np.ndarray:
    """The window's sound: shape (480000,), float32, 16 kHz, silence where nobody speaks.

    Raises:
        UserError: speech that was made is gone.
    """
    from whisper_terms.audio import read_audio
    from whisper_terms.rooms import hear_in

    sound = np.zeros(int(WINDOW_SECONDS * SAMPLE_RATE), np.float32)
    for one in window.utterances:
        if not Path(one.audio).is_file():
            cure = (
                "make it again: `--forcerun synthesise_shard synthesise_replay gather_replay` "
                "after the target"
            )
            raise UserError(Fault("speech that was made is gone", cure, one.audio))
        first = round(one.start * SAMPLE_RATE)
        samples = read_audio(one.audio)[: len(sound) - first]
        sound[first : first + len(samples)] = samples
    return hear_in(sound, window.room) if window.room else sound


def _fill(rows: Iterable[Mapping[str, str]], rules: PackingRules) -> list[_Open]:
    windows: list[_Open] = []
    # Those that have room for another utterance: few, however many windows there are.
    spacious: list[_Open] = []
    rows = list(rows)
    shortest = min((float(row["seconds"]) for row in rows), default=0.0)
    # Neighbours in the hash's order are unrelated; the term's utterances spread over windows.
    for rank, row in sorted(((_rank(row), row) for row in rows), key=lambda ranked: ranked[0]):
        seconds, tokens = float(row["seconds"]), _count_tokens(row, rules)
        if seconds > rules.seconds or _TOKENS_ONCE + tokens > rules.max_tokens:
            continue
        # Its own, so that an utterance alone in a window stays there when others change.
        gap = random.Random(rank).uniform(*rules.gap)
        target = next((w for w in spacious if _fits(w, row, gap, tokens, rules)), None)
        if target is None:
            target = _Open(_capacity(rank, rules))
            windows.append(target)
            spacious.append(target)
            gap = min(gap, _on_tick(rules.seconds - seconds, math.floor))
        target.placed.append(_place(row, *target.span(gap, seconds)))
        target.tokens += tokens
        if not _has_room(target, shortest, rules):
            spacious = [window for window in spacious if window is not target]
    return windows


def _has_room(window: _Open, shortest: float, rules: PackingRules) -> bool:
    """Whether an utterance might fit, after the shortest of gaps."""
    return (
        len(window.placed) < window.most
        and window.span(rules.gap[0], shortest)[1] <= rules.seconds
        and window.tokens < rules.max_tokens
    )


def _fits(
    window: _Open, row: Mapping[str, str], gap: float, tokens: int, rules: PackingRules
) -> bool:
    return (
        len(window.placed) < window.most
        and window.span(gap, float(row["seconds"]))[1] <= rules.seconds
        and window.tokens + tokens <= rules.max_tokens
        and not window.holds(row)
    )


def _capacity(rank: str, rules: PackingRules) -> int:
    """Most utterances of a window, by a hash of the first."""
    chance = random.Random(f"capacity {rank}")
    sparse = chance.random() < rules.sparse
    return min(rules.most, chance.randint(1, _FEW)) if sparse else rules.most


def _rank(row: Mapping[str, str]) -> str:
    # Names in the store say what is heard; where the store lies does not matter.
    return digest([_name(row), row["text"]])


def _name(row: Mapping[str, str]) -> str:
    return Path(row["audio"]).name


def _place(row: Mapping[str, str], start: float, end: float) -> Placed:
    return Placed(row["audio"], row["text"], start, end, row["kind"], row["term_id"], row["voice"])


def _close(window: _Open, split: str, rules: PackingRules) -> Window:
    heard = [[Path(one.audio).name, one.start] for one in window.placed]
    room = _choose_room(digest(heard, length=20), rules) if split == "train" else ""
    name = digest([*heard, room] if room else heard, length=20)
    return Window(name, split, tuple(window.placed), room)


def _choose_room(seed: str, rules: PackingRules) -> str:
    """The room of a window, by a hash of what is heard."""
    chance = random.Random(seed).random()
    for kind, share in rules.rooms.items():
        if chance < share:
            return f"{kind}:{_ROOMS}:{seed}"
        chance -= share
    return ""


def _count_tokens(row: Mapping[str, str], rules: PackingRules) -> int:
    """How many tokens an utterance adds to a label: an estimate where it has no text.

    The labels of recordings are known to fit when they are alone: see `recorded_replay`, and
    `replay_labels` for those without a transcript.
    """
    tokens = count_tokens(row["text"]) + _TOKENS_AROUND
    if row.get("engine") != RECORDED:
        return tokens
    if not row["text"]:
        tokens += math.ceil(float(row["seconds"]) * _TOKENS_A_SECOND)
    return min(tokens, rules.max_tokens - _TOKENS_ONCE)


def _on_tick(seconds: float, rounded: Callable[[float], int] = round) -> float:
    # 0.2 + 1.1 is a little more than 1.3.
    return round(rounded(round(seconds / TICK, 6)) * TICK, 2)
