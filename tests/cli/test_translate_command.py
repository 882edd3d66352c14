"""`unrolled translate`: train, run, score and explain, and what each says to input that can't be used."""

import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from itertools import islice, product
from pathlib import Path
from typing import Any

import pytest

import unrolled
from unrolled.cli import main
from unrolled.forecast import Forecaster
from unrolled.translate import Translator

PAIRS = 200
TINY = ("--hidden", "16", "--epochs", "1")
BOTH = ("--source", "a.en", "--target", "a.de")
FILES = {"model.safetensors", "tokenizers.json", "run.json", "metrics.jsonl", "report.html", "checkpoints"}
WHO = {"i": "ich", "you": "du", "tom": "Tom", "mary": "Maria", "we": "wir", "dogs": "Hunde"}
DOES = {"see": "sehe", "like": "mag", "want": "will", "hear": "höre", "buy": "kaufe"}
WHAT = {
    "cats": "Katzen",
    "trees": "Bäume",
    "songs": "Lieder",
    "bread": "Brot",
    "tea": "Tee",
    "rain": "Regen",
    "it": "es",
}
COMMAND = [sys.executable, "-c", "import sys; exec(sys.argv.pop(1)); from unrolled.cli import main; main()"]
# Send oneself Ctrl-C in the second step of training.
INTERRUPT = """
import os, signal
from unrolled import training
calls, usual = 0, training.clip_gradients
def counted(*arguments, **keywords):
    global calls
    calls += 1
    if calls == 2:
        os.kill(os.getpid(), signal.SIGINT)
    return usual(*arguments, **keywords)
training.clip_gradients = counted
"""


def _write_corpus() -> None:
    pairs = list(islice(product(WHO, DOES, WHAT), PAIRS))
    Path("a.en").write_text("".join(f"{s} {v} {o} .\n" for s, v, o in pairs), encoding="utf-8")
    Path("a.de").write_text("".join(f"{WHO[s]} {DOES[v]} {WHAT[o]} .\n" for s, v, o in pairs), encoding="utf-8")


@pytest.fixture
def texts(folder) -> Path:
    """``a.en`` and ``a.de``, 200 pairs, in the current folder, an empty one otherwise."""
    _write_corpus()
    return folder


@pytest.fixture(scope="module")
def _translators(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("translators")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        _write_corpus()
        for out, more in (
            ("good", ("--epochs", "20", "--batch-size", "8")),
            ("plain", ("--epochs", "1", "--attention", "none")),
        ):
            words = [*BOTH, "--hidden", "16", *more, "--learning-rate", "0.02", "--dropout", "0", "--out", out]
            with redirect_stdout(io.StringIO()), pytest.raises(SystemExit) as ended:
                main(["translate", "train", *words])
            assert ended.value.code == 0
    return place


@pytest.fixture
def runs(_translators, folder) -> Path:
    """The corpus, and the runs ``good`` and ``plain`` (one epoch, without attention) that were trained on it."""
    shutil.copytree(_translators, folder, dirs_exist_ok=True)
    return folder


@pytest.fixture
def typed(monkeypatch) -> Callable[[bytes], None]:
    """What comes on stdin."""

    def give(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return give


def lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


# ---- train


def test_train_says_everything_and_keeps_it(texts, command):
    code, out, err = command("translate", "train", *BOTH, *TINY)
    assert code == 0, err
    run = Path("runs/a-1")
    assert {path.name for path in run.iterdir()} == FILES
    saved = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert saved["notes"] == err.splitlines(), "nothing else on stderr, no bar where it is no terminal"
    assert any(note.startswith("Split off 4 for dev and 4 for test") for note in saved["notes"])
    for metric in ("BLEU", "chrF"):
        about = saved["evaluation"][metric]
        interval = f"(95%: {about['low']:.1f} to {about['high']:.1f})"
        assert f"  {metric} {about['value']:.1f} {interval} {about['signature']}" in out.splitlines()
    assert "On the test part, 4 sentences:" in out
    assert [len(re.findall(rf"^  {word} +\S", out, re.M)) for word in ("source", "reference", "translation")] == [2] * 3
    assert (run / "report.html").resolve().as_uri() in out
    tried = re.search(r"^Try: +unrolled (translate explain runs/a-1 '(.+)')$", out, re.M)
    assert tried
    assert tried[2] in lines("a.en")


def test_train_passes_every_option_on(texts, command):
    shape = "--cell gru --attention additive --input-feeding --layers 2 --dropout 0.5 --tokenizer characters"
    rest = "--vocabulary 30 --teacher-forcing 0.5 --schedule linear --label-smoothing 0.2 --choose-by loss"
    rest += " --batch-size 16 --learning-rate 0.01 --seed 3 --device cpu --out r"
    assert command("translate", "train", *BOTH, *TINY, *shape.split(), *rest.split()).code == 0
    saved = json.loads(Path("r/run.json").read_text(encoding="utf-8"))
    about = {"cell": "gru", "attention": "additive", "input_feeding": True, "layers": 2, "dropout": 0.5, "hidden": 16}
    assert about.items() <= saved["architecture"].items()
    objective = {"label_smoothing": 0.2, "teacher_forcing": 0.5, "schedule": "linear", "choose_by": "loss"}
    assert saved["objective"] == objective
    known = {"batch_size": 16, "learning_rate": 0.01, "seed": 3, "device": "cpu", "epochs": 1, "minutes": None}
    assert known.items() <= saved["training"].items()
    assert {"tokenizer": "characters", "vocabulary": 30, "source": "a.en"}.items() <= saved["asked"].items()
    assert saved["architecture"]["source_size"] <= 30


def test_what_is_cleaned_away_and_a_vocabulary_that_is_too_large_are_said(texts, command):
    with Path("a.en").open("a", encoding="utf-8") as en, Path("a.de").open("a", encoding="utf-8") as de:
        en.write("we see .\n\ni see cats .\nthe same .\n")
        de.write("\nWir .\nich sehe Katzen .\nthe same .\n")
    code, _, err = command("translate", "train", *BOTH, *TINY, "--tokenizer", "unigram", "--vocabulary", "5000")
    assert code == 0
    assert "4 of 204 pairs were left out." in err.splitlines()
    assert "Left out: 2 with an empty side, such as line 201: 'we see .' | ''." in err
    assert re.search(r"^Source: the vocabulary has \d+ subwords, .* and might have 5,000\.$", err, re.M)


def test_train_without_attention_and_by_a_transformer(runs, command):
    assert json.loads(Path("plain/run.json").read_text(encoding="utf-8"))["architecture"]["attention"] is None
    assert command("translate", "train", *BOTH, *TINY, "--model", "transformer", "--out", "t").code == 0
    assert json.loads(Path("t/run.json").read_text(encoding="utf-8"))["architecture"]["model"] == "transformer"


def test_train_by_one_file_with_tabs(texts, command):
    pairs = zip(lines("a.en"), lines("a.de"), strict=True)
    Path("a.tsv").write_text("".join(f"{x}\t{y}\n" for x, y in pairs), encoding="utf-8")
    assert command("translate", "train", "--source", "a.tsv", *TINY, "--out", "tsv").code == 0
    assert command("translate", "train", *BOTH, *TINY, "--out", "two").code == 0
    assert Path("tsv/model.safetensors").read_bytes() == Path("two/model.safetensors").read_bytes()


def test_a_dev_that_stands_in_train_is_counted_and_warned_of(texts, command):
    for side in ("en", "de"):
        Path(f"d.{side}").write_text("".join(line + "\n" for line in lines(f"a.{side}")[:10]), encoding="utf-8")
    code, _, err = command("translate", "train", *BOTH, "--dev-source", "d.en", "--dev-target", "d.de", *TINY)
    assert code == 0
    assert re.search(
        r"^Warning: (\d+) of the 10 sources of dev also stand in train, \1 of them with the same", err, re.M
    )


def test_ctrl_c_keeps_the_best_weights_and_resume_goes_on(texts, command, process):
    words = [*BOTH, "--hidden", "16", "--epochs", "2", "--batch-size", "8"]
    code, out, err = process("translate", "train", *words, "--out", "r", stage=INTERRUPT)
    assert code == 130
    again = "Go on with: unrolled translate train --resume r"
    assert err.splitlines()[-1] == f"Interrupted: r has the best weights so far. {again}"
    assert "Traceback" not in err
    assert "BLEU" in out
    assert json.loads(Path("r/run.json").read_text(encoding="utf-8"))["status"] == "interrupted"
    code, _, err = command("translate", "train", "--resume", "r")
    assert code == 0, err
    assert command("translate", "train", *words, "--out", "whole").code == 0
    assert Path("r/model.safetensors").read_bytes() == Path("whole/model.safetensors").read_bytes()


@pytest.mark.parametrize("moment", ["corpus_of", "prepare", "new_run"])
def test_ctrl_c_before_training_leaves_nothing(moment, texts, command, monkeypatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"unrolled.translate.{moment}", interrupted)
    code, out, err = command("translate", "train", *BOTH, *TINY)
    assert (code, out, err.strip()) == (130, "", "unrolled: interrupted")
    assert sorted(path.name for path in texts.iterdir()) == ["a.de", "a.en"]


def test_resume_trains_longer(runs, command):
    assert command("translate", "train", "--resume", "plain", "--epochs", "2").code == 0
    assert json.loads(Path("plain/run.json").read_text(encoding="utf-8"))["training"]["epochs"] == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("train", "give the text: --source FILE --target FILE, or --resume RUN"),
        ("train --source a.en --target a.de --dev-source d.en", "--target is given and --dev-target isn't"),
        ("train --source a.tsv --dev-source d.en --dev-target d.de", "--dev-target is given and --target isn't"),
        ("train --source a.en --target a.de --dev-target d.de", "--dev-target is beside a --dev-source"),
        ("train --source a.en --target a.de --model transformer --cell gru", "--cell is for the recurrent model"),
        ("train --resume good --hidden 8", "--resume takes everything from the run; leave out --hidden"),
        ("train --source a.en --target a.de --attention soft", "'soft' is not one of"),
        ("run", "Missing argument 'RUN'"),
        ("run good --min-length 5 --max-length 4", "--max-length 4 is below --min-length 5"),
        ("run good --beam 0", "0 is not in the range x>=1"),
        ("score good", "Missing option '--source'"),
        ("explain good", "Missing argument 'SENTENCE'"),
    ],
)
def test_wrong_usage_is_2(words, says, command, folder):
    code, out, err = command("translate", *words.split())
    assert (code, out) == (2, "")
    assert says in err
    assert not list(folder.iterdir())


# ---- texts that can't be used


def spoilt(name: str, change: Callable[[list[bytes]], list[bytes]]) -> Callable[[], None]:
    def write() -> None:
        content = Path(name).read_bytes().split(b"\n")
        Path(name).write_bytes(b"\n".join(change(content)))

    return write


def at_line_5(line: bytes) -> Callable[[list[bytes]], list[bytes]]:
    return lambda rows: [*rows[:4], line, *rows[5:]]


BAD = {
    "one line less": (spoilt("a.de", lambda rows: rows[:99] + rows[100:]), "a.en has 200 lines and a.de 199; "),
    "cut off": (spoilt("a.de", lambda rows: [*rows[:150], b""]), "a.en has 200 lines and a.de 150; "),
    "empty": (spoilt("a.de", lambda rows: []), "a.de is empty"),
    "blank": (spoilt("a.en", lambda rows: [b""] * 201), "a.en has 200 lines, and all are blank"),
    "latin-1": (
        spoilt("a.de", at_line_5("höre".encode("latin-1"))),
        "a.de, line 5: the byte 0xF6 isn't UTF-8; save it as UTF-8, or convert it: iconv -f WINDOWS-1252",
    ),
    "utf-16": (
        lambda: Path("a.de").write_bytes(Path("a.de").read_text(encoding="utf-8").encode("utf-16")),
        "a.de: the text is UTF-16, not UTF-8",
    ),
    "zero byte": (spoilt("a.en", at_line_5(b"i\0see")), "a.en, line 5: a zero byte"),
    "enormous line": (
        spoilt("a.en", at_line_5(b"see " * 500_000)),
        "a.en, line 5 has 2,000,001 bytes, and 1,048,576 are the most",
    ),
    "missing": (lambda: Path("a.de").unlink(), "can't read a.de: no such file or directory"),
    "folder": (lambda: (Path("a.de").unlink(), Path("a.de").mkdir()), "a.de is a folder"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_text_that_can_not_be_used_is_one_line_and_leaves_nothing(name, texts, refused):
    spoil, says = BAD[name]
    spoil()
    assert refused("translate", "train", *BOTH, *TINY).startswith(says)


def test_source_equal_to_target(texts, refused):
    said = refused("translate", "train", "--source", "a.en", "--target", "a.en", *TINY)
    assert said == "a.en is given as source and as target; give the file of each language"
    shutil.copy("a.en", "copy.en")
    said = refused("translate", "train", "--source", "a.en", "--target", "copy.en", *TINY)
    assert said.startswith("of 200 pairs of the corpus none can be used: 200 whose target is the source")


def test_no_tab_and_too_few_pairs(texts, refused):
    assert "tab" in refused("translate", "train", "--source", "a.en", *TINY)
    for side in ("en", "de"):
        Path(f"few.{side}").write_text(lines(f"a.{side}")[0] + "\n", encoding="utf-8")
    said = refused("translate", "train", "--source", "few.en", "--target", "few.de", *TINY)
    assert said.startswith("the corpus has 1 pair, too few")
    assert said.endswith("to split off dev and test; give more pairs"), "there is no way to give a test part"


def test_both_epochs_and_minutes_and_a_folder_that_is_taken(runs, refused):
    assert refused("translate", "train", *BOTH, *TINY, "--minutes", "1").startswith("got both epochs and minutes")
    assert refused("translate", "train", *BOTH, *TINY, "--out", "good").startswith("good is there already")


def test_resume_of_a_text_that_was_changed(runs, refused):
    spoilt("a.en", at_line_5(b"i see rain ."))()
    said = refused("translate", "train", "--resume", "good", "--epochs", "31")
    assert said == "the text in a.en is not what good was trained on; restore it, or train anew"


# ---- runs that can't be used


USES = {
    "run": ("translate", "run"),
    "score": ("translate", "score", "--source", "a.en", "--reference", "a.de"),
    "explain": ("translate", "explain"),
    "resume": ("translate", "train", "--resume"),
}


def use(name: str, run: str) -> list[str]:
    return [*USES[name], run, *(["i see it ."] if name == "explain" else [])]


@pytest.mark.parametrize("name", USES)
def test_a_run_of_another_kind(name, runs, trained, refused, typed):
    typed(b"i see it .\n")
    said = refused(*use(name, trained))
    assert said == f"{trained} holds a forecast run, and a translation run is needed"


@pytest.mark.parametrize("name", USES)
def test_a_run_that_is_newer_damaged_or_not_there(name, runs, refused, typed):
    typed(b"i see it .\n")
    manifest = Path("good/run.json")
    whole = manifest.read_text(encoding="utf-8")
    manifest.write_text(whole.replace('"format": 1', '"format": 2'), encoding="utf-8")
    assert refused(*use(name, "good")).startswith("good/run.json was written by a newer unrolled: format 2")
    manifest.write_text(whole[:100], encoding="utf-8")
    assert refused(*use(name, "good")).startswith("good/run.json is damaged")
    manifest.write_text(whole.replace('"hidden": 16', '"hidden": "x"'), encoding="utf-8")
    assert refused(*use(name, "good")).startswith("good/run.json doesn't describe a translator")
    manifest.write_text(whole, encoding="utf-8")
    Path("good/tokenizers.json").write_text("{}", encoding="utf-8")
    assert refused(*use(name, "good")).startswith("good/tokenizers.json has no tokenizers")
    assert refused(*use(name, "nowhere")).startswith("nowhere is not there")


@pytest.mark.parametrize("name", ["run", "score", "explain"])
def test_weights_that_are_cut_off(name, runs, refused, typed):
    typed(b"i see it .\n")
    weights = Path("good/model.safetensors")
    weights.write_bytes(weights.read_bytes()[:-100])
    assert "good/model.safetensors" in refused(*use(name, "good"))


def test_a_run_that_is_still_training(runs, refused, typed):
    typed(b"")
    manifest = Path("good/run.json")
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"finished"', '"training"'), encoding="utf-8")
    assert refused("translate", "run", "good").endswith("go on with it: unrolled translate train --resume good")


def test_predict_and_update_say_that_it_is_a_translation_run(runs, refused):
    said = "good holds a translation run, and a forecast run is needed"
    assert refused("predict", "good") == said
    assert refused("update", "good", "a.en") == said


def test_load_gives_back_what_was_saved(runs, trained):
    assert isinstance(unrolled.load("good"), Translator)
    assert isinstance(unrolled.load(trained), Forecaster)


# ---- run


def test_run_answers_each_line_in_order_with_empty_ones_kept(runs, command, typed):
    sentences = lines("a.en")
    expected = unrolled.load("good").translate(sentences)
    assert command("translate", "run", "good", "a.en") == (0, "".join(line + "\n" for line in expected), "")
    assert sum(x == y for x, y in zip(expected, lines("a.de"), strict=True)) > PAIRS / 2, "it has learnt something"
    typed("\n".join(["", sentences[0], "", "", sentences[1]]).encode())  # and the last line has no end
    assert command("translate", "run", "good").out.split("\n") == ["", expected[0], "", "", expected[1], ""]
    typed(b"\xef\xbb\xbf" + sentences[0].encode() + b"\r\n \r\n")
    assert command("translate", "run", "good").out == expected[0] + "\n\n"
    typed(b"")
    assert command("translate", "run", "good") == (0, "", "")


def test_run_gives_the_same_whatever_is_read_at_once(runs, command, monkeypatch):
    from unrolled.cli.translate import lines as reading

    Path("some.en").write_text("".join(line + "\n" for line in lines("a.en")[:20]), encoding="utf-8")
    words = ("translate", "run", "good", "some.en", "--sample", "3", "--seed")
    whole = command(*words, "5").out
    monkeypatch.setattr(reading, "_CHUNK", 7)
    assert command(*words, "5").out == whole
    assert command(*words, "6").out != whole
    assert whole.count("\n") == 20


def test_unknown_words_an_endless_line_and_what_is_no_sentence_get_an_answer_each(runs, command, typed):
    odd = ["xylophone zebra", "see " * 10_000, "日本語 😀", "\u200b", "\u2028", "i see it ."]
    typed("".join(line + "\n" for line in odd).encode())
    code, out, err = command("translate", "run", "good", "--beam", "1")
    assert (code, err) == (0, "")
    assert out.count("\n") == len(odd) == len(out.splitlines())
    assert out.splitlines()[-1] == unrolled.load("good").translate("i see it .", beam=1)[0]


def test_n_best_scores_and_json(runs, command, typed):
    sentences = lines("a.en")[:2]
    found = unrolled.load("good").candidates(sentences, beam=4, n_best=3)
    Path("two.en").write_text("".join(line + "\n" for line in sentences), encoding="utf-8")
    out = command("translate", "run", "good", "two.en", "--beam", "4", "--n-best", "3", "--scores").out
    expected = [f"{number}\t{one.score:.4f}\t{one.text}" for number, each in enumerate(found, 1) for one in each]
    assert out.splitlines() == expected
    assert command("translate", "run", "good", "two.en", "--beam", "4", "--scores").out.splitlines() == [
        f"{each[0].score:.4f}\t{each[0].text}" for each in found
    ]
    answers = command("translate", "run", "good", "two.en", "--beam", "4", "--n-best", "3", "--json").out.splitlines()
    for number, (answer, each) in enumerate(zip(map(json.loads, answers), found, strict=True), 1):
        assert (answer["line"], answer["source"]) == (number, sentences[number - 1])
        assert [one["text"] for one in answer["translations"]] == [one.text for one in each]
        assert [one["pieces"] for one in answer["translations"]] == [one.pieces for one in each]
        assert answer["translations"][0]["logprobs"] == pytest.approx(each[0].logprobs, abs=1e-5)


def test_the_options_of_search_reach_it(runs, command):
    def pieces(*words: str) -> list[list[str]]:
        answers = command("translate", "run", "good", "a.en", "--json", *words).out.splitlines()
        return [json.loads(line)["translations"][0]["pieces"] for line in answers]

    assert max(map(len, pieces("--max-length", "2"))) == 3, "two and the end"
    assert min(map(len, pieces("--min-length", "7"))) >= 8
    for one in pieces("--min-length", "9", "--no-repeat", "1"):
        assert len(set(one)) == len(one)
    assert pieces("--length-penalty", "-5", "--n-best", "5") != pieces("--length-penalty", "5", "--n-best", "5")
    assert pieces("--sample", "2", "--top-k", "1") == pieces("--beam", "1")
    assert pieces("--sample", "2", "--top-p", "0.01") == pieces("--beam", "1")
    assert pieces("--coverage-penalty", "50", "--beam", "8") != pieces("--beam", "8")


def test_contradicting_options_are_one_line(runs, refused):
    assert refused("translate", "run", "good", "a.en", "--n-best", "6").startswith(
        "n_best has to be at most the beam, 5"
    )
    assert refused("translate", "run", "good", "a.en", "--top-k", "6").startswith("top_k and top_p are for sampling")
    said = refused("translate", "run", "plain", "a.en", "--attention", "a.html")
    assert said == "plain was trained without attention, so there is none to show; leave out --attention"
    assert refused("translate", "run", "plain", "a.en", "--coverage-penalty", "1").startswith(
        "a coverage penalty needs"
    )


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("höre".encode("latin-1"), "line 3: the byte 0xF6 isn't UTF-8; convert it: iconv -f WINDOWS-1252 -t UTF-8"),
        (b"i\0see", "line 3: a zero byte, so this isn't text; is it the right file?"),
        (b"see " * 500_000, "line 3 has more than 1,048,576 bytes, the most there may be; cut it into lines"),
    ],
    ids=["latin-1", "zero byte", "enormous"],
)
def test_a_bad_line_is_named_after_those_before_it_are_answered(line, says, runs, command, typed):
    typed(b"i see it .\n\n" + line + b"\nyou see it .\n")
    code, out, err = command("translate", "run", "good")
    assert (code, out.splitlines()) == (1, [unrolled.load("good").translate("i see it .")[0], ""])
    assert err in (f"unrolled: error: stdin, {says}\n", f"unrolled: error: stdin {says}\n")


def test_utf_16_a_missing_file_and_a_folder(runs, command, refused, typed):
    typed("i see it .".encode("utf-16"))
    assert refused("translate", "run", "good").startswith("stdin: the text is UTF-16, not UTF-8")
    assert refused("translate", "run", "good", "b.en").startswith("can't read 'b.en': no such file or directory")
    assert refused("translate", "run", "good", "good").startswith("can't read 'good': is a directory")


def test_a_terminal_is_asked_for_each_line(runs, command, typed, monkeypatch):
    class Terminal(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            return self.readline()

    typed(b"")
    stdin = io.TextIOWrapper(Terminal(b"i see it .\nyou see it .\n"))
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", stdin)
    expected = unrolled.load("good").translate(["i see it .", "you see it ."])
    assert command("translate", "run", "good") == (0, "".join(line + "\n" for line in expected), "> > > ")


def test_a_slow_pipe_is_answered_line_by_line_until_ctrl_c(runs):
    expected = unrolled.load("good").translate(["i see it .", "you see it ."])
    # Where tests run in the background the signal is ignored, also by the children.
    stage = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    words = [*COMMAND, stage, "translate", "run", "good"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(words, **pipes, text=True, encoding="utf-8") as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stderr is not None
        for sentence, answer in zip(["i see it .", "you see it ."], expected, strict=True):
            running.stdin.write(sentence + "\n")
            running.stdin.flush()
            assert running.stdout.readline() == answer + "\n", "before the next line is there"
        time.sleep(1)  # until it waits for more, which is where Ctrl-C finds it
        os.kill(running.pid, signal.SIGINT)
        too_long = threading.Timer(20, running.kill)
        too_long.start()
        assert running.stdout.read() == ""
        too_long.cancel()
        assert running.stderr.read().strip() == "unrolled: interrupted"
    assert running.returncode == 130


def test_a_reader_that_has_gone_is_no_error(runs):
    Path("many.en").write_text(Path("a.en").read_text(encoding="utf-8") * 20, encoding="utf-8")
    line = f"{sys.executable} -c 'from unrolled.cli import main; main()' translate run good many.en --beam 1 | head -1"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, encoding="utf-8", check=False)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_explain_writes_its_page_though_nobody_reads_the_rest(runs):
    line = (
        f"{sys.executable} -c 'from unrolled.cli import main; main()' translate explain good 'i see it .' --out p.html"
    )
    done = subprocess.run(f"{line} | true", shell=True, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.stderr == ""
    assert Path("p.html").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_one_line(runs):
    with Path("/dev/full").open("w") as full:
        words = [*COMMAND, "", "translate", "run", "good", "a.en", "--beam", "1"]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, encoding="utf-8", check=False)
    said = "unrolled: error: can't write: no space left on device; make room, or write elsewhere\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_the_terminals_encoding_does_not_matter(runs, command, monkeypatch):
    expected = command("translate", "run", "good", "a.en").out.encode()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert command("translate", "run", "good", "a.en").code == 0
    sys.stdout.flush()
    assert sys.stdout.buffer.getvalue() == expected  # pyright: ignore[reportAttributeAccessIssue]
    assert "ö".encode() in expected


# ---- pages


def test_run_writes_a_page_of_attention(runs, command):
    code, out, err = command("translate", "run", "good", "a.en", "--attention", "new/a.html")
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == PAIRS
    assert "<html" in Path("new/a.html").read_text(encoding="utf-8")


def test_explain_shows_pieces_what_they_looked_at_and_what_else_was_found(runs, command):
    best, *others = unrolled.load("good").candidates("i see trees .", beam=3, n_best=3)[0]
    code, out, err = command("translate", "explain", "good", "i see trees .", "--beam", "3")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == best.text
    assert best.attention is not None
    rows = [line.split() for line in out.splitlines() if re.search(r"\d%  ", line)]
    assert [row[0] for row in rows] == best.pieces
    assert [row[2] for row in rows] == [best.source[int(at)] for at in best.attention.argmax(1)]
    assert [f"  {one.score:.3f}  {one.text}" for one in others] == [
        line for line in out.splitlines() if re.match(r"  -\d", line)
    ]
    assert Path("translation.html").resolve().as_uri() in out
    assert "<html" in Path("translation.html").read_text(encoding="utf-8")
    assert command("translate", "explain", "good", "i see it .", "--out", "b.html").code == 0
    assert Path("b.html").exists()


def test_explain_without_attention_still_has_probabilities(runs, command):
    code, out, _ = command("translate", "explain", "plain", "i see trees .")
    assert code == 0
    assert "probability" in out
    assert "looked at most" not in out


def test_explain_of_no_sentence_or_an_endless_one_is_one_line(runs, refused):
    for text, end in {
        "": "0; give a sentence",
        "  ": "0; give a sentence",
        "see " * 300: "300; give a shorter one",
    }.items():
        said = refused("translate", "explain", "good", text)
        assert said == f"a tree is of a sentence of 1 to 250 ids, and this has {end}"


def test_a_sentence_that_begins_with_a_dash_is_proposed_as_no_option(folder, command, texts):
    for name in ("a.en", "a.de"):
        Path(name).write_text("".join(f"- {line}\n" for line in lines(name)), encoding="utf-8")
    out = command("translate", "train", *BOTH, *TINY, "--out", "dialogue").out
    words = shlex.split(lines_of(out, "Try:")[0].partition("unrolled ")[2])
    assert words[3:5] == ["--", words[-1]]
    assert words[-1].startswith("- ")
    assert command(*words).code == 0


def lines_of(text: str, beginning: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(beginning)]


# ---- score


def test_score_says_how_good_how_sure_and_where_it_fails(runs, command):
    code, out, err = command("translate", "score", "good", "--source", "a.en", "--reference", "a.de", "--worst", "2")
    assert (code, err) == (0, "")
    measured = unrolled.load("good").score("a.en", "a.de")
    assert out.splitlines()[:2] == [score.sentence for score in measured.scores()]
    assert out.splitlines()[2] == "on 200 sentences, by a beam of 5."
    assert re.search(r"^ *0–5 +200 ", out, re.M)
    low = sorted(enumerate(measured.by_sentence(), 1), key=lambda pair: pair[1])[:2]
    assert re.findall(r"^  line (\d+), chrF", out, re.M) == [str(line) for line, _ in low]
    assert f"  source       {lines('a.en')[low[0][0] - 1]}" in out
    assert f"  reference    {lines('a.de')[low[0][0] - 1]}" in out


def test_score_against_another_run(runs, command):
    words = ("translate", "score", "good", "--source", "a.en", "--reference", "a.de", "--against", "plain")
    out = command(*words, "--worst", "0").out
    for metric in ("BLEU", "chrF"):
        assert re.search(rf"^good is better than plain, by more than chance \(\+[\d.]+ {metric}, 95%: \+", out, re.M)
    assert "The worst" not in out
    same = command(*words[:-1], "good").out
    assert "The difference between good and good may well be chance (+0.0 BLEU" in same


def test_score_as_json(runs, command):
    words = ("--source", "a.en", "--reference", "a.de", "--beam", "1", "--against", "plain", "--worst", "3", "--json")
    code, out, err = command("translate", "score", "good", *words)
    assert (code, err) == (0, "")
    found = json.loads(out)
    measured = unrolled.load("good").score("a.en", "a.de", beam=1)
    assert found["sentences"] == PAIRS
    assert found["BLEU"]["value"] == pytest.approx(measured.value())
    assert found["BLEU"]["low"] <= found["BLEU"]["value"] <= found["BLEU"]["high"]
    assert "tok:" in found["BLEU"]["signature"]
    assert [one["sentences"] for one in found["by_length"]] == [PAIRS]
    assert len(found["worst"]) == 3
    assert lines("a.en")[found["worst"][0]["line"] - 1] == found["worst"][0]["source"]
    assert found["against"]["run"] == "plain"
    assert found["against"]["BLEU"]["value"] == pytest.approx(
        found["BLEU"]["value"] - unrolled.load("plain").score("a.en", "a.de", beam=1).value()
    )


def test_score_of_files_that_do_not_go_together(runs, refused):
    Path("short.de").write_text("".join(line + "\n" for line in lines("a.de")[:150]), encoding="utf-8")
    said = refused("translate", "score", "good", "--source", "a.en", "--reference", "short.de")
    assert said.startswith("a.en has 200 lines and short.de 150")
    assert "tab" in refused("translate", "score", "good", "--source", "a.en")


# ---- the list of runs


def test_runs_lists_translators_in_a_table_of_their_own(runs, trained, command):
    code, out, err = command("runs", ".", "runs")
    assert (code, err) == (0, "")
    saved = json.loads(Path("good/run.json").read_text(encoding="utf-8"))
    rows = {line.split()[0]: line.split() for line in out.splitlines() if "finished" in line}
    assert set(rows) == {"good", "plain", trained}
    assert out.count("finished") == 3, "each in one table"
    bleu, chrf = (f"{saved['evaluation'][name]['value']:.1f}" for name in ("BLEU", "chrF"))
    assert rows["good"][2:] == ["a.en", "lstm,", "dot", "4", bleu, chrf, "finished"]
    assert rows["plain"][3] == "lstm"
    assert out.index("horizon") < out.index("BLEU")


def test_compare_says_that_translators_are_compared_elsewhere(runs, command):
    code, out, _ = command("runs", "--compare", "good")
    assert code == 0
    said = "  good: it translates; compare two such runs: unrolled translate score good --against RUN"
    assert out.splitlines()[-1] == said
