"""What the benchmarks share: cases, rows, scratch copies of the workflow, and the page."""
