"""A config file that is broken, and the lines that problems are shown with."""

from pathlib import Path

import pytest
import yaml

from whisper_terms.config import check_syntax, load_config, read_config
from whisper_terms.errors import UserError


def write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


class TestFile:
    def test_fault_names_the_line(self, tmp_path):
        path = write(tmp_path, "model: nano\nspeech:\n  # parts\n  shards: few\n")
        with pytest.raises(UserError) as caught:
            read_config(path)
        assert str(caught.value) == (
            f"{path}:4: speech.shards must be a whole number ('few')\n"
            "    cure: write for example shards: 16"
        )

    def test_an_overridden_value_is_not_blamed_on_the_file(self, tmp_path):
        path = write(tmp_path, "model: nano\nspeech: {shards: 4}\n")
        with pytest.raises(UserError) as caught:
            load_config({"model": "nono", "speech": {"shards": 4}}, path)
        (fault,) = caught.value.faults
        assert (fault.file, fault.row) == (f"--config or --configfile (on top of {path})", None)

    def test_the_missing_name_of_a_voice_has_the_voice_s_line(self, tmp_path):
        path = write(tmp_path, "speech:\n  voices:\n    - name: mei-fast\n    - speed: 1\n")
        with pytest.raises(UserError) as caught:
            read_config(path)
        assert caught.value.faults[0].row == 4

    def test_a_key_that_stands_twice(self, tmp_path):
        path = write(tmp_path, "recipes:\n  default: {}\n  a: {}\n  a: {epochs: 2}\n")
        with pytest.raises(UserError) as caught:
            load_config(yaml.safe_load(path.read_text()), path)
        fault = caught.value.faults[0]
        assert (fault.problem, fault.row) == ("recipes.a stands twice, first in line 3", 4)

    @pytest.mark.parametrize(
        ("text", "problem", "row"),
        [
            ("model: nano\n  speech: 3\n", "broken YAML: mapping values are not allowed here", 2),
            ("model: nano\nspeech:\n\tshards: 3\n", "broken YAML: found character", 3),
            ("systems: [base\n", "broken YAML: expected ',' or ']'", 2),
            ("", "the file is empty", None),
            ("# only a comment\n", "the file is empty", None),
            ("- a\n- b\n", "holds no keys and values", 1),
            ("just text\n", "holds no keys and values", 1),
        ],
    )
    def test_broken_file(self, tmp_path, text, problem, row):
        path = write(tmp_path, text)
        for read in (read_config, check_syntax):
            with pytest.raises(UserError) as caught:
                read(path)
            (fault,) = caught.value.faults
            assert fault.problem.startswith(problem)
            assert (fault.file, fault.row) == (path, row)
            assert fault.cure

    def test_missing_file(self, tmp_path):
        with pytest.raises(UserError, match="no such file"):
            read_config(tmp_path / "none.yaml")

    def test_file_that_is_not_utf8(self, tmp_path):
        path = tmp_path / "config.yaml"
        path.write_bytes("model: 小\n".encode("cp932"))
        with pytest.raises(UserError, match="not UTF-8"):
            read_config(path)

    def test_byte_order_mark(self, tmp_path):
        path = tmp_path / "config.yaml"
        path.write_text("model: tiny\n", encoding="utf-8-sig")
        assert read_config(path).model == "tiny"

    def test_no_mapping(self):
        with pytest.raises(UserError, match="must hold keys and values"):
            load_config(["a"])
