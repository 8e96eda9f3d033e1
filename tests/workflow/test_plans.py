"""What Snakemake plans to do, without doing it."""

import json
import re
import shlex
import shutil
import sys
from importlib.util import find_spec

import pytest
import yaml
from snakemake.utils import update_config
from workbench import BLOG, CONFIG, DEFAULT, MODEL, ROOT, Workbench, command_of, commands

from whisper_terms.config import load_config, read_config

SYSTEMS = 7
RECIPES = 5


@pytest.fixture(scope="module")
def demo(shipped, tmp_path_factory) -> Workbench:
    """The workflow with the inputs and the configuration that are shipped."""
    bench = shipped.copy(tmp_path_factory.mktemp("plans") / "demo")
    shutil.copy2(ROOT / "config.yaml", bench / "config.yaml")
    for name in ("dictionaries", "recordings", "models"):
        (bench / name).symlink_to(ROOT / name)
    return bench


@pytest.mark.parametrize("model", ["nano", "medium"])
def test_shipped_configuration(demo, model):
    jobs = demo.plan(f"results/{model}/eval.tsv").jobs
    assert jobs["fetch_base"] == jobs["evaluate_systems"] == jobs["encode_windows"] == 1
    assert jobs["fine_tune"] == jobs["interpolate_weights"] == RECIPES
    assert jobs["export_openai"] == RECIPES + 1
    assert jobs["transcribe"] == SYSTEMS
    assert not (demo / "results").exists()


@pytest.mark.parametrize("name", ["ablation", "alternatives"])
def test_variants_of_the_recipe(demo, name):
    path = f"docs/{name}.yaml"
    plan = demo.plan("--configfile", str(ROOT / path))
    recipes = yaml.safe_load((ROOT / path).read_text())["systems"][1:]
    assert plan.jobs["fine_tune"] == len(recipes)
    assert f"results/nano/{name}/report.html" in plan.output
    assert "results/nano/eval.tsv" not in plan.output
    # Each variant differs from the recipe that is shipped.
    shipped = read_config(ROOT / "config.yaml").recipes["nano"]
    assert read_config(ROOT / path).recipes["nano"] == shipped
    varied = [read_config(ROOT / path).recipes[name] for name in recipes]
    assert len({recipe.to_json() for recipe in varied}) == len(recipes)


def test_comparison_with_the_widespread_recipes(demo):
    path = ROOT / "docs/recipes.yaml"
    plan = demo.plan("--configfile", str(path))
    assert plan.jobs["fine_tune"] == len(yaml.safe_load(path.read_text())["systems"]) - 1
    assert "results/nano/recipes/report.html" in plan.output
    assert "results/nano/eval.tsv" not in plan.output
    # But for the learning rate they are the recipes that are shipped.
    merged = yaml.safe_load((ROOT / "config.yaml").read_text())
    update_config(merged, yaml.safe_load(path.read_text()))
    recipes = load_config(merged, path).recipes
    for name in ("blog-full-10", "blog-frozen-40"):
        fast = recipes[name].model_copy(update={"learning_rate": 3e-4})
        assert recipes[f"{name}-fast"] == fast


def test_configuration_for_a_large_dictionary(demo):
    jobs = demo.plan("--configfile", str(ROOT / "benchmarks/scale/config.yaml")).jobs
    assert jobs["fine_tune"] == jobs["evaluate_systems"] == 1


def test_default_target_is_table_and_report(demo):
    jobs = demo.plan().jobs
    assert jobs["evaluate_systems"] == jobs["render_report"] == jobs["all"] == 1
    assert jobs["export_ctranslate2"] == jobs["export_ggml"] == RECIPES
    assert "export_onnx" not in jobs


def test_every_format(demo):
    formats = "export={formats: [ctranslate2, ggml, onnx]}"
    jobs = demo.plan("--config", formats).jobs
    assert jobs["export_ctranslate2"] == jobs["export_ggml"] == jobs["export_onnx"] == RECIPES


def test_workflow_folder_for_the_catalog(demo):
    jobs = demo.plan("-s", "workflow/Snakefile").jobs
    assert jobs["everything"] == 1
    assert {**jobs, "all": 1}.items() >= demo.plan().jobs.items()


def test_rules_without_their_scripts(demo, tmp_path):
    # As `module` and snakedeploy fetch them.
    for name in ("Snakefile", "rules", "config.yaml"):
        (tmp_path / name).symlink_to(demo / name)
    outcome = Workbench(tmp_path).run("--dry-run")
    assert outcome.code != 0 and "Traceback" not in outcome.output
    assert "clone the repository" in outcome.output


def test_another_model_by_name(demo):
    plan = demo.plan("--config", "model=tiny")
    assert "results/tiny/report.html" in plan.output
    assert "Fetch the base model openai/whisper-tiny" in plan.output


def test_from_another_folder(small, tmp_path):
    """Snakemake's --directory, with the workflow elsewhere."""
    for name in ("config.yaml", "dictionaries", "recordings", "models"):
        (tmp_path / name).symlink_to(small / name)
    jobs = small.plan("--directory", str(tmp_path)).jobs
    assert jobs["fine_tune"] == 2


@pytest.mark.skipif(
    not find_spec("snakemake_executor_plugin_slurm"), reason="no executor plugin for Slurm"
)
def test_slurm_profile(demo, tmp_path):
    profile = yaml.safe_load((demo / "profiles/slurm/config.yaml").read_text())
    # Even a dry run asks conda, and not every machine has it.
    profile.pop("software-deployment-method", None)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(profile))
    plan = demo.plan("--workflow-profile", str(tmp_path), "results/medium/eval.tsv")
    assert plan.jobs["fine_tune"] == RECIPES


def test_lint(demo):
    outcome = demo.run("--lint")
    assert outcome.code == 0, outcome.output
    assert "your workflow is in a good condition" in outcome.output


def test_large_dictionary(bench):
    rows = [f"用語{number},ヨウゴ" for number in range(2000)]
    bench.write("dictionaries/terms.csv", "\n".join(["surface,reading", *rows, ""]))
    jobs = bench.plan().jobs
    assert jobs["synthesise_shard"] == CONFIG["speech"]["shards"]


def test_shards_grow_with_the_dictionary(bench):
    rows = [f"用語{number},ヨウゴ" for number in range(2000)]
    bench.write("dictionaries/terms.csv", "\n".join(["surface,reading", *rows, ""]))
    config = yaml.safe_load((bench / "config.yaml").read_text())
    del config["speech"]["shards"]
    bench.configure(config)
    assert bench.plan("results/windows/packed.tsv").jobs["synthesise_shard"] == 32


def test_only_what_the_systems_need(bench):
    """No encodings without a recipe that reads them, and no training that nobody asked for."""
    bench.configure(CONFIG | {"systems": ["base", "blog-1"]})
    jobs = bench.plan().jobs
    assert jobs["fine_tune"] == 1
    assert jobs["transcribe"] == 2
    assert jobs["pack_windows"] == 1
    assert "encode_windows" not in jobs


def test_misheard_terms_are_selected_before_they_are_packed(bench):
    recipes = {"default": DEFAULT, "picky": DEFAULT | {"terms": "misheard"}}
    of_selection = {"hear_terms", "select_terms", "pack_misheard"}
    made = f"results/{MODEL}"
    bench.configure(CONFIG | {"recipes": recipes, "systems": ["base", "picky"]})
    plan = bench.plan("--printshellcmds")
    assert of_selection <= plan.jobs.keys()
    assert "pack_windows" not in plan.jobs
    selecting, packing, encoding, training, choosing = (
        command_of(plan, script)
        for script in (
            "select_terms", "pack_windows", "encode_windows", "fine_tune", "interpolate_weights",
        )
    )  # fmt: skip
    assert f"--heard {made}/base/heard.tsv" in selecting
    assert f"--output {made}/manifest.tsv" in selecting
    assert f"--manifest {made}/manifest.tsv" in packing
    windows, encodings = f"{made}/windows/packed-misheard.tsv", "encodings/packed-misheard.tsv"
    assert f"--output {windows}" in packing
    assert f"--windows {windows}" in encoding and f"--output {made}/{encodings}" in encoding
    for command in (training, choosing):
        assert f"--windows {windows} --encodings {made}/{encodings}" in command
    bench.configure(CONFIG | {"recipes": recipes, "systems": ["base", "default"]})
    assert not of_selection & bench.plan().jobs.keys()


def test_misheard_and_all_terms_beside_each_other(bench):
    """Each recipe has its windows, and an unpacked one its own; prune asks no model."""
    single = BLOG | {"terms": "misheard"}
    recipes = {"default": DEFAULT, "picky": DEFAULT | {"terms": "misheard"}, "single": single}
    bench.configure(CONFIG | {"recipes": recipes, "systems": ["base", *recipes]})
    plan = bench.plan("--printshellcmds")
    jobs = plan.jobs
    assert (jobs["pack_windows"], jobs["pack_misheard"], jobs["select_terms"]) == (1, 2, 1)
    assert (jobs["encode_windows"], jobs["fine_tune"]) == (2, 3)
    packing = [one for one in commands(plan) if "/pack_windows.py " in one]
    assert ["--most 1" in one for one in packing] == ["/single" in one for one in packing]
    assert not {"hear_terms", "select_terms"} & bench.plan("prune").jobs.keys()


def test_hyperparameter_reaches_its_training_alone(bench):
    first = commands(bench.plan("--printshellcmds"))
    recipes = CONFIG["recipes"] | {"default": DEFAULT | {"epochs": 9}}
    bench.configure(CONFIG | {"recipes": recipes})
    second = commands(bench.plan("--printshellcmds"))
    (before,) = first - second
    (after,) = second - first
    assert '"epochs":4' in before and '"epochs":9' in after


def test_the_search_and_a_sample_of_the_padding_are_for_whatever_listens(bench):
    def listening() -> list[str]:
        plan = bench.plan("--printshellcmds")
        scripts = ("/transcribe.py ", "/hear_terms.py ")
        return [one for one in commands(plan) if any(script in one for script in scripts)]

    assert all(" --beam-size 5 --batch-size " in one for one in listening())
    bench.configure(CONFIG | {"evaluation": {"padding_frames": 64, "beam_size": 1}})
    assert len(listening()) > 1
    assert all(" --beam-size 1 --padding-frames 64 " in one for one in listening())


def test_coqui_speaks_in_its_own_environment(bench):
    """What speaks is run by the interpreter that has the engine, and told its settings."""
    speech = {
        "engine": "coqui",
        "voices": [{"name": "kokoro"}],
        "shards": 1,
        "coqui": {"python": sys.executable, "vocoder": "a vocoder's name"},
    }
    # The one voice can't be kept for development.
    bench.configure(CONFIG | {"speech": speech, "development": {"voices": []}})
    plan = bench.plan("--printshellcmds")
    for name in ("synthesise_shard", "synthesise_replay"):
        words = shlex.split(command_of(plan, name))
        assert words[:2] == [sys.executable, f"workflow_scripts/{name}.py"]
        assert words[words.index("--engine") + 1] == "coqui"
        settings = words[words.index("--coqui") + 1]
        assert json.loads(settings).items() >= speech["coqui"].items()
        assert words[words.index("--store") + 1] == "results/speech/coqui/store"
    assert command_of(plan, "build_manifest").startswith("python ")


@pytest.mark.parametrize(("device", "training", "others"), [("auto", 2, 1), ("cpu", 0, 0)])
def test_training_alone_has_several_gpus(bench, device, training, others):
    recipe = DEFAULT | {"batch_size": 4}
    config = {"device": device, "resources": {"gpu": 2}, "recipes": {"default": recipe}}
    bench.configure(CONFIG | config | {"systems": ["base", "default"]})
    # No plan prints resources where rules have messages.
    bench.write(
        "asking.smk",
        'include: "Snakefile"\n\n\nfor one in workflow.rules:\n'
        '    if "gpu" in one.resources:\n'
        '        print("asks for GPUs:", one.name, one.resources["gpu"].value)\n',
    )
    plan = bench.plan("-s", "asking.smk", "--printshellcmds", f"results/{MODEL}/eval.tsv")
    asked = dict(re.findall(r"^asks for GPUs: (\w+) (\d+)$", plan.output, re.MULTILINE))
    models = {"encode_windows", "label_replay", "interpolate_weights", "hear_terms", "transcribe"}
    wanted = dict.fromkeys(models, others) | {"fine_tune": training}
    assert {rule: int(count) for rule, count in asked.items()} == wanted
    # On the CPU they are processes, too.
    assert " --processes 2 " in command_of(plan, "fine_tune")
