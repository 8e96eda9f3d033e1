"""The page that shows what was measured; every number on it is a cell of a table."""

from collections.abc import Iterable, Mapping, Sequence

from whisper_bench import transcription
from whisper_bench.markdown import table

_TITLE = """# Benchmarks

Made by `make bench` from the tables in `{folder}`; do not edit. A *ratio* is a rate over the
baseline's, measured in the same run on the same machine: 2 is twice as fast. *Peak* is the largest
resident memory of a process and its children together, in MB of a million bytes.
"""
# What is measured in each part, and how.
_ABOUT = {
    "planning": """The whole workflow is planned in a scratch copy: before anything is made, with
everything made, and after the reading of one term was changed. What is made then are small
stand-ins, with Snakemake's own records of them. The baseline is a workflow with one job a wav and
a wav a term, with the same options; sizes at which it was not planned are compared with its largest
one, by terms a second. Plans of less than ten seconds are made three times, and the middle one
counts. The ratio of a no-op is that of all its terms, though none is made.""",
    "synthesis": """The workflow speaks a dictionary and builds the manifest, on all cores. The
baseline speaks the same utterances by the same voices in as many processes, which write nothing.
Starting the processes counts for both. The two take turns, twice, and the mean of each counts.""",
    "fine-tuning": """An epoch over the same utterances, on the CPU. *Blog* is Hugging Face's
trainer with one utterance a window, spectrograms ready, the encoder run in every step, in float32.
*Ours* is the recipe `default`: packed windows, its share of replay beside them, encodings from
disk, mixed precision where the processor has it, and freed memory kept (`prepare_cpu`), which the
trainer by itself does not do. The steps in the last column were measured and scaled to the
epoch. Weights of sizes other than nano are random, which does not change the speed.""",
    "encoding": """The encoder over packed windows of the demonstration's recordings, in float32:
alone, from spectrograms that are ready, and as the workflow runs it, from audio to files. Its
operations are counted by formula (`benchmarks/whisper_bench/models.py`) and compared with the
product of two square matrices on the same machine; that ratio is the share of the peak.""",
    "transcription": """Recordings of the demonstration, by the bundled model, each program with
greedy decoding in float32, then all but the pipeline with a search by five beams, which the
workflow uses (`evaluation.beam_size`). All take turns, twice, and the mean counts. Reading the
audio counts, loading the model does not. `transcribe_together` keeps freed memory (`prepare_cpu`),
as the rule that transcribes does; the others run as their users run them. Every text of it that
differs from the baseline's is below, as where the padding is sampled
(`evaluation.padding_frames`); the tables' folder has those of all programs. The
pipeline of transformers fills a window up with silent sound, the others with zeros in the
spectrogram, which so small a model hears otherwise.""",
}
_HEADINGS = {
    "case": "case",
    "size": "size",
    "seconds": "seconds",
    "peak_mb": "peak MB",
    "rate": "rate",
    "baseline": "baseline",
    "ratio": "ratio",
    "target": "target",
    "note": "note",
}
_NUMBERS = {"seconds", "peak_mb", "rate", "ratio"}


def render_page(
    machine: Iterable[Mapping[str, str]],
    parts: Iterable[Sequence[Mapping[str, str]]],
    folder: str,
    differences: Iterable[Mapping[str, str]],
) -> str:
    """The page as Markdown.

    Args:
        machine: rows with name and value.
        parts: the rows of each part, in the order in which they are shown.
        folder: where the tables lie.
        differences: texts that the programs heard otherwise than the baseline.

    Raises:
        KeyError: a part that the page knows nothing of.
    """
    sections = [_TITLE.format(folder=folder), _machine_table(machine)]
    for rows in parts:
        name = rows[0]["part"]
        sections += [f"## {name.capitalize()}\n\n{_ABOUT[name]}\n", _part_table(rows)]
        if name == transcription.PART:
            sections.append(_differing_texts(differences))
    return "\n".join(sections)


def _machine_table(machine: Iterable[Mapping[str, str]]) -> str:
    return table(["machine", ""], [[row["name"], row["value"]] for row in machine], ()) + "\n"


def _differing_texts(differences: Iterable[Mapping[str, str]]) -> str:
    """Those that the workflow itself hears otherwise, as where it samples the padding."""
    cells = [
        [row["case"], row["audio"], row["baseline"], row["text"]]
        for row in differences
        if row["case"].startswith(transcription.OURS)
    ]
    return table(["program", "recording", "text of the baseline", "its text"], cells, ()) + "\n"


def _part_table(rows: Sequence[Mapping[str, str]]) -> str:
    shown = [row | {"rate": f"{row['rate']} {row['unit']}"} for row in map(dict, rows)]
    # A column that no line of the part uses would only take room.
    columns = [name for name in _HEADINGS if any(row[name] for row in shown)]
    cells = [[row[name] for name in columns] for row in shown]
    numbers = {index for index, name in enumerate(columns) if name in _NUMBERS}
    return table([_HEADINGS[name] for name in columns], cells, numbers) + "\n"
