"""Speaking planned utterances, and the rows of the manifest that say so."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import soundfile

from whisper_terms.config import CoquiSettings
from whisper_terms.errors import Fault, UserError
from whisper_terms.progress import progress
from whisper_terms.speech.engine import Engine
from whisper_terms.speech.store import SpeechStore
from whisper_terms.utterances import Utterance


def make_engine(name: str, coqui: CoquiSettings) -> Engine:
    """The engine of that name; each lives in an environment of its own.

    Raises:
        UserError: it is not installed here.
    """
    if name == "coqui":
        from whisper_terms.speech.coqui import CoquiEngine

        return CoquiEngine(coqui)
    from whisper_terms.speech.openjtalk import OpenJTalk

    return OpenJTalk()


def speak_all(plan: Sequence[Utterance], store: SpeechStore) -> list[dict[str, object]]:
    """Speak what the store lacks.

    Returns:
        Rows of the manifest, in the order of the plan.

    Raises:
        UserError: with all utterances that can't be spoken; the others are in the store then.
    """
    rows, faults = [], []
    for utterance in progress(plan, "speaking"):
        try:
            rows.append(_row(utterance, store.utterance(utterance.spoken, utterance.voice), store))
        except UserError as error:
            faults += error.faults
    if faults:
        raise UserError(_distinct(faults))
    return rows


def _row(utterance: Utterance, audio: Path, store: SpeechStore) -> dict[str, object]:
    info = soundfile.info(str(audio))
    return {
        "audio": audio.as_posix(),
        "text": utterance.spoken.text,
        "seconds": f"{info.frames / info.samplerate:.3f}",
        "split": utterance.split,
        "kind": utterance.kind,
        "term_id": utterance.term_id,
        "reading": utterance.reading,
        "voice": utterance.voice.name,
        "engine": store.engine.name,
    }


def _distinct(faults: Iterable[Fault]) -> list[Fault]:
    return list(dict.fromkeys(faults))
