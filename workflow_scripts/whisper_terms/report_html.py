"""The report: one HTML file that needs nothing else, neither files nor a network.

All text that is not ours (terms, classes, transcripts, names of systems and files) reaches the page
through the escaping of Jinja. Should that ever fail, the page's content security policy lets
nothing run but the one script whose digest it names.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
from markupsafe import Markup

from whisper_terms.recordings import Recording
from whisper_terms.report_chart import chart
from whisper_terms.report_costs import Cost, duration
from whisper_terms.report_headline import headline, summary_sentences
from whisper_terms.report_homophones import word_lines
from whisper_terms.report_measures import COLUMNS, Evaluation, table_columns, table_groups
from whisper_terms.report_terms import (
    SHOWN,
    sentences,
    system_flips,
    term_lines,
    untested_terms,
)

TEMPLATES = Path(__file__).parent / "templates"

Row = Mapping[str, str]


@dataclass(frozen=True)
class Report:
    """What the report is made of.

    Attributes:
        model: the name of the base model.
        evaluation: the measures of eval.tsv.
        terms_eval, flips, terms: the rows of these tables.
        recordings: the test recordings.
        transcripts: what each system wrote, in the order of the recordings.
        homophones: the rows of homophones_eval.tsv.
        costs: what the stages cost; empty if it was not measured.
        files: what the report was made from: what it is, and its path as it should be shown.
    """

    model: str
    evaluation: Evaluation
    terms_eval: Sequence[Row]
    flips: Sequence[Row]
    terms: Sequence[Row]
    recordings: Sequence[Recording] = ()
    transcripts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    homophones: Sequence[Row] = ()
    costs: Sequence[Cost] = ()
    files: Mapping[str, str] = field(default_factory=dict)


def render(report: Report) -> str:
    """The report as the text of an HTML page."""
    evaluation = report.evaluation
    taught = _taught_first(evaluation)
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            report=report,
            evaluation=evaluation,
            headline=headline(evaluation),
            summary=summary_sentences(evaluation),
            all_columns=COLUMNS,
            columns=table_columns(evaluation),
            groups=table_groups(evaluation),
            chart=chart(evaluation),
            term_tables={
                system: term_lines(report.terms_eval, report.terms, evaluation.base, system)
                for system in taught
            },
            word_tables={
                system: lines
                for system in taught
                if (lines := word_lines(report.homophones, evaluation.base, system))
            },
            untested=untested_terms(report.terms_eval, report.terms),
            flips=[system_flips(report.flips, system) for system in taught],
            sentences=sentences(report.recordings, report.transcripts),
            real_time_factors={
                system: evaluation.value(system, evaluation.main_set, "rtf")
                for system in evaluation.systems
            },
            shown=SHOWN,
            # Both are files of ours, and the digest is of the very text that stands in the page.
            script=Markup(script),
            script_digest=_digest(script),
            style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        )
    )


def _taught_first(evaluation: Evaluation) -> list[str]:
    """The systems other than the base, the chosen one first."""
    others = [system for system in evaluation.systems[1:] if system != evaluation.chosen]
    return [evaluation.chosen, *others] if evaluation.chosen else []


def _digest(script: str) -> str:
    """The digest by which a content security policy names a script."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["duration"] = duration
    return environment
