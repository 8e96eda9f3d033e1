"""A real run of a recipe that trains on misheard terms alone, beside one that trains on all."""

import pytest
from unit.small_models import write_small_model
from workbench import CONFIG, DEFAULT, MODEL, Workbench

from whisper_terms.encodings import read_encodings
from whisper_terms.hearing import HEARD
from whisper_terms.tables import read_table, write_table
from whisper_terms.windows import Window, read_windows

pytestmark = pytest.mark.slow

MADE = f"results/{MODEL}"
KNOWN = {"動悸", "痙攣"}
RECIPES = {name: DEFAULT | {"epochs": 1, "terms": name} for name in ("all", "misheard")}
TARGETS = [f"{MADE}/encodings/packed.tsv", f"{MADE}/misheard/trained"]
WINDOWS = {"all": "results/windows/packed.tsv", "misheard": f"{MADE}/windows/packed-misheard.tsv"}


@pytest.fixture(scope="module")
def trained(small, tmp_path_factory) -> Workbench:
    """A model that hears two terms and no other, as its table says, taught the others."""
    bench = small.copy(tmp_path_factory.mktemp("selection") / "trained")
    write_small_model(bench / "models" / MODEL)
    bench.configure(CONFIG | {"recipes": RECIPES, "systems": ["base", *RECIPES]})
    bench.make("results/manifest.tsv", "results/terms.tsv", f"{MADE}/base/model.pt")
    write_heard(bench, KNOWN)
    bench.make(*TARGETS)
    return bench


@pytest.fixture
def bench(trained, tmp_path) -> Workbench:
    """The same, to change."""
    return trained.copy(tmp_path / "bench")


def write_heard(bench: Workbench, known: set[str]) -> None:
    """Write what hear_terms would, of a model that hears these terms and nothing of others."""
    names = {row["term_id"]: row["surface"] for row in read_table(bench / "results/terms.tsv")}
    rows = [
        {key: row[key] for key in ("audio", "term_id", "text")}
        | {"heard": row["text"] if names[row["term_id"]] in known else ""}
        for row in read_table(bench / "results/manifest.tsv")
        if row["split"] == "train" and row["kind"] in ("term", "context")
    ]
    write_table(bench / MADE / "base/heard.tsv", HEARD, rows)


def windows(bench: Workbench, recipe: str) -> list[Window]:
    return read_windows(bench / WINDOWS[recipe])


def encodings(bench: Workbench, recipe: str) -> dict[str, str]:
    layout = WINDOWS[recipe].rpartition("/")[2]
    return {
        window: (bench / file).name
        for window, file in read_encodings(bench / MADE / "encodings" / layout).items()
    }


def store(bench: Workbench) -> set[str]:
    return {path.name for path in (bench / MADE / "encodings/store").iterdir()}


def test_terms_that_are_heard_are_not_selected(trained):
    table = read_table(trained / MADE / "misheard.tsv")
    assert {row["surface"] for row in table if not row["selected"]} == KNOWN
    assert len(table) == 4
    said = (trained / MADE / "logs/select_terms.log").read_text()
    assert said == "2 of 4 terms selected: the base model does not hear them every time\n"


def test_only_selected_terms_are_trained_on(trained):
    table = read_table(trained / MADE / "misheard.tsv")
    selected = {row["term_id"] for row in table if row["selected"]}

    def terms(recipe: str, split: str) -> set[str]:
        here = [one for one in windows(trained, recipe) if one.split == split and not one.is_replay]
        return {one.term_id for window in here for one in window.utterances}

    assert terms("misheard", "train") == selected
    assert terms("all", "train") == terms("misheard", "dev") == {row["term_id"] for row in table}


def test_windows_that_are_equal_are_encoded_once(trained):
    """All of the development set, and of the replay."""
    everything, some = (encodings(trained, recipe) for recipe in RECIPES)
    whole = {w.id for w in windows(trained, "all") if w.split == "dev" or w.is_replay}
    assert whole and whole <= everything.keys() & some.keys()
    assert some.keys() == {window.id for window in windows(trained, "misheard")}
    assert store(trained) == {*everything.values(), *some.values()}
    assert len(store(trained)) < len(everything) + len(some)


def test_second_run_does_nothing(bench):
    assert bench.make(*TARGETS).nothing_to_do


def test_prune_keeps_what_both_use(bench):
    kept = store(bench)
    stray = bench / MADE / "encodings/store" / "stray.npy"
    stray.write_bytes(b"no window's")
    assert bench.make("prune").jobs.keys() <= {"prune"}
    assert store(bench) == kept and not stray.exists()
    assert bench.make(*TARGETS).nothing_to_do


def test_where_all_are_misheard_the_windows_are_those_of_all(bench):
    write_heard(bench, set())
    target = WINDOWS["misheard"]
    assert bench.make(target).jobs == {"select_terms": 1, "pack_misheard": 1}
    assert (bench / target).read_bytes() == (bench / WINDOWS["all"]).read_bytes()


def test_where_none_is_misheard_the_user_is_told(bench):
    write_heard(bench, {line["surface"] for line in read_table(bench / MADE / "misheard.tsv")})
    outcome = bench.run(TARGETS[1])
    assert outcome.code != 0
    assert "the base model hears every term: nothing to teach" in outcome.output
    assert "terms: all" in outcome.output and "Traceback" not in outcome.output
