"""Tables in pages that are otherwise written by hand."""

from collections.abc import Sequence

from whisper_terms.errors import Fault, UserError


def table_lines(lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table: a header, then rows; all columns but the first are flush right."""
    header, *rows = lines
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [header, rule, *rows])


def replace_table(page: str, name: str, table: str) -> str:
    """The page with another table between the two marks of that name.

    Raises:
        UserError: it has no such marks.
    """
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise UserError(Fault(f"the page has no place for the {name}", f"write {begin} and {end}"))
    return f"{before}{begin}\n{table}\n{end}{after}"
