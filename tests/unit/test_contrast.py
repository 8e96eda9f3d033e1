"""Words that sound like a term, spoken beside it where they are the right ones."""

from dataclasses import replace

import pytest
from small_plans import CASTING, TEMPLATES, TERM_ROW, names, plan, texts

from whisper_terms.utterances import CONTRAST, DEVELOPMENT, TRAIN


class TestContrast:
    CASTING = replace(CASTING, contrast=3)

    EVERYDAY = (
        ["休みに経連へ行く。", "雨だ。"],
        ["経連が来た。", "明日は晴れだ。", "経連会に出た。", "軽煉を見た。", "これは軽煉だ。"],
    )

    def contrast(self, term_class="symptom", rivals="経連|軽煉", **others):
        """The utterances that are there because of the rivals."""
        row = {"class": term_class}
        without = plan(self.CASTING, **row)
        planned = plan(self.CASTING, rivals=rivals, **row, **others)
        return [one for one in planned if one not in without]

    def test_each_rival_is_said_in_sentences_for_any_word(self):
        found = self.contrast()
        training, held_out = (
            texts(found, split=split, kind=CONTRAST) for split in (TRAIN, DEVELOPMENT)
        )
        assert [sum(rival in text for text in training) for rival in ("経連", "軽煉")] == [3, 3]
        assert [sum(rival in text for text in held_out) for rival in ("経連", "軽煉")] == [1, 1]
        frames = [
            {text.replace("経連", "{term}").replace("軽煉", "{term}") for text in chosen}
            for chosen in (training, held_out)
        ]
        assert frames[0] | frames[1] <= set(TEMPLATES)
        assert not frames[0] & frames[1]
        assert not any("痙攣" in text for text in training + held_out)

    def test_everyday_sentences_with_the_word_come_first(self):
        found = self.contrast(everyday=self.EVERYDAY)
        training = texts(found, split=TRAIN)
        natural = [text for text in training if text in self.EVERYDAY[1]]
        # Not 経連会: who knows how that is read.
        assert sorted(natural) == ["これは軽煉だ。", "経連が来た。", "軽煉を見た。"]
        assert [sum(rival in text for text in training) for rival in ("経連", "軽煉")] == [3, 3]
        held_out = texts(found, split=DEVELOPMENT)
        assert held_out[0] == "休みに経連へ行く。"
        assert len(held_out) == 2
        assert "軽煉" in held_out[1]

    def test_there_are_no_more_than_the_term_has(self):
        """Sentences for any word fill up to the number asked for, everyday ones go beyond it."""
        found = self.contrast(everyday=self.EVERYDAY, rivals="軽煉")
        assert len(texts(found, split=TRAIN)) == self.CASTING.contrast == 3
        many = [f"{number}日に軽煉が来た。" for number in range(9)]
        chosen = texts(self.contrast(everyday=([], many), rivals="軽煉"), split=TRAIN)
        assert len(set(chosen)) == self.CASTING.in_carriers == 4
        assert set(chosen) < set(many)
        again = self.contrast(everyday=([], many[::-1]), rivals="軽煉")
        assert texts(again, split=TRAIN) == chosen

    @pytest.mark.parametrize(("fewest", "weight"), [(6, ""), (3, "2")])
    def test_how_many_everyday_ones_there_are_is_the_larger_number(self, fewest, weight):
        """Whatever the term's own weight."""
        many = [f"{number}日に軽煉が来た。" for number in range(9)]
        casting = replace(CASTING, contrast=fewest)
        planned = plan(casting, rivals="軽煉", weight=weight, everyday=([], many))
        said = [text for text in texts(planned, split=TRAIN, kind=CONTRAST) if text in many]
        assert len(said) == max(fewest, CASTING.in_carriers)

    def test_a_term_in_any_sentences_has_the_everyday_ones_alone(self):
        found = self.contrast("general", everyday=self.EVERYDAY, rivals="経連")
        assert texts(found) == ["経連が来た。", "休みに経連へ行く。"]

    def test_it_has_the_terms_sound(self):
        for one in self.contrast(everyday=self.EVERYDAY):
            assert one.term_id == TERM_ROW["term_id"]
            (word,) = one.spoken.replacements
            assert word.surface in one.spoken.text
            assert word.pronunciation == "ケーレン"

    def test_voices(self):
        found = self.contrast()
        assert set(names(found, split=TRAIN)) == {"one", "two", "three"}
        assert set(names(found, split=DEVELOPMENT)) == {"held-out"}

    @pytest.mark.parametrize("term_class", ["general", "", "no such class"])
    def test_where_the_term_has_the_same_sentences_there_are_none(self, term_class):
        assert self.contrast(term_class) == []

    def test_none_are_asked_for(self):
        assert plan(rivals="経連", **{"class": "symptom"}) == plan(**{"class": "symptom"})

    def test_the_terms_own_utterances_stay(self):
        with_rivals = plan(self.CASTING, rivals="経連", **{"class": "symptom"})
        assert set(plan(**{"class": "symptom"})) < set(with_rivals)
