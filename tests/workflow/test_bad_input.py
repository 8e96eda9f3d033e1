"""Every way to give wrong input ends at once: one message with place and cure, nothing made."""

import copy
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from workbench import CONFIG, RECORDINGS, Outcome, Workbench, tsv, write_recordings

HEAD = "surface,reading,aliases,class,sentences,weight\n"
DICTIONARY = "dictionaries/terms.csv"
TABLE = "recordings/test.tsv"
ROWS = [(audio, text, test_set) for audio, _, text, test_set in RECORDINGS]


@pytest.fixture(scope="module")
def bench(small, tmp_path_factory) -> Workbench:
    """One workbench for all: a run that is refused leaves nothing, which is tested."""
    return small.copy(tmp_path_factory.mktemp("bad_input") / "bench")


@pytest.fixture(autouse=True)
def mended(bench):
    """The inputs as they were, for the next test."""
    inputs = [path for name in ("dictionaries", "recordings") for path in files(bench / name)]
    kept = {path: path.read_bytes() for path in [bench / "config.yaml", *inputs]}
    yield
    for name in ("dictionaries", "recordings", "results", ".snakemake"):
        shutil.rmtree(bench / name, ignore_errors=True)
    for path, content in kept.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def assert_told(outcome: Outcome, place: str, problem: str, cure: str) -> None:
    """The run failed with one fault, its place and its cure, and no traceback."""
    assert outcome.code != 0
    assert "Traceback" not in outcome.output
    # A script's log is shown once more by Snakemake.
    lines = list(dict.fromkeys(outcome.output.splitlines()))
    told = [number for number, line in enumerate(lines) if line.startswith("    cure: ")]
    assert len(told) == 1, outcome.output
    fault, advice = lines[told[0] - 1], lines[told[0]]
    assert fault.startswith(f"{place}: ") and problem in fault, outcome.output
    assert cure in advice, outcome.output


def assert_refused(bench: Workbench, place: str, problem: str, cure: str) -> None:
    """Refused before anything runs."""
    outcome = bench.run()
    assert_told(outcome, place, problem, cure)
    assert "WorkflowError" not in outcome.output
    assert not (bench / "results").exists()


def assert_job_refuses(bench: Workbench, target: str, place: str, problem: str, cure: str) -> None:
    """Refused by the job that looks at it, which on one core is before the first wav."""
    outcome = bench.run("--cores", "1", target)
    assert_told(outcome, place, problem, cure)
    assert not (bench / target).exists()
    assert not list((bench / "results").rglob("*.wav"))


@pytest.mark.parametrize(
    ("content", "row", "problem", "cure"),
    [
        pytest.param("", None, "the file is empty", "one term a line", id="empty"),
        pytest.param(HEAD, None, "no terms", "one term a line", id="header-only"),
        pytest.param(HEAD + "痛,ツウ\n痛,イタミ\n", 3, "in row 2", "イタミ", id="duplicate"),
        pytest.param(HEAD + ",ツウ\n", 2, "surface is empty", "delete the row", id="no-surface"),
        pytest.param(HEAD + "…。\n", 2, "no letter", "something to say", id="punctuation"),
        pytest.param(HEAD + "痛,tsu!\n", 2, "can't be spoken", "kana", id="unspeakable"),
        pytest.param(HEAD + "痛,痛\n", 2, "can't be spoken", "kana", id="kanji-reading"),
        pytest.param(HEAD + "痛,,,,,1,2\n", 2, "7 cells in a file of 6", "comma", id="cells"),
        pytest.param(b"surface\n\xe7\x96\xbc\n\xff\xff\n", 3, "UTF-8", "UTF-8", id="bytes"),
        pytest.param(
            "痙攣,ケイレン\n疼痛,トウツウ\n".encode("euc_jp"), None, "EUC-JP", "UTF-8", id="euc-jp"
        ),
        pytest.param(HEAD + '"痛,ツウ\n疹,シン\n', 2, "quote", "close it", id="open-quote"),
        pytest.param(HEAD + "痛\0,ツウ\n", 2, "U+0000", "delete", id="nul"),
        pytest.param(HEAD + "痛,ツウ,,,,heavy\n", 2, "weight", "2.5", id="weight"),
        pytest.param(HEAD + "痛,ツウ,,,,0\n", 2, "weight", "2.5", id="no-weight"),
        pytest.param(
            HEAD + "痛,ツウ,,,元気だ。,\n", 2, "not hold the surface", "痛", id="sentence"
        ),
        pytest.param(HEAD + "痛,ツウ,,a b,,\n", 2, "class", "drug-name", id="class"),
        pytest.param("痛,ツウ\n疹，シッシン\n", 1, "swapped", "surface,reading", id="swapped"),
        pytest.param("surface,readng\n痛,\n", 1, "unknown column", "`reading`", id="column"),
        pytest.param("reading,class\nツウ,\n", 1, "no column surface", "`surface`", id="headless"),
        pytest.param(HEAD + "あ" * 61 + "\n", 2, "61 characters", "sentences", id="long"),
    ],
)
def test_dictionary(bench, content, row, problem, cure):
    bench.write(DICTIONARY, content)
    place = DICTIONARY if row is None else f"{DICTIONARY}:{row}"
    assert_refused(bench, place, problem, cure)


def put(*keys: str | int, value: object) -> Callable[[dict], None]:
    """A change of the configuration: another value at a place."""

    def change(config: dict) -> None:
        for key in keys[:-1]:
            config = config[key]
        config[keys[-1]] = value

    return change


def use_coqui(config: dict) -> None:
    """Change the engine, and forget that Coqui needs voices of its own."""
    config["speech"]["engine"] = "coqui"
    del config["speech"]["voices"], config["development"]


@pytest.mark.parametrize(
    ("change", "line", "problem", "cure"),
    [
        pytest.param(put("devise", value="cpu"), "devise", "unknown key", "device", id="key"),
        pytest.param(
            put("recipes", "default", "epoch", value=3), "epoch:", "unknown", "epochs", id="recipe"
        ),
        pytest.param(
            put("recipes", "default", "epochs", value="x"), "epochs: x", "number", "4", id="type"
        ),
        pytest.param(
            put("recipes", "default", "epochs", value=-1), "epochs: -1", "least 1", "4", id="-1"
        ),
        pytest.param(
            put("model", value="tiny-tset"), "tiny-tset", "unknown", "tiny-test", id="model"
        ),
        pytest.param(
            put("systems", 2, value="defualt"), "- defualt", "unknown", "default", id="system"
        ),
        pytest.param(
            put("systems", value=["default"]), "- default", "must be base", "base first", id="base"
        ),
        pytest.param(
            put("speech", "voices", 1, "name", value="one"),
            "- name: one",
            "name of speech.voices[0] too",
            "of its own",
            id="twins",
        ),
        pytest.param(use_coqui, "speech:", "those of Open JTalk", "kokoro", id="coqui"),
        pytest.param(
            put("speech", "engine", value="espeak"), "espeak", "openjtalk or", "coqui", id="engine"
        ),
        pytest.param(
            put("development", "voices", 0, value="mei"), "- mei", "unknown", "[]", id="held-out"
        ),
        pytest.param(
            put("speech", "voices", value=[]), "voices: []", "is empty", "speech", id="voiceless"
        ),
        pytest.param(put("results", value="re{sul}ts"), "re{sul}ts", "path", "braces", id="braces"),
        pytest.param(
            put("results", value="my results"), "my results", "space", "letters", id="space"
        ),
        pytest.param(
            put("language", value="Japanese"), "Japanese", "language code", "ja", id="language"
        ),
        pytest.param(put("dictionaries", value=[]), "dictionaries: []", "empty", "", id="no-terms"),
    ],
)
def test_configuration(bench, change, line, problem, cure):
    config = copy.deepcopy(CONFIG)
    change(config)
    bench.configure(config)
    lines = (bench / "config.yaml").read_text().splitlines()
    row = max(number for number, text in enumerate(lines, 1) if line in text)
    assert_refused(bench, f"config.yaml:{row}", problem, cure)


@pytest.mark.parametrize(
    ("content", "place", "problem", "cure"),
    [
        pytest.param("", "config.yaml", "empty", "as shipped", id="empty"),
        pytest.param("model: [1\n", "config.yaml:2", "broken YAML", "close each", id="bracket"),
        pytest.param("a: 1\n\tb: 2\n", "config.yaml:2", "broken YAML", "spaces", id="tab"),
        pytest.param("nano\n", "config.yaml:1", "no keys", "model: nano", id="no-keys"),
        pytest.param(b"model: \xff\n", "config.yaml", "UTF-8", "UTF-8", id="bytes"),
    ],
)
def test_broken_yaml(bench, content, place, problem, cure):
    bench.write("config.yaml", content)
    assert_refused(bench, place, problem, cure)


def test_no_configuration(bench):
    (bench / "config.yaml").unlink()
    assert_refused(bench, "config.yaml", "no such file", "path")


def test_unknown_key_on_the_command_line(bench):
    outcome = bench.run("--config", "modell=tiny-test")
    assert_told(outcome, "--config or --configfile (on top of config.yaml)", "modell", "model")


@pytest.mark.parametrize(
    ("change", "place", "cure"),
    [
        pytest.param(
            put("speech", "voices", 1, "file", value="voices/no.htsvoice"),
            "voices/no.htsvoice",
            "voice two",
            id="voice",
        ),
        pytest.param(
            put("models", "tiny-test", value="models/none"),
            "models/none",
            "models: tiny-test",
            id="model",
        ),
        pytest.param(put("dictionaries", value="my.csv"), "my.csv", "dictionaries", id="terms"),
        pytest.param(put("recordings", value="my.tsv"), "my.tsv", "recordings", id="recordings"),
        pytest.param(put("carriers", value="my.tsv"), "my.tsv", "carriers", id="carriers"),
        pytest.param(put("sentences", value="my.txt"), "my.txt", "sentences", id="sentences"),
        pytest.param(put("replay", value="my.txt"), "my.txt", "replay", id="replay"),
    ],
)
def test_missing_file(bench, change, place, cure):
    config = copy.deepcopy(CONFIG)
    change(config)
    bench.configure(config)
    assert_refused(bench, place, "no such", cure)


@pytest.mark.parametrize(
    ("content", "row", "problem", "cure"),
    [
        pytest.param("audio\ttext\n", 1, "lacks the column test_set", "header row", id="column"),
        pytest.param("audio\ttext\ttest_set\n", None, "no recordings", "add a row", id="empty"),
        pytest.param(
            tsv([("audio", "text", "test_set"), *ROWS, ("no.flac", "無い", "terms")]),
            6,
            "no such audio file",
            "the table's folder",
            id="audio",
        ),
        pytest.param(
            tsv([("audio", "text", "test_set"), *ROWS, ROWS[0]]),
            6,
            "listed twice",
            "remove a row",
            id="twice",
        ),
        pytest.param(
            tsv([("audio", "text", "test_set"), ("", "無い", "terms")]),
            2,
            "names no audio file",
            "audio column",
            id="unnamed",
        ),
        pytest.param(
            tsv([("audio", "text", "test_set"), ("../{a}/b.flac", "", "a")]),
            2,
            "braces",
            "rename",
            id="braces",
        ),
        pytest.param(
            tsv([("audio", "text", "test_set"), (*ROWS[0][:2], "all")]),
            2,
            "all test sets",
            "rename",
            id="all",
        ),
        pytest.param(b"audio\ttext\ttest_set\n\xff\n", None, "UTF-8", "UTF-8", id="bytes"),
    ],
)
def test_recordings(bench, content, row, problem, cure):
    bench.write(TABLE, content)
    assert_refused(bench, TABLE if row is None else f"{TABLE}:{row}", problem, cure)


def test_recording_of_no_bytes(bench):
    bench.write("recordings/pain.flac", b"")
    assert_refused(bench, f"{TABLE}:3", "empty (0 bytes)", "record it again")


@pytest.mark.parametrize(
    ("path", "content", "row", "problem", "cure"),
    [
        pytest.param(
            "carriers.tsv", "class\ttemplate\ngeneral\t痛い。\n", 2, "slot", "{term}", id="slot"
        ),
        pytest.param(
            "carriers.tsv", "class\ttemplate\nx\t{term}だ\n", None, "general", "add", id="class"
        ),
        pytest.param("replay.txt", "\n\n", None, "no sentence", "one sentence", id="replay"),
    ],
)
def test_sentences(bench, path, content, row, problem, cure):
    path = f"dictionaries/{path}"
    bench.write(path, content)
    assert_refused(bench, path if row is None else f"{path}:{row}", problem, cure)


def test_all_faults_of_all_files_at_once(bench):
    bench.write(DICTIONARY, HEAD + ",ツウ\n痛,x\n")
    bench.write(TABLE, "audio\ttext\ttest_set\nno.flac\t無い\tterms\n")
    outcome = bench.run()
    assert outcome.code != 0
    for place in (f"{DICTIONARY}:2", f"{DICTIONARY}:3", f"{TABLE}:2"):
        assert f"\n{place}: " in outcome.output
    assert "3 to mend" in outcome.output


# -------------------------------------------------------------------------------------------------
# What only a job finds: it runs before the first term is spoken


def test_recording_without_samples(bench):
    soundfile.write(bench / "recordings/silent.wav", np.zeros(0, np.float32), 16_000)
    write_recordings(bench, [*ROWS, ("silent.wav", "", "general")])
    target = "results/tiny-test/eval.tsv"
    assert_job_refuses(bench, target, "recordings/silent.wav", "no samples", "record it again")


def test_recording_that_is_no_audio(bench):
    bench.write("recordings/note.wav", "Dear diary\n" * 100)
    write_recordings(bench, [*ROWS, ("note.wav", "", "general")])
    target = "results/tiny-test/eval.tsv"
    assert_job_refuses(bench, target, "recordings/note.wav", "can't be read as audio", "WAV")


def test_term_that_no_analyser_reads(bench):
    bench.write(DICTIONARY, HEAD + "痛,ツウ\n〇ꙮ,\n")
    assert_job_refuses(bench, "results/terms.tsv", f"{DICTIONARY}:3", "no reading", "in kana")


def test_hub_that_is_out_of_reach(bench):
    bench.configure(CONFIG | {"models": {"tiny-test": "whisper-terms/no-such-model"}})
    target = "results/tiny-test/base/checkpoint"
    place = "whisper-terms/no-such-model"
    assert_job_refuses(bench, target, place, "can't be fetched from the Hugging Face hub", "path")


# -------------------------------------------------------------------------------------------------
# What looks odd and is right


def test_stereo_mp3_is_a_recording(bench):
    noise = np.random.default_rng(0).normal(0, 0.1, (44_100, 2))
    soundfile.write(bench / "recordings/meeting.mp3", noise, 44_100)
    write_recordings(bench, [*ROWS, ("meeting.mp3", "会議です。", "general")])
    bench.make("results/recordings.tsv")
    assert "recordings/meeting.mp3" in (bench / "results/recordings.tsv").read_text()


def test_dictionary_of_excel(bench):
    """CP932, Windows line ends, and a path with a space."""
    bench.write("dictionaries/my terms.csv", "surface,reading\r\n痙攣,けいれん\r\n".encode("cp932"))
    bench.configure(CONFIG | {"dictionaries": ["dictionaries/my terms.csv"]})
    bench.make("results/terms.tsv")
    assert "痙攣\tケイレン\tケーレン\tgiven" in (bench / "results/terms.tsv").read_text()


def test_recording_with_a_strange_name(bench):
    """Spaces, quotes and what a shell would read."""
    name = "it's $(id) & more;.flac"
    (bench / "recordings" / name).write_bytes((bench / "recordings/pain.flac").read_bytes())
    write_recordings(bench, [(name, "痛い。", "terms")])
    bench.make("results/recordings.tsv")
    assert name in (bench / "results/recordings.tsv").read_text()


def test_a_class_without_carrier_sentences_is_told_and_hinders_nothing(bench):
    bench.write(DICTIONARY, f"{HEAD}痙攣,ケイレン,,symptoms,,\n")
    told = f"note: {DICTIONARY}:2: the class of this term has no carrier sentences"
    outcome = bench.make("results/recordings.tsv")
    assert outcome.output.count(told) == 1 and "('symptoms')" in outcome.output
    assert (bench / "results/recordings.tsv").exists()
