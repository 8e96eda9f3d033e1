"""What an epoch of fine-tuning takes: the widespread way, and ours, over the same utterances.

A sample of steps is measured and scaled to the whole epoch by their number.
"""

import math
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from whisper_bench.measure import Measurement, measure_call
from whisper_bench.rows import Row, judge
from whisper_bench.synthesis import MANIFEST, read_scratch_plan
from whisper_terms.config import Recipe
from whisper_terms.tables import UTTERANCES, read_table
from whisper_terms.windows import PackingRules, Window, pack

PART = "fine-tuning"
FULL, FROZEN = "blog, all weights", "blog, frozen encoder"
ENCODING, OURS, SPREAD = "ours: encoding, once", "ours", "ours, with its share of the encoding"
LANGUAGE = "ja"
# How many times faster the project wants to be, on the size that it wants it on.
_WANTED, _WANTED_ON = {FULL: 20, FROZEN: 10}, "small"


class Epoch(NamedTuple):
    """An epoch, from a sample of its steps.

    Attributes:
        step: seconds of a step.
        steps: of the whole epoch.
        measured: how many of them were measured.
        encoding: seconds of a window's encoding, before the first epoch.
        windows: how many are encoded.
    """

    step: float
    steps: int
    measured: int
    encoding: float = 0.0
    windows: int = 0

    @property
    def seconds(self) -> float:
        """Of the whole epoch, encoding left out."""
        return self.step * self.steps


class Data(NamedTuple):
    """The training utterances: one a window, and packed; and the voice of recipes with one."""

    single: list[Window]
    packed: list[Window]
    first_voice: str


def measure_fine_tuning(speech: Path, models: Mapping[str, int]) -> Iterator[dict[str, str]]:
    """The lines of the part.

    Args:
        speech: folder in which the workflow has built its manifest.
        models: the number of steps to measure, after one to warm up, by size of the model.
    """
    utterances = len(training_data(speech).single)
    for size, steps in models.items():
        epochs = {
            FULL: measure_call(train_blog, speech, size, steps, False),
            FROZEN: measure_call(train_blog, speech, size, steps, True),
            OURS: measure_call(train_ours, speech, size, steps),
        }
        yield from _lines(size, utterances, epochs)


def training_data(speech: Path) -> Data:
    """The windows of the training utterances of terms; the packed ones hold replay beside."""
    with chdir(speech):
        plan = read_scratch_plan()
        rows = [row for row in read_table(MANIFEST, UTTERANCES) if row["split"] == "train"]
    windows = plan.config.windows
    rules = PackingRules(windows.seconds, windows.gap, windows.max_tokens, most=10**6)
    single = PackingRules(windows.seconds, windows.gap, windows.max_tokens, most=1)
    terms = [row for row in rows if row["kind"] != "replay"]
    packed = pack(rows, rules, plan.shards, plan.replay_parts)
    return Data(pack(terms, single, plan.shards), packed, plan.config.first_voice)


def train_blog(speech: Path, size: str, steps: int, frozen: bool) -> Epoch:
    """Some steps of Hugging Face's trainer as tutorials use it, in float32, spectrograms ready.

    Args:
        speech, size, steps: see `measure_fine_tuning`.
        frozen: whether the encoder's weights stay.
    """
    from transformers import Seq2SeqTrainer, Seq2SeqTrainingArguments

    from whisper_bench.models import load_model
    from whisper_terms.examples import make_dataset

    recipe, base = Recipe(batch_size=4, learning_rate=1e-5), load_model(size)
    windows = training_data(speech).single
    if frozen:
        base.model.freeze_encoder()
    with chdir(speech), tempfile.TemporaryDirectory() as state:
        sample = windows[: (steps + 1) * recipe.batch_size]
        examples = list(make_dataset(sample, base, LANGUAGE, False, {}))
        trainer = Seq2SeqTrainer(
            model=base.model,
            args=Seq2SeqTrainingArguments(
                output_dir=state,
                num_train_epochs=1,
                per_device_train_batch_size=recipe.batch_size,
                learning_rate=recipe.learning_rate,
                use_cpu=True,
                save_strategy="no",
                report_to="none",
                remove_unused_columns=False,
                disable_tqdm=True,
            ),
            train_dataset=examples,
            data_collator=partial(_collate, base.model.config.pad_token_id),
            callbacks=[clock := _make_clock()],
        )
        trainer.train()
    step, measured = clock.per_step()
    return Epoch(step, math.ceil(len(windows) / recipe.batch_size), measured)


def train_ours(speech: Path, size: str, steps: int) -> Epoch:
    """Some steps of the library's `fine_tune` by the recipe `default`, and the encoding before."""
    from whisper_bench.models import load_model
    from whisper_terms.devices import prepare_cpu
    from whisper_terms.encodings import encode_windows
    from whisper_terms.examples import select_windows
    from whisper_terms.training import fine_tune

    prepare_cpu(None)
    recipe, base, data = Recipe(epochs=1), load_model(size), training_data(speech)
    chosen = select_windows(data.packed, "train", recipe, data.first_voice)
    sample = _sample(data.packed, recipe, (steps + 1) * recipe.batch_size)
    with chdir(speech), tempfile.TemporaryDirectory() as name:
        encode = partial(encode_windows, model=base.model, extractor=base.feature_extractor)
        warm, store, state = (Path(name, part) for part in ("warm", "store", "state"))
        encode(sample[:1], store=warm, base="benchmark")
        start = time.perf_counter()
        encodings = encode(sample, store=store, base="benchmark")
        encoding = (time.perf_counter() - start) / len(sample)
        clock = _make_clock()
        fine_tune(
            base,
            sample,
            recipe,
            state,
            first_voice=data.first_voice,
            language=LANGUAGE,
            device="cpu",
            encodings=encodings,
            callbacks=[clock],
        )
    step, measured = clock.per_step()
    steps_of_epoch = math.ceil(len(chosen) / recipe.batch_size)
    return Epoch(step, steps_of_epoch, measured, encoding, len({one.id for one in chosen}))


def _sample(windows: Sequence[Window], recipe: Recipe, count: int) -> list[Window]:
    """So many windows of which the recipe makes its mixture; fewer where there are fewer."""
    terms = [window for window in windows if not window.is_replay]
    replay = [window for window in windows if window.is_replay]
    of_terms = round(count * (1 - recipe.replay))
    return terms[:of_terms] + replay[: count - of_terms]


def _collate(pad_id: int, rows: Sequence[Mapping]) -> dict:
    """A batch with what Whisper itself takes."""
    from whisper_terms.examples import Collator

    batch = Collator(pad_id)(rows)
    return {key: batch[key] for key in ("input_features", "decoder_input_ids", "labels")}


def _make_clock():
    """A callback that notes when steps end; transformers is loaded only where it trains."""
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        def __init__(self) -> None:
            self.ends: list[float] = []

        def on_step_end(self, args, state, control, **others):
            self.ends.append(time.perf_counter())

        def on_epoch_end(self, args, state, control, **others):
            # Weights that nobody reads; gigabytes for a model of size small.
            control.should_save = False

        def per_step(self) -> tuple[float, int]:
            """Seconds between two ends on average, and how many; the first step warms up."""
            count = len(self.ends) - 1
            return (self.ends[-1] - self.ends[0]) / count, count

    return Clock()


def _lines(
    size: str, utterances: int, epochs: Mapping[str, Measurement]
) -> Iterator[dict[str, str]]:
    def row(case: str, seconds: float, one: Measurement, note: str) -> Row:
        label = f"{size}, {utterances} utterances"
        return Row(PART, case, label, seconds, utterances, "utterances", one.peak_mb, note=note)

    full, frozen = (
        row(case, one.result.seconds, one, _steps(one.result))
        for case, one in epochs.items()
        if case != OURS
    )
    yield full.cells()
    yield frozen.cells(full)
    ours, epoch = epochs[OURS], epochs[OURS].result
    encoding, spread = epoch.encoding * epoch.windows, Recipe().epochs
    yield row(ENCODING, encoding, ours, f"{epoch.windows} windows").cells(full)
    for case, seconds in ((OURS, epoch.seconds), (SPREAD, epoch.seconds + encoding / spread)):
        note = _steps(epoch) + (f"; encoding over {spread} epochs" if case == SPREAD else "")
        for baseline in (full, frozen):
            one = row(case, seconds, ours, note)
            # Without its encoding an epoch of ours would not be a whole one.
            target = _target(size, one, baseline) if case == SPREAD else ""
            yield replace(one, target=target).cells(baseline)


def _target(size: str, row: Row, baseline: Row) -> str:
    if size != _WANTED_ON:
        return ""
    times = _WANTED[baseline.case]
    return judge(f"{times} times", row.rate >= times * baseline.rate)


def _steps(epoch: Epoch) -> str:
    return f"{epoch.measured} of {epoch.steps} steps measured"
