"""The phones of Open JTalk and what its full-context labels say of pitch.

The labels' fields are those of the HTS demonstration for Japanese (HTS-demo_NIT-ATR503-M001,
data/lab_format.pdf): p3 the phone, A1 and A2 the mora's distance from the accent and its place in
the accent phrase, F1 the phrase's number of morae, F2 the mora that carries the accent.
"""

import re
from collections.abc import Sequence

import numpy as np

# Silence first: a frame without speech is phone 0.
PHONES = (
    "sil pau a i u e o N cl b by ch d dy f g gw gy h hy j k kw ky m my n ny p py r ry s sh t ts ty"
    " v w y z"
).split()
PHONE_IDS = {phone: index for index, phone in enumerate(PHONES)}
SILENCE = PHONE_IDS["sil"]

_PHONE = re.compile(r"-([A-Za-z]+)\+")
_MORA = re.compile(r"/A:([-\dx]+)\+(\d+|xx)\+")
_PHRASE = re.compile(r"/F:(\d+|xx)_(\d+|xx)")
# Open JTalk's capitals are the devoiced vowels.
_DEVOICED = "AIUEO"


def voiced(phone: str) -> str:
    """A phone's name, a devoiced vowel's being that of its vowel."""
    return phone.lower() if phone in _DEVOICED else phone


def phones_of(labels: Sequence[str]) -> list[str]:
    """The phones of full-context labels."""
    return [voiced(_PHONE.search(label)[1]) for label in labels]


def phone_ids(phones: Sequence[str]) -> np.ndarray | None:
    """Numbers of phones, shape (phones,), uint8; None where one is not in PHONES."""
    if any(phone not in PHONE_IDS for phone in phones):
        return None
    return np.array([PHONE_IDS[phone] for phone in phones], np.uint8)


def accents_of(labels: Sequence[str]) -> np.ndarray:
    """Pitch by phone, shape (phones,), int8: 1 high, -1 low, 0 outside accent phrases."""
    return np.array([_pitch(label) for label in labels], np.int8)


def _pitch(label: str) -> int:
    """Tokyo accent: low on the first mora, then high up to the accent; accent 0 never falls."""
    mora, phrase = _MORA.search(label), _PHRASE.search(label)
    if not mora or not phrase or "xx" in (mora[1], phrase[1]):
        return 0
    place, accent = int(mora[2]), int(phrase[2])
    if accent == 1:
        return 1 if place == 1 else -1
    return 1 if place > 1 and (accent == 0 or place <= accent) else -1
