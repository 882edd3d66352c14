"""`unrolled data fetch`: the licence, the files and the next command; one line where it fails."""

import os
import shlex
import signal
import subprocess
import sys
import time

import pytest

from unrolled.cli import main

SENTENCES = {"en": "a dog runs over the grass {n} .\n", "de": "ein hund läuft über das gras {n} .\n"}
# The first argument is the server that takes the place of the corpus's own.
PROCESS = (  # the signal comes ignored where the tests run in the background
    "import dataclasses, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from unrolled.data import corpora; known, url = corpora.describe, sys.argv.pop(1);"
    "corpora.describe = lambda name: dataclasses.replace(known(name), url=url);"
    "from unrolled.cli import main; main()"
)


@pytest.fixture
def command(capsys, tmp_path, monkeypatch):
    """``command("data", "fetch", …)`` in a folder of its own: exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        return ended.value.code, *capsys.readouterr()

    return run


def test_says_the_terms_the_files_and_what_is_next(command, serve, cached):
    about = serve("multi30k")
    code, out, err = command("data", "fetch", "multi30k")
    assert (code, err) == (0, "")
    folder = cached / "multi30k-c40b37b"
    assert about.title in out
    assert f"Licence:  {about.licence}, {about.licence_url}\n          {about.licence_text}\n" in out
    assert f"Cite:     {about.citation}\n" in out
    assert f"\ntrain:    {folder}/train.en\n          {folder}/train.de\n" in out
    assert f"\ntest:     {folder}/test.en\n          {folder}/test.de\n" in out
    assert out.endswith(
        f"\nTrain:    unrolled translate train --source {folder}/train.en --target {folder}/train.de "
        f"--dev-source {folder}/dev.en --dev-target {folder}/dev.de\n"
    )
    assert "Checksum" not in out, "every file's is known"


def test_other_languages(command, serve):
    serve("multi30k")
    code, out, _ = command("data", "fetch", "multi30k", "--languages", "cs-fr")
    assert code == 0
    assert "train.cs --target" in out


def test_says_where_the_first_download_is_trusted(command, serve, server):
    about = serve("tatoeba-en-ja")
    code, out, _ = command("data", "fetch", "tatoeba-en-ja")
    assert code == 0
    assert "Checksum: none is published; the first download is held to from now on: en-ja.txt.zip, sha256 " in out
    assert "--dev-source" not in out
    assert server.files[about.archive]


def test_a_folder_with_a_blank_is_quoted(command, serve, monkeypatch, tmp_path):
    serve("kftt")
    monkeypatch.setenv("UNROLLED_CACHE", str(tmp_path / "my cache"))
    _, out, _ = command("data", "fetch", "kftt")
    words = shlex.split(out.splitlines()[-1])
    assert words[words.index("--source") + 1] == str(tmp_path / "my cache" / "kftt-1.0" / "train.ja")


@pytest.mark.slow
def test_the_next_command_trains(command, serve):
    files = {"train": "train", "dev": "val"}
    made = {
        f"{file}.{language}.gz": "".join(sentence.format(n=f"{part} {n}") for n in range(40)).encode()
        for part, file in files.items()
        for language, sentence in SENTENCES.items()
    }
    serve("multi30k", made)
    _, out, _ = command("data", "fetch", "multi30k")
    words = shlex.split(out.splitlines()[-1].removeprefix("Train:"))
    code, out, err = command(*words[1:], "--epochs", "1", "--hidden", "8", "--tokenizer", "words")
    assert code == 0, err
    assert "On the test part" in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["multi30"], "no corpus is named 'multi30'; nearest: 'multi30k'"),
        (["weather"], "no corpus is named 'weather'; there are: kftt, multi30k, tanaka-en-ja, tatoeba-en-ja"),
        (["kftt", "--languages", "en-de"], "kftt has no language 'de'; there are: ja, en"),
        (["kftt", "--languages", "ja"], "languages are written like 'ja-en', source and target, got 'ja'"),
    ],
)
def test_what_there_is_not(command, words, says):
    assert command("data", "fetch", *words) == (1, "", f"unrolled: error: {says}\n")


def test_a_server_in_trouble(command, serve, server):
    serve("kftt")
    server.status = 500
    assert command("data", "fetch", "kftt") == (
        1,
        "",
        f"unrolled: error: can't get {server.url}kftt-data-1.0.tar.gz: the server says 500 Internal Server Error; run "
        "this again later\n",
    )


def test_the_list_names_the_corpora(command):
    code, out, _ = command("data", "list")
    assert code == 0
    assert "  29,000 pairs to train on; parts train, dev, test; languages en, de, fr, cs\n" in out
    assert "  CC BY-SA 3.0, from https://www.phontron.com/kftt/\n  unrolled data fetch kftt\n" in out


def test_a_corpus_is_not_exported(command):
    code, out, err = command("data", "export", "kftt", "kftt.csv")
    assert (code, out) == (1, "")
    assert "or the command unrolled data fetch kftt" in err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has another Ctrl-C")
def test_interrupted_goes_on(serve, server, cached):
    about = serve("tatoeba-en-ja")
    texts = about.parts["train"].items()
    content = serve.packed(about, {file: serve.text("train", language, 9000) for language, file in texts})
    server.files |= content
    half = len(content[about.archive]) // 2
    server.before_end = lambda: time.sleep(20)
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS, server.url, "data", "fetch", "tatoeba-en-ja"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    folder = cached / "tatoeba-en-ja-v2023-04-12" / "downloads"
    part = folder / "en-ja.txt.zip.part"
    until = time.monotonic() + 30
    while time.monotonic() < until and not (part.exists() and part.stat().st_size):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "\nunrolled: interrupted\n")
    assert sorted(path.name for path in folder.iterdir()) == [part.name, part.name + ".json"]
    kept = part.stat().st_size
    assert 0 < kept <= half
    server.before_end = lambda: None
    done = subprocess.run(process.args, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert server.ranges_asked() == [None, f"bytes={kept}-"]
    assert not part.exists()
