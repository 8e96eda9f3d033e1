"""The report in a real browser: it is shown whole, and nothing of the data runs.

Needs chromium on the PATH; is skipped without.
"""

import html
import re
import shutil
import subprocess

import pytest

from whisper_terms.recordings import Recording
from whisper_terms.report_html import Report, render
from whisper_terms.report_measures import read_evaluation
from whisper_terms.scoring.columns import EVAL, FLIPS, TERMS_EVAL
from whisper_terms.tables import TERMS, write_table

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium on the PATH")

SCRIPT = "<script>document.title='pwned'</script>"
IMAGE = "<img src=x onerror=\"document.title='pwned'\">"
TITLE = "nano: terms heard before and after"


@pytest.fixture
def report(tmp_path):
    """The page of an evaluation whose texts try to run scripts."""
    rows = [
        dict.fromkeys(EVAL, "")
        | {"model": "nano", "system": system, "test_set": "all", "utterances": 1}
        | {"term_occurrences": 1, "term_recall": recall, "u_cer": 0.04}
        for system, recall in (("base", 0), ("tuned", 1), (IMAGE, 0.5))
    ]
    write_table(tmp_path / "eval.tsv", EVAL, rows)
    heard = [
        dict(
            zip(
                TERMS_EVAL, [system, term, surface, IMAGE, "1", "0", "1", f"{IMAGE}×1"], strict=True
            )
        )
        for system in ("base", "tuned")
        for term, surface in (("t1", SCRIPT), ("t2", "痙攣"))
    ]
    term = dict.fromkeys(TERMS, SCRIPT) | {"term_id": "t1", "class": IMAGE}
    flip = dict.fromkeys(FLIPS, SCRIPT) | {"system": "tuned", "direction": "right_to_wrong"}
    flip["after"] = IMAGE
    page = render(
        Report(
            "nano",
            read_evaluation(tmp_path / "eval.tsv", "nano"),
            heard,
            [flip],
            [term],
            [Recording(tmp_path / "a.wav", SCRIPT, IMAGE, "a")],
            {"base": [IMAGE], "tuned": [SCRIPT]},
            files={"measures": f"{SCRIPT}/eval.tsv"},
        )
    )
    return page


def shown(page, folder):
    """The document as it is once its scripts have run."""
    file = folder / "report.html"
    file.write_text(page, encoding="utf-8")
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--virtual-time-budget=2000",
    ]
    profile = f"--user-data-dir={folder / 'profile'}"
    ran = subprocess.run(
        [*command, profile, "--dump-dom", file.as_uri()], capture_output=True, timeout=120
    )
    assert ran.returncode == 0, ran.stderr.decode()
    return ran.stdout.decode()


def title(document):
    return re.search("<title>(.*?)</title>", document).group(1)


def without_policy(page):
    """The page without its content security policy, so that escaping stands alone."""
    stripped, count = re.subn(r"<meta http-equiv=[^>]*>", "", page)
    assert count == 1
    return stripped


@pytest.mark.parametrize("change", [lambda page: page, without_policy], ids=["policy", "bare"])
def test_nothing_of_the_data_runs(report, tmp_path, change):
    document = shown(change(report), tmp_path)
    assert title(document) == TITLE
    assert document.count("<script") == 1
    assert "<img" not in document
    # Chromium writes text with & < > escaped.
    for text in (html.escape(SCRIPT, quote=False), html.escape(IMAGE, quote=False), "痙攣"):
        assert text in document


def test_an_attack_would_be_seen(report, tmp_path):
    """That the tests above can fail: unescaped and without the policy, the attack succeeds."""
    unsafe = without_policy(report).replace("</main>", f"{SCRIPT}</main>")
    assert title(shown(unsafe, tmp_path)) == "pwned"


def test_the_policy_stops_a_script_that_escaping_let_through(report, tmp_path):
    unsafe = report.replace("</main>", f"{SCRIPT}{IMAGE}</main>")
    assert title(shown(unsafe, tmp_path)) == TITLE


def test_our_own_script_runs(report, tmp_path):
    """The policy names its digest: the filter, hidden in the file, is there once it has run."""
    assert re.search(r'<form class="filter"[^>]*\bhidden', report)
    assert not re.search(r'<form class="filter"[^>]*\bhidden', shown(report, tmp_path))
