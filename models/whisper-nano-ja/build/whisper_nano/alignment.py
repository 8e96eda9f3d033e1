"""When each phone is said: from the duration tree of the HTS voice that says it.

At the speed of 1 the HTS engine takes for each of a phone's five states the mean duration that a
decision tree finds for the phone's full-context label. Reading the same tree therefore gives an
alignment that is exact to the sample, without an aligner.

Sources: the voice file, `HTS_Model_load_duration` and `HTS_Model_load_tree` in hts_engine_API
1.10, lib/HTS_model.c; the rule, `HTS_set_default_duration` in lib/HTS_sstream.c.
"""

import re
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from whisper_terms.errors import Fault, UserError

_DATA = b"[DATA]\n"
_QUESTION = re.compile(r"QS\s+(\S+)\s*\{(.*?)\}")
_LEAF = re.compile(r'_(\d+)"?$')
# The duration tree is of HTS state 2, the first that emits.
_TREE_HEAD = "[2]"


class DurationTree:
    """A voice's durations.

    Attributes:
        frame_seconds: length of a synthesis frame.
    """

    def __init__(
        self,
        means: np.ndarray,
        questions: dict[str, Callable],
        nodes: dict[int, tuple[str, str, str]],
        frame_seconds: float,
    ):
        """Keep what `read_durations` found.

        Args:
            means: shape (leaves, states), frames.
            questions: name -> a function that is true for a label.
            nodes: node -> question, the child for no, the child for yes; a child is a node's
                number, or a leaf's name.
            frame_seconds: length of a synthesis frame.
        """
        self.frame_seconds = frame_seconds
        # HTS_set_default_duration: rounded half up, each state at least one frame.
        self._frames = np.maximum(1, np.floor(means + 0.5)).sum(1).astype(int)
        self._questions, self._nodes = questions, nodes

    def frames(self, label: str) -> int:
        """The duration of a phone, in synthesis frames, from its full-context label."""
        child = "0"
        while not (leaf := _LEAF.search(child)):
            question, no, yes = self._nodes[int(child)]
            child = yes if self._questions[question](label) else no
        return int(self._frames[int(leaf[1]) - 1])

    def seconds(self, labels: Sequence[str]) -> np.ndarray:
        """The durations of the phones of an utterance, shape (phones,), in seconds."""
        return np.array([self.frames(label) for label in labels]) * self.frame_seconds


def read_durations(path: str | Path) -> DurationTree:
    """Read the duration tree of an HTS voice file (.htsvoice, version 1.0).

    Raises:
        UserError: the file is missing or is no such voice.
    """
    path = Path(path)
    try:
        head, _, data = path.read_bytes().partition(_DATA)
        return _parse(head.decode("ascii", "replace"), data)
    except FileNotFoundError:
        raise UserError(Fault("no such voice file", "check speech.voices", path)) from None
    except (KeyError, ValueError, IndexError, struct.error) as error:
        cure = "give an HTS voice (.htsvoice) for Open JTalk"
        raise UserError(Fault(f"has no duration tree: {error!r}", cure, path)) from error


def _parse(head: str, data: bytes) -> DurationTree:
    # The head has lines KEY:value; sections of the data are given as first-last byte.
    keys = dict(line.split(":", 1) for line in head.splitlines() if ":" in line)

    def section(key: str) -> bytes:
        first, last = map(int, keys[key].split("-"))
        return data[first : last + 1]

    tree = section("DURATION_TREE").decode("ascii", "replace")
    return DurationTree(
        _read_means(section("DURATION_PDF"), int(keys["NUM_STATES"])),
        {name: _compile(patterns) for name, patterns in _QUESTION.findall(tree)},
        _read_nodes(tree[tree.index(_TREE_HEAD) :]),
        int(keys["FRAME_PERIOD"]) / int(keys["SAMPLING_FREQUENCY"]),
    )


def _read_means(pdf: bytes, states: int) -> np.ndarray:
    """The number of leaves, then for each the means of all states and the variances of all."""
    leaves = struct.unpack("<I", pdf[:4])[0]
    return np.frombuffer(pdf, "<f4", offset=4).reshape(leaves, 2 * states)[:, :states]


def _read_nodes(tree: str) -> dict[int, tuple[str, str, str]]:
    """Lines of node, question, child for no, child for yes."""
    fields = [line.split() for line in tree.splitlines()]
    return {int(line[0]): (line[1], line[2], line[3]) for line in fields if len(line) == 4}


def _compile(patterns: str) -> Callable:
    """A question's quoted patterns, in which `*` is any text and `?` any character."""
    found = re.findall(r'"([^"]*)"', patterns)
    expressions = [
        "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern) for pattern in found
    ]
    return re.compile("|".join(f"(?:{expression})" for expression in expressions)).fullmatch
