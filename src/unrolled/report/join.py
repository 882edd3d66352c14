"""Several documents on one page."""

from collections.abc import Mapping
from typing import Any


def join(title: str, subtitle: str, documents: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """One document with the sections of all, in order, each after its document's name.

    >>> section = {"title": "In short", "id": "short", "blocks": []}
    >>> joined = join("Both", "", {"Weather": {"sections": [section]}, "Words": {"sections": [section]}})
    >>> [(section["title"], section["id"]) for section in joined["sections"]]
    [('Weather: In short', 'part-1-short'), ('Words: In short', 'part-2-short')]
    """
    sections = []
    for number, (name, document) in enumerate(documents.items(), 1):
        for section in document["sections"]:
            own = {"title": f"{name}: {section['title']}"}
            if section.get("id"):
                own["id"] = f"part-{number}-{section['id']}"
            sections.append({**section, **own})
    footers = dict.fromkeys(document["footer"] for document in documents.values() if document.get("footer"))
    return {"title": title, "subtitle": subtitle, "footer": "\n\n".join(footers), "sections": sections}
