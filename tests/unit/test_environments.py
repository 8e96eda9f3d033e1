"""One version of each package everywhere, and each rule's imports in the rule's environment."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow_scripts"
PIN = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)(\[[\w,-]+\])?==[0-9][\w.]*")
ENVIRONMENTS = sorted(path.stem for path in (ROOT / "envs").glob("*.yaml"))
# Imported only once that engine was chosen, which has an environment of its own.
ENGINES = {
    "speech-openjtalk": {"pyopenjtalk"},
    "speech-coqui": {"TTS", "trainer", "torch", "filelock"},
}
# Their versions are chosen by those of pydantic and Jinja2.
PARTS_OF_OTHERS = {"pydantic_core", "annotated_types", "markupsafe"}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def read_requirements(name: str) -> dict[str, str]:
    """The pins of a requirements file: canonical name of the package to the whole line."""
    lines = (line.strip() for line in (ROOT / name).read_text().splitlines())
    return by_name(line for line in lines if line and not line.startswith("#"))


def read_environment(name: str) -> dict[str, str]:
    return by_name(read_yaml(name)["dependencies"][-1]["pip"])


def read_yaml(name: str) -> dict:
    return yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text())


def by_name(pins) -> dict[str, str]:
    found = {}
    for pin in pins:
        match = PIN.fullmatch(pin)
        assert match, f"not an exact pin: {pin}"
        name = canonical(match["name"])
        assert name not in found, f"pinned twice: {pin}"
        found[name] = pin
    return found


# -------------------------------------------------------------------------------------------------
# Pins


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-dev.txt", "envs/requirements-coqui.txt"]
)
def test_requirements_are_exact_pins_from_no_particular_index(name):
    assert read_requirements(name)


def test_no_package_is_in_both_requirements():
    assert not read_requirements("requirements.txt").keys() & read_requirements(
        "requirements-dev.txt"
    )


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environment_pins_what_the_requirements_pin(name):
    coqui = name == "speech-coqui"
    requirements = read_requirements("envs/requirements-coqui.txt" if coqui else "requirements.txt")
    environment = read_environment(name)
    assert environment == {package: requirements.get(package) for package in environment}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environment_is_conda_forge_with_the_same_python(name):
    environment = read_yaml(name)
    assert environment["name"] == name
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    assert environment["dependencies"][:-1] == ["python =3.11", "pip"]


def test_what_both_engines_share_has_one_version():
    coqui, other = read_environment("speech-coqui"), read_environment("speech-openjtalk")
    shared = coqui.keys() & other.keys()
    assert {name: coqui[name] for name in shared} == {name: other[name] for name in shared}


def test_torchaudio_is_nowhere_beside_the_training():
    assert not {"torchaudio", "torchvision"} & read_requirements("requirements.txt").keys()


# -------------------------------------------------------------------------------------------------
# Imports


def rules() -> Iterator[tuple[str, str, str]]:
    """Each rule's name, environment and script, from the text of rules/*.smk."""
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for block in re.split(r"^rule ", path.read_text(), flags=re.MULTILINE)[1:]:
            name = re.match(r"\w+", block)[0]
            script = re.search(r"\bscript\(\"(\w+)\"\)", block)
            conda = re.search(r"conda:\s+(?:\"\.\./envs/([\w-]+)\.yaml\"|SPEECH_ENV)", block)
            assert script and conda, f"rule {name} names no script or no environment"
            for environment in [conda[1]] if conda[1] else ENGINES:
                yield name, environment, script[1]


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports anywhere, also those that may only be names in a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def library_files(module: str) -> Iterator[Path]:
    """The files here that importing a module runs; none for a module of others."""
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        base = SCRIPTS.joinpath(*parts[:length])
        yield from filter(Path.is_file, [base.with_suffix(".py"), base / "__init__.py"])


def third_party(script: Path) -> set[str]:
    """The packages of others that a script needs, through all of the library that it imports."""
    packages, seen, waiting = set(), set(), [script]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for module in imports(path):
            top = module.partition(".")[0]
            files = list(library_files(module))
            waiting.extend(files)
            if not files and top not in sys.stdlib_module_names:
                packages.add(top)
    return packages - PARTS_OF_OTHERS


def unpinned(packages: set[str], pins: dict[str, str]) -> set[str]:
    distributions = packages_distributions()
    return {
        package
        for package in packages
        if not {canonical(name) for name in distributions.get(package, [package])} & pins.keys()
    }


@pytest.mark.parametrize("name, environment, script", rules())
def test_a_rules_environment_has_what_its_script_imports(name, environment, script):
    needed = third_party(SCRIPTS / f"{script}.py")
    for engine, packages in ENGINES.items():
        if environment in ENGINES and engine != environment:
            needed -= packages
    if environment == "speech-coqui":  # It pins the library; what that brings is the library's.
        needed -= ENGINES[environment]
    assert not unpinned(needed, read_environment(environment))


def test_one_installation_has_what_all_scripts_import():
    pins = read_requirements("requirements.txt") | read_requirements("requirements-dev.txt")
    needed = set().union(*map(third_party, SCRIPTS.glob("*.py")))
    assert unpinned(needed, pins) <= ENGINES["speech-coqui"]


def test_the_cluster_profile_names_all_rules_that_use_a_gpu():
    rules = "\n".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    asking = {
        rule.split(":")[0]
        for rule in re.split(r"^rule ", rules, flags=re.MULTILINE)[1:]
        if re.search(r"^ +gpu=", rule, re.MULTILINE)
    }
    profile = (ROOT / "profiles/slurm/config.yaml").read_text()
    named = re.findall(r"^#   (\w+):\n#     slurm_partition: gpu$", profile, re.MULTILINE)
    fewer = re.findall(r"^#   (\w+): \d+$", profile, re.MULTILINE)
    assert asking and asking == set(named) == set(fewer)
