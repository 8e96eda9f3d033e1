"""Scores of transcripts: errors, terms heard, and what was lost, with bootstrap intervals.

The parts, from text to table:

- `normalise`: the characters that count
- `alignment`: which reference character was heard as what
- `lexicon`: where the terms stand in a text
- `tokens`: GiNZA words, for the word error rate
- `utterance`: the counts of one utterance
- `bootstrap`: intervals over utterances
- `summary`: the rows of eval.tsv, terms_eval.tsv and flips.tsv
- `columns`: what those rows are made of
- `transcripts`: what the systems wrote, read from their folders
- `metrics`: the same character error rate as an `evaluate.Metric`
"""
