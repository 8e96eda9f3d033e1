"""Tables in Markdown, and pages around them that are written by hand."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from whisper_terms.errors import Fault, UserError


def table(header: Sequence[str], lines: Iterable[Sequence[str]], numbers: Collection[int]) -> str:
    """A table, without a line break at its end.

    Args:
        header: the columns' names.
        lines: cells, any text.
        numbers: indices of the columns that are flush right.
    """
    rule = ["---:" if index in numbers else "---" for index in range(len(header))]
    cells = [header, rule, *([cell.replace("|", "\\|") for cell in line] for line in lines)]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def percent(row: Mapping[str, str], measure: str) -> str:
    """A rate of a row of eval.tsv in percent; a dash where it is not defined."""
    return f"{100 * float(row[measure]):.1f}" if row[measure] else "–"


def percent_with_interval(row: Mapping[str, str], measure: str) -> str:
    """The same with its interval."""
    ends = (percent(row, f"{measure}_{end}") for end in ("low", "high"))
    return f"{percent(row, measure)} ({' to '.join(ends)})"


def replace_table(page: str, name: str, lines: str) -> str:
    """The page with another table between the two marks of that name.

    Raises:
        UserError: it has no such marks.
    """
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise UserError(Fault(f"the page has no place for the {name}", f"write {begin} and {end}"))
    return f"{before}{begin}\n{lines}\n{end}{after}"
