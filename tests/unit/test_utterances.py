"""Which utterances a dictionary asks for: texts, voices, split; and the files they come from."""

from dataclasses import replace

import pytest
from small_plans import CARRIERS, CASTING, HELD_OUT, TERM_ROW, TWO, names, plan, texts

from whisper_terms.carriers import read_carriers
from whisper_terms.errors import UserError
from whisper_terms.replay import read_replay
from whisper_terms.speech.engine import Replacement, Voice
from whisper_terms.utterances import (
    CONTEXT,
    DEVELOPMENT,
    REPLAY,
    TERM,
    TRAIN,
    Casting,
    plan_replay,
    plan_term,
    split_sentences,
)


class TestTraining:
    def test_numbers(self):
        utterances = plan()
        assert texts(utterances, split=TRAIN, kind=TERM) == ["痙攣", "痙攣"]
        assert len(texts(utterances, split=TRAIN, kind=CONTEXT)) == 4
        assert len(texts(utterances, split=DEVELOPMENT)) == 1
        assert len(utterances) == 7

    def test_the_sentences_hold_the_term_and_its_sound(self):
        for one in plan():
            assert "痙攣" in one.spoken.text
            assert "{" not in one.spoken.text
            assert one.spoken.replacements == (Replacement("痙攣", "ケイレン", "ケーレン"),)
            assert (one.term_id, one.reading) == ("t0000000001", "ケイレン")

    @pytest.mark.parametrize("term_id", [f"t{number:010x}" for number in range(12)])
    def test_the_first_voice_says_every_lone_term(self, term_id):
        lone = names(plan(term_id=term_id), kind=TERM, split=TRAIN)
        assert lone == ["one", "two"]

    def test_sentences_are_dealt_to_all_voices_in_turn(self):
        firsts = set()
        for number in range(12):
            voices = names(plan(term_id=f"t{number:010x}"), kind=CONTEXT, split=TRAIN)
            assert sorted(voices[:3]) == ["one", "three", "two"]
            assert voices[3] == voices[0]
            firsts.add(voices[0])
        # Else most sentences would be the first voice's.
        assert firsts == {"one", "two", "three"}

    def test_terms_get_different_sentences(self):
        chosen = {
            tuple(sorted(texts(plan(term_id=f"t{number:010x}"), kind=CONTEXT, split=TRAIN)))
            for number in range(12)
        }
        assert len(chosen) > 1

    def test_nothing_twice(self):
        # Twenty are asked for, but there are three voices for two sentences (one is held out).
        casting = replace(CASTING, isolated=9, in_carriers=20)
        utterances = plan(casting, {"general": ("{term}一", "{term}二", "{term}三")})
        assert len(utterances) == len(set(utterances))
        assert len(texts(utterances, kind=TERM, split=TRAIN)) == 3
        assert len(texts(utterances, kind=CONTEXT, split=TRAIN)) == 6

    @pytest.mark.parametrize("templates", range(2, 8))
    def test_every_voice_says_every_sentence_before_one_says_it_again(self, templates):
        carriers = {"general": tuple(f"{number}{{term}}" for number in range(templates + 1))}
        casting = replace(CASTING, in_carriers=3 * templates, held_out=0.01)
        assert len(texts(plan(casting, carriers), split=TRAIN, kind=CONTEXT)) == 3 * templates

    def test_the_plan_follows_from_the_term_alone(self):
        assert plan() == plan()
        other = plan(term_id="t0000000002", surface="動悸")
        assert plan_term(TERM_ROW, CARRIERS, CASTING) == plan()
        assert not set(other) & set(plan())

    def test_its_own_class_of_templates(self):
        assert texts(plan(**{"class": "symptom"}), split=TRAIN, kind=CONTEXT) != []
        assert {text[2:] for text in texts(plan(**{"class": "symptom"}), kind=CONTEXT)} == {
            "が痛い。",
            "が続く。",
        }
        # A class without templates takes the general ones.
        assert texts(plan(**{"class": "unknown"})) == texts(plan())

    def test_a_surface_that_looks_like_a_slot(self):
        (text,) = texts(plan(surface="{term}<b>\\1"), split=DEVELOPMENT)
        assert text.count("{term}<b>\\1") == 1


class TestWeight:
    @pytest.mark.parametrize(
        ("weight", "lone", "framed"),
        [("", 2, 4), ("1.0", 2, 4), ("2", 3, 8), ("0.5", 1, 2), ("0.1", 1, 1), ("1.25", 3, 5)],
    )
    def test_it_multiplies_and_rounds_up(self, weight, lone, framed):
        # There are three voices, so of "2" only three lone terms differ.
        utterances = plan(weight=weight)
        assert len(texts(utterances, split=TRAIN, kind=TERM)) == lone
        assert len(texts(utterances, split=TRAIN, kind=CONTEXT)) == framed

    def test_a_product_that_is_whole_but_for_rounding(self):
        # 25 * 2.2 is 55.00000000000001.
        casting = replace(CASTING, isolated=0, in_carriers=25, held_out=0.01)
        templates = tuple(f"{number}{{term}}" for number in range(20))
        utterances = plan(casting, {"general": templates}, weight="2.2")
        assert len(texts(utterances, split=TRAIN)) == 55


class TestOwnSentences:
    def test_they_are_all_for_training_and_count(self):
        utterances = plan(sentences="足が痙攣した。|痙攣と動悸。")
        trained = texts(utterances, split=TRAIN, kind=CONTEXT)
        assert trained[:2] == ["足が痙攣した。", "痙攣と動悸。"]
        assert len(trained) == 4
        assert not {"足が痙攣した。", "痙攣と動悸。"} & set(texts(utterances, split=DEVELOPMENT))

    def test_more_than_asked_for_are_all_taken(self):
        own = "|".join(f"痙攣{number}" for number in range(6))
        assert texts(plan(sentences=own), split=TRAIN, kind=CONTEXT) == own.split("|")

    def test_one_that_is_held_out_is_trained_on_and_no_longer_held_out(self):
        (held_out,) = texts(plan(), split=DEVELOPMENT)
        utterances = plan(sentences=held_out)
        assert held_out in texts(utterances, split=TRAIN)
        (other,) = texts(utterances, split=DEVELOPMENT)
        assert other not in texts(utterances, split=TRAIN)


class TestDevelopment:
    @pytest.mark.parametrize("number", range(20))
    def test_its_sentences_and_voices_are_never_trained_on(self, number):
        casting = replace(CASTING, in_carriers=30)
        utterances = plan(casting, term_id=f"t{number:010x}")
        trained = set(texts(utterances, split=TRAIN))
        assert len(trained) == 1 + 6  # the lone term, and three quarters of the templates
        assert not trained & set(texts(utterances, split=DEVELOPMENT))
        assert set(names(utterances, split=DEVELOPMENT)) == {"held-out"}
        assert "held-out" not in names(utterances, split=TRAIN)

    def test_the_same_sentences_are_held_out_for_every_term(self):
        casting = replace(CASTING, in_carriers=30)
        plans = [plan(casting, term_id=f"t{number:010x}") for number in range(20)]
        trained = {text for one in plans for text in texts(one, split=TRAIN)}
        held_out = {text for one in plans for text in texts(one, split=DEVELOPMENT)}
        assert len(held_out) == 2
        assert not trained & held_out

    def test_one_utterance_a_voice(self):
        casting = replace(CASTING, development=(HELD_OUT, Voice("other", speed=2)))
        assert names(plan(casting), split=DEVELOPMENT) == ["held-out", "other"]

    def test_without_held_out_voices_the_sentences_alone_are_held_out(self):
        casting = replace(CASTING, development=CASTING.train)
        utterances = plan(casting)
        assert names(utterances, split=DEVELOPMENT) == ["one", "two", "three"]
        assert not set(texts(utterances, split=TRAIN)) & set(texts(utterances, split=DEVELOPMENT))

    def test_without_carriers_the_voice_alone_is_held_out(self):
        utterances = plan(replace(CASTING, in_carriers=0))
        assert texts(utterances, split=TRAIN) == ["痙攣", "痙攣"]
        (development,) = [one for one in utterances if one.split == DEVELOPMENT]
        assert (development.kind, development.spoken.text) == (TERM, "痙攣")
        assert development.voice == HELD_OUT

    def test_without_either_there_is_none(self):
        casting = replace(CASTING, in_carriers=0, development=CASTING.train)
        assert {one.split for one in plan(casting)} == {TRAIN}

    def test_a_held_out_voice_that_sounds_like_another_is_not_held_out(self):
        casting = replace(CASTING, in_carriers=0, development=(replace(TWO, name="copy"),))
        assert {one.split for one in plan(casting)} == {TRAIN}

    def test_own_sentences_alone_leave_the_lone_term(self):
        casting = replace(CASTING, in_carriers=0, isolated=0, development=CASTING.train)
        utterances = plan(casting, sentences="足が痙攣した。")
        assert texts(utterances, split=TRAIN) == ["足が痙攣した。"]
        assert set(texts(utterances, split=DEVELOPMENT)) == {"痙攣"}

    def test_a_single_template_is_said_by_the_held_out_voice(self):
        carriers = {"general": ("{term}です。",)}
        (development,) = [one for one in plan(carriers=carriers) if one.split == DEVELOPMENT]
        assert development.voice == HELD_OUT
        shared = replace(CASTING, development=CASTING.train)
        assert {one.split for one in plan(shared, carriers)} == {TRAIN}


class TestSplitSentences:
    def test_shares(self):
        sentences = [str(number) for number in range(40)]
        held_out, trained = split_sentences(sentences, 0.1)
        assert (len(held_out), len(trained)) == (4, 36)
        assert sorted(held_out + trained) == sorted(sentences)

    @pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
    def test_one_of_each_where_there_are_two(self, share):
        held_out, trained = split_sentences(["a", "b"], share)
        assert (len(held_out), len(trained)) == (1, 1)

    def test_order_does_not_matter(self):
        sentences = [str(number) for number in range(40)]
        assert split_sentences(sentences, 0.2) == split_sentences(sentences[::-1], 0.2)


class TestReplay:
    SENTENCES = tuple(f"今日は{number}番です。" for number in range(40))

    def test_each_sentence_once_in_order(self):
        utterances = plan_replay(self.SENTENCES, CASTING)
        assert [one.spoken.text for one in utterances] == list(self.SENTENCES)
        assert {(one.kind, one.term_id, one.reading) for one in utterances} == {(REPLAY, "", "")}

    def test_held_out_sentences_have_held_out_voices(self):
        utterances = plan_replay(self.SENTENCES, CASTING)
        assert len(texts(utterances, split=DEVELOPMENT)) == 10
        assert set(names(utterances, split=DEVELOPMENT)) == {"held-out"}
        assert set(names(utterances, split=TRAIN)) == {"one", "two", "three"}

    def test_one_sentence_trains(self):
        (only,) = plan_replay(["今日は晴れです。"], CASTING)
        assert only.split == TRAIN


def test_a_casting_survives_json():
    assert Casting.from_json(CASTING.to_json()) == CASTING


class TestFiles:
    def carriers(self, tmp_path, *rows):
        path = tmp_path / "carriers.tsv"
        path.write_text("class\ttemplate\n" + "".join(f"{row}\n" for row in rows))
        return path

    def test_carriers_by_class(self, tmp_path):
        path = self.carriers(tmp_path, "general\t{term}。", "symptom\t痛い{term}", "\tまた{term}")
        assert read_carriers(path) == {
            "general": ("{term}。", "また{term}"),
            "symptom": ("痛い{term}",),
        }

    @pytest.mark.parametrize(
        ("rows", "problems"),
        [
            (["general\tなし"], ["a template needs one slot"]),
            (["general\t{term}と{term}"], ["a template needs one slot"]),
            (["general\t{term}", "general\t{term}"], ["the template stands twice"]),
            # A row without a class is of the class general.
            (["general\t{term}", "\t{term}"], ["the template stands twice"]),
            (["\t{term}", "\t{term}"], ["the template stands twice"]),
            (["symptom\t{term}"], ["has no templates of the class general"]),
            (["a\tx", "b\ty"], ["a template needs one slot"] * 2),
        ],
    )
    def test_faults_of_carriers(self, tmp_path, rows, problems):
        with pytest.raises(UserError) as error:
            read_carriers(self.carriers(tmp_path, *rows))
        assert [fault.problem for fault in error.value.faults] == problems

    def test_replay_without_blanks_and_repetitions(self, tmp_path):
        path = tmp_path / "replay.txt"
        path.write_bytes("\ufeff今日。\r\n\r\n 明日。 \n今日。\n".encode())
        assert read_replay(path) == ["今日。", "明日。"]

    @pytest.mark.parametrize(
        ("content", "problem"), [(b"\n \n", "holds no sentence"), (b"\x82\xa0", "not UTF-8")]
    )
    def test_faults_of_replay(self, tmp_path, content, problem):
        path = tmp_path / "replay.txt"
        path.write_bytes(content)
        with pytest.raises(UserError, match=problem):
            read_replay(path)

    def test_no_replay(self, tmp_path):
        with pytest.raises(UserError, match="no such file"):
            read_replay(tmp_path / "replay.txt")
