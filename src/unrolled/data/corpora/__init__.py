"""Public parallel corpora: downloaded when they are first asked for, checked, and kept as aligned text files.

>>> from unrolled.data import corpora
>>> corpora.names()
('kftt', 'multi30k', 'tanaka-en-ja', 'tatoeba-en-ja')
>>> about = corpora.describe("multi30k")
>>> about.languages, about.pairs["train"]
(('en', 'de', 'fr', 'cs'), 29000)

``unrolled.data.corpus("multi30k")`` has the files, and needs the network the first time::

    multi30k = unrolled.data.corpus("multi30k")  # English to German; "en-fr" and "de-cs" are there too
    print(multi30k.about.licence)
    Translator().fit(*multi30k.train, dev=multi30k.dev)

A file beside this one, NAME.toml, says of each corpus where it is from, what it is allowed to be used for, what to
cite, and which checksums are known. Where none is, the first download is taken as it comes and held to from then on.
"""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from unrolled.data.corpora.archives import unpack
from unrolled.data.corpora.folder import alone, cache
from unrolled.data.corpora.transfer import digest, download, forget_record, record, recorded
from unrolled.errors import DataError, SettingsError, nearest
from unrolled.files import atomic_write

__all__ = ["About", "ParallelTexts", "cache", "corpus", "describe", "names"]

DOWNLOADS = "downloads"  # the folder beside the texts with what they were unpacked from

Told = Callable[[str, int, int | None], None]  # file, bytes so far, and bytes in all where the server says so


@dataclass(frozen=True)
class About:
    """What a corpus is, where it is from, and on which terms.

    ``parts`` says for each part and language which file it is: one by itself, or in ``archive`` where there is one.
    ``pairs`` counts the pairs of a part, where that is known. ``sha256`` has the files whose checksum is known.
    """

    name: str
    title: str
    about: str
    version: str
    languages: tuple[str, ...]
    url: str
    homepage: str
    licence: str
    licence_url: str
    licence_text: str
    citation: str
    archive: str | None
    parts: dict[str, dict[str, str]]
    pairs: dict[str, int]
    sha256: dict[str, str]


@dataclass(frozen=True)
class ParallelTexts:
    """A corpus on the disk: of each part the two files, source and target, that are aligned line by line."""

    about: About
    languages: tuple[str, str]
    train: tuple[Path, Path]
    dev: tuple[Path, Path] | None
    test: tuple[Path, Path] | None

    @property
    def trusted(self) -> dict[str, str]:
        """The checksums that no publisher has confirmed: those of the first download here, by file."""
        if self.about.archive is None or self.about.archive in self.about.sha256:
            return {}
        path = self.train[0].parent / DOWNLOADS / self.about.archive
        return {path.name: known} if (known := recorded(path)) else {}


def names() -> tuple[str, ...]:
    """The names of all corpora."""
    return tuple(sorted(f.name.removesuffix(".toml") for f in files(__name__).iterdir() if f.name.endswith(".toml")))


def describe(name: str) -> About:
    """What is known of the corpus ``name``, without the network. Raises DataError where there is none of that name."""
    if name not in names():
        raise DataError(f"no corpus is named {name!r}{nearest(name, names())}")
    known: dict[str, Any] = tomllib.loads((files(__name__) / f"{name}.toml").read_text(encoding="utf-8"))
    parts = known.pop("parts")
    return About(
        name=name,
        languages=tuple(known.pop("languages")),
        about=" ".join(known.pop("about").split()),
        licence_text=" ".join(known.pop("licence_text").split()),
        archive=known.pop("archive", None),
        pairs={part: texts.pop("pairs") for part, texts in parts.items() if "pairs" in texts},
        parts=parts,
        sha256=known.pop("sha256", {}),
        **known,
    )


def corpus(name: str, languages: str | None = None, on_progress: Told | None = None) -> ParallelTexts:
    """The corpus ``name`` as text files, from one language to another, such as "en-de".

    What isn't there yet is downloaded into the user's cache (the folder ``corpora.cache()``; the variable
    UNROLLED_CACHE names another), and what was cut off goes on. The checksums are looked at every time, and a text
    that has changed is written again.

    Raises DataError for an unknown corpus, a network or server that fails, a wrong checksum and a file that isn't what
    it was; SettingsError for languages that it doesn't have; RunError where the disk fails.
    """
    about = describe(name)
    source, target = pair = _pair(about, languages)
    folder = cache() / f"{name}-{about.version}"
    texts = {part: (folder / f"{part}.{source}", folder / f"{part}.{target}") for part in about.parts}
    if not all(_is_whole(text) for both in texts.values() for text in both):
        with alone(folder):
            for part, both in texts.items():
                if not all(_is_whole(text) for text in both):  # perhaps somebody else has written it meanwhile
                    _write(about, part, dict(zip(pair, both, strict=True)), on_progress)
    return ParallelTexts(about, pair, texts["train"], texts.get("dev"), texts.get("test"))


def _pair(about: About, languages: str | None) -> tuple[str, str]:
    if languages is None:
        return about.languages[0], about.languages[1]
    if not isinstance(languages, str) or languages.count("-") != 1:
        default = "-".join(about.languages[:2])
        raise SettingsError(f"languages are written like {default!r}, source and target, got {str(languages)[:40]!r}")
    source, target = languages.split("-")
    for language in (source, target):
        if language not in about.languages:
            raise SettingsError(f"{about.name} has no language {language!r}; there are: {', '.join(about.languages)}")
    if source == target:
        raise SettingsError(f"{languages!r} is one language twice; give another target")
    return source, target


def _is_whole(text: Path) -> bool:
    """Whether a text is there as it was written."""
    return text.exists() and recorded(text) == digest(text)


def _write(about: About, part: str, texts: dict[str, Path], on_progress: Told | None) -> None:
    """Download and write a part's texts, by language; the checksums come last, so that only then they count."""
    contents = {language: _content(about, part, language, path, on_progress) for language, path in texts.items()}
    lines = {path.name: _lines(contents[language]) for language, path in texts.items()}
    if len(set(lines.values())) > 1:
        came = " and ".join(f"{name} {count:,} lines" for name, count in lines.items())
        folder = next(iter(texts.values())).parent
        raise DataError(
            f"{about.name} isn't the corpus that is known here: {came}, and each line needs its translation; remove "
            f"{folder} to download it again"
        )
    for language, path in texts.items():
        atomic_write(path, contents[language])
    for path in texts.values():
        record(path)


def _content(about: About, part: str, language: str, text: Path, on_progress: Told | None) -> bytes:
    member = about.parts[part][language]
    file = about.archive or member
    told = partial(on_progress, file) if on_progress else None
    path = download(about.url + file, text.parent / DOWNLOADS / file, about.sha256.get(file), told)
    try:
        return unpack(path, member if about.archive else "")
    except DataError:
        forget_record(path)  # nobody is to be held to a page that says "log in first"
        raise


def _lines(content: bytes) -> int:
    return content.count(b"\n") + (not content.endswith(b"\n"))
