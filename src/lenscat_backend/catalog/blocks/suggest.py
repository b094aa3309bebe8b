"""What somebody may be typing: tags, then words of names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

import numpy as np

from lenscat_backend.catalog.blocks.postings import UintArray
from lenscat_backend.catalog.blocks.texts import Texts
from lenscat_backend.catalog.blocks.tokens import is_word, pieces
from lenscat_backend.catalog.blocks.view import View
from lenscat_backend.models.text import searchable

_FROM_A_BLOCK = 100
"""So many words are taken from each block, those of most names."""
_WORDS_TRIED = 2000
_SHORTEST_WRONG = 4
"""Of shorter words half would be one letter away."""


class Suggestion(NamedTuple):
    """A tag as it is mostly written, or a folded word of names, and how many pictures have it."""

    text: str
    kind: Literal["tag", "word"]
    pictures: int


def suggest(view: View, typed: str, limit: int) -> list[Suggestion]:
    """Tags first, then words; what begins so before what holds it, and last what differs by one letter."""
    text = searchable(typed)
    if not text:
        return []
    tags, words = _Tags(view), _words(view, text)
    holding = [tag for tag in tags.folded if text in tag]
    found = [
        *tags.of(tag for tag in holding if tag.startswith(text)),
        *tags.of(tag for tag in holding if not tag.startswith(text)),
        *_ranked(words, lambda word: word.startswith(text)),
        *_ranked(words, lambda word: not word.startswith(text)),
    ]
    if len(found) < limit and len(text) >= _SHORTEST_WRONG:
        found += tags.of(tag for tag in tags.folded if text not in tag and is_nearly(text, tag))
        found += _ranked(_near_words(view, text), lambda word: True)
    return list({(one.kind, one.text): one for one in found}.values())[:limit]


def is_nearly(typed: str, text: str) -> bool:
    """Whether a text begins as typed but for one letter: a wrong, missing or additional one, or two swapped."""
    at = next((at for at, (one, other) in enumerate(zip(typed, text, strict=False)) if one != other), None)
    if at is None:
        return len(typed) <= len(text) + 1
    rest, there = typed[at:], text[at:]
    swapped = len(rest) > 1 and there.startswith(rest[1] + rest[0] + rest[2:])
    return swapped or there[1:].startswith((rest[1:], rest)) or there.startswith(rest[1:])


class _Tags:
    """All tags, those that fold to the same as one."""

    def __init__(self, view: View) -> None:
        counts: Counter[str] = Counter()
        for source in view.sources:
            counts.update(source.counts.tags)
        self._spellings: dict[str, list[tuple[int, str]]] = {}
        for tag, count in counts.items():
            self._spellings.setdefault(searchable(tag), []).append((count, tag))
        self.folded = list(self._spellings)

    def of(self, folded: Iterable[str]) -> list[Suggestion]:
        """Suggestions of tags, most used first."""
        found = []
        for tag in folded:
            spellings = self._spellings[tag]
            found.append(Suggestion(max(spellings)[1], "tag", sum(count for count, _ in spellings)))
        return sorted(found, key=lambda one: (-one.pictures, one.text))


def _words(view: View, text: str) -> Counter[str]:
    """Words of names that hold a text, and in how many names about each is."""
    counts: Counter[str] = Counter()
    if len(pieces(text)) == 1 and is_word(pieces(text)[0]):
        for source in view.sources:
            numbers = source.block.names.vocabulary.find(text.encode(), "anywhere")
            counts.update(_most_used(source.block.names, numbers, _FROM_A_BLOCK))
    return counts


def _near_words(view: View, text: str) -> Counter[str]:
    """Words of names that differ from a text by a letter; those of one name alone are not tried, nor numbers."""
    counts: Counter[str] = Counter()
    for source in view.sources:
        names = source.block.names
        numbers = np.union1d(*(names.vocabulary.find(char.encode(), "start") for char in text[:2]))
        tried = _most_used(names, numbers, _WORDS_TRIED)
        counts.update({word: count for word, count in tried.items() if count > 1 and is_nearly(text, word)})
    return Counter({word: count for word, count in counts.items() if text not in word})


def _most_used(names: Texts, numbers: UintArray, limit: int) -> dict[str, int]:
    begins = names.postings.begins
    counts = begins[numbers + 1] - begins[numbers]
    if len(numbers) > limit:
        most = np.argpartition(counts, -limit)[-limit:]
        numbers, counts = numbers[most], counts[most]
    pairs = zip(numbers.tolist(), counts.tolist(), strict=True)
    return {names.vocabulary.token(number).decode(): count for number, count in pairs}


def _ranked(words: Counter[str], wanted: Callable[[str], bool]) -> list[Suggestion]:
    found = [Suggestion(word, "word", count) for word, count in words.items() if wanted(word)]
    return sorted(found, key=lambda one: (-one.pictures, one.text))
