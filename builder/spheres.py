"""The spheres of the Earth that collections belong to: topics of GCMD's Earth Science keywords."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any, Literal, TypeAlias, get_args

SCHEME = "https://gcmd.earthdata.nasa.gov/kms/concepts/concept_scheme/sciencekeywords"
"""NASA's Global Change Master Directory: the first level below "Earth Science"."""

Sphere: TypeAlias = Literal[
    "atmosphere",
    "oceans",
    "cryosphere",
    "terrestrial-hydrosphere",
    "land-surface",
    "solid-earth",
    "biosphere",
    "human-dimensions",
]
SPHERES: tuple[Sphere, ...] = get_args(Sphere)

_TOPIC_CATEGORIES: Mapping[Sphere, str] = {
    "atmosphere": "climatologyMeteorologyAtmosphere",
    "oceans": "oceans",
    "terrestrial-hydrosphere": "inlandWaters",
    "solid-earth": "geoscientificInformation",
    "biosphere": "biota",
    "human-dimensions": "society",
}


def themes_of(spheres: Iterable[Sphere]) -> list[dict[str, Any]]:
    """Return spheres as the themes extension has them."""
    concepts = [{"id": _topic(sphere)} for sphere in spheres]
    return [{"scheme": SCHEME, "concepts": concepts}] if concepts else []


def among(topics: Container[Any]) -> list[Sphere]:
    """Return the spheres whose topics are among these."""
    return [sphere for sphere in SPHERES if _topic(sphere) in topics]


def topic_categories(spheres: Iterable[Sphere]) -> list[str]:
    """Return spheres as codes of ISO 19115-1's MD_TopicCategoryCode, ``environment`` where it has none of its own."""
    return list(dict.fromkeys(_TOPIC_CATEGORIES.get(sphere, "environment") for sphere in spheres)) or ["environment"]


def _topic(sphere: Sphere) -> str:
    return sphere.upper().replace("-", " ")
