"""Scores equal sacrebleu's own command line; intervals and tests equal those of its slow ones."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.significance import PairedTest

from unrolled.errors import DataError, SettingsError
from unrolled.text.quality import by_length, compare, worst
from unrolled.text.scoring import bleu_tokenizer, measure
from unrolled.text.statistics import bleu, chrf, resampled

TEXT = "the a cat dog sat ran on over mat house and then it was 猫 が 好き です , ."
WORDS = TEXT.split()


def system(seed: int, damage: float, n: int = 120) -> tuple[list[str], list[str]]:
    """Translations with a share of their words replaced, left out or doubled, and their references."""
    random, references, hypotheses = np.random.default_rng(seed), [], []
    texts = np.random.default_rng(99)
    for _ in range(n):
        words = texts.choice(WORDS, texts.integers(1, 25)).tolist()
        references.append(" ".join(words))
        changed = [
            [word] if random.random() > damage else random.choice(WORDS, random.integers(3)).tolist() for word in words
        ]
        hypotheses.append(" ".join(word for some in changed for word in some))
    return hypotheses, references


@pytest.mark.parametrize("tokenize", ["13a", "none", "char", "zh"])
def test_scores_and_signatures_equal_the_command_line(tokenize: str, tmp_path: Path):
    hypotheses, references = system(1, 0.3)
    hypotheses[3] = ""
    (tmp_path / "hyp").write_text("\n".join(hypotheses) + "\n", encoding="utf-8")
    (tmp_path / "ref").write_text("\n".join(references) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "sacrebleu", str(tmp_path / "ref"), "-i", str(tmp_path / "hyp")]
    told = subprocess.run(
        [*command, "-m", "bleu", "chrf", "-tok", tokenize, "-w", "10"], capture_output=True, check=True, text=True
    )
    theirs = json.loads(told.stdout)
    ours = measure(hypotheses, references, tokenize).scores()
    assert [score.metric for score in ours] == ["BLEU", "chrF"]
    for score, other in zip(ours, theirs, strict=True):
        assert score.value == pytest.approx(other["score"], abs=1e-9)
        assert score.signature == other["signature"]


def test_every_resample_and_sentence_equals_sacrebleu_s_own_formula():
    hypotheses, references = system(2, 0.5, n=60)
    hypotheses[:3] = ["", "猫", "then"]
    measured = measure(hypotheses, references, "none")
    rows = np.concatenate([resampled(measured.counts["BLEU"], 30, 0), measured.counts["BLEU"], np.zeros((1, 10))])
    metric = BLEU(tokenize="none")
    expected = [metric._compute_score_from_stats(row.tolist()).score for row in rows]
    np.testing.assert_allclose(bleu(rows), expected, atol=1e-9)
    rows = np.concatenate([resampled(measured.counts["chrF"], 30, 0), measured.counts["chrF"], np.zeros((1, 18))])
    metric = CHRF()
    expected = [metric._compute_score_from_stats(row.tolist()).score for row in rows]
    np.testing.assert_allclose(chrf(rows), expected, atol=1e-9)
    sentence = [CHRF().sentence_score(h, [r]).score for h, r in zip(hypotheses, references, strict=True)]
    np.testing.assert_allclose(measured.by_sentence(), sentence, atol=1e-9)


def test_a_resample_is_as_many_sentences_drawn_with_replacement():
    sums = resampled(np.eye(6), 4000, seed=0)
    assert (sums.sum(axis=1) == 6).all()
    np.testing.assert_allclose(sums.mean(axis=0), 1, atol=0.06)
    np.testing.assert_allclose(sums.var(axis=0), 5 / 6, atol=0.08)  # a binomial's, of 6 draws with chance 1/6


def test_intervals_equal_sacrebleu_s():
    hypotheses, references = system(3, 0.3)
    theirs = BLEU(tokenize="none").corpus_score(hypotheses, [references], n_bootstrap=1000)
    score = measure(hypotheses, references, "none").scores(seed=5)[0]
    assert score.low < score.value < score.high
    assert (score.high - score.low) / 2 == pytest.approx(theirs._ci, rel=0.1)
    assert score.sentence.startswith(f"BLEU {score.value:.1f} (95%: {score.low:.1f} to {score.high:.1f}) nrefs:1|")
    assert measure(hypotheses, references, "none").scores(seed=5)[0] == score
    assert measure(hypotheses, references, "none").scores(seed=6)[0] != score


@pytest.mark.parametrize("damage", [0.3, 0.33, 0.36, 0.45])
def test_the_paired_test_is_close_to_sacrebleu_s(damage: float):
    base, references = system(4, 0.3)
    other, _ = system(5, damage)
    test = PairedTest(
        [("base", base), ("other", other)], {"BLEU": BLEU(tokenize="none"), "chrF2": CHRF()}, [references], "bs"
    )
    theirs = test()[1]
    ours = compare(measure(other, references, "none"), measure(base, references, "none"))
    for difference, name in zip(ours, ("BLEU", "chrF2"), strict=True):
        p = theirs[name][1].p_value
        assert difference.first == pytest.approx(theirs[name][1].score)
        assert difference.second == pytest.approx(theirs[name][0].score)
        assert difference.p_value == pytest.approx(p, abs=0.01 + 4 * np.sqrt(p * (1 - p) / 500))


def test_a_system_does_not_differ_from_itself_and_a_better_one_does():
    (good, references), (bad, _) = system(6, 0.1), system(7, 0.5)
    same = compare(measure(good, references, "none"), measure(good, references, "none"))[0]
    assert (same.value, same.low, same.high, same.significant) == (0, 0, 0, False)
    assert same.sentence() == (
        "The difference between the first and the second may well be chance (+0.0 BLEU, 95%: +0.0 to +0.0, n = 120)."
    )
    worse = compare(measure(bad, references, "none"), measure(good, references, "none"))[0]
    assert worse.high < 0
    assert worse.p_value < 0.01
    assert "new is worse than old, by more than chance" in worse.sentence(("new", "old"))


def test_only_the_same_references_can_be_compared():
    hypotheses, references = system(6, 0.1)
    one = measure(hypotheses, references, "none")
    with pytest.raises(DataError, match="the same references"):
        compare(one, measure(hypotheses, references[::-1], "none"))
    with pytest.raises(DataError, match="the same metric"):
        compare(one, measure(hypotheses, references, "char"))


def test_quality_by_length_covers_every_sentence_once():
    hypotheses, references = system(8, 0.3)
    measured = measure(hypotheses, references, "none")
    bins = by_length(measured)
    assert [(b.low, b.high) for b in bins] == [(0, 5), (6, 10), (11, 15), (16, 20), (21, 30)]
    assert sum(b.count for b in bins) == 120
    longest = [i for i, text in enumerate(references) if 21 <= len(text.split()) <= 30]
    alone = measure([hypotheses[i] for i in longest], [references[i] for i in longest], "none").scores()
    assert (bins[-1].count, bins[-1].scores) == (len(longest), alone)
    given = by_length(measured, np.arange(120), edges=(59,))
    assert [(b.low, b.high, b.count) for b in given] == [(0, 59, 60), (60, None, 60)]


def test_the_worst_come_first():
    found = worst(measure(["good night tom", "x", "good nigh tom"], ["good night tom"] * 3), most=2)
    assert [(w.place, w.hypothesis) for w in found] == [(1, "x"), (2, "good nigh tom")]
    assert found[0].score == 0 < found[1].score < 100


def test_tokenizers_follow_the_references():
    assert bleu_tokenizer(["Hallo Welt!", "Gut."])[0] == "13a"
    assert bleu_tokenizer(["終電 に 乗り遅れ た 。"])[0] == "none"
    assert bleu_tokenizer(["ฉันพลาดรถไฟขบวนสุดท้าย"]) == ("char", "no spaces stand between words: by character")
    name, why = bleu_tokenizer(["終電に乗り遅れた。"])
    if find_spec("MeCab"):
        assert name == "ja-mecab"
    else:
        assert name == "char"
        assert "pip install 'unrolled[ja]'" in why


def test_what_can_not_be_scored_is_refused():
    with pytest.raises(DataError, match="got 2 translations and 1 reference; give files of equally many lines"):
        measure(["a", "b"], ["a"])
    with pytest.raises(DataError, match="got 0 translations and 0 references"):
        measure([], [])
    with pytest.raises(SettingsError, match="BLEU has no tokenizer 'mecab'; nearest: 'ja-mecab'"):
        measure(["a"], ["a"], "mecab")


@pytest.mark.skipif(find_spec("MeCab") is not None, reason="MeCab is there, so nothing is missing")
def test_a_missing_extra_is_named():
    with pytest.raises(SettingsError, match=r"needs MeCab: pip install 'unrolled\[ja\]', or take char"):
        measure(["猫"], ["猫"], "ja-mecab")


@pytest.mark.skipif(find_spec("MeCab") is None, reason="MeCab is not there; the extra ja has it")
def test_japanese_is_scored_by_mecab():
    score = measure(["私は猫が好きです。"], ["私は犬が好きです。"], "ja-mecab").scores()[0]
    assert "tok:ja-mecab-" in score.signature
    assert 0 < score.value < 100


def test_text_loads_nothing_heavy():
    program = (
        "import sys, unrolled.text.scoring, unrolled.text.tokenizer, unrolled.text.choosing, unrolled.text.parts; "
    )
    program += "sys.exit(any(name in sys.modules for name in ('sacrebleu', 'sentencepiece', 'torch', 'scipy')))"
    assert subprocess.run([sys.executable, "-c", program], env=dict(os.environ)).returncode == 0
