"""Says in the words of STAC what a classified scene is: radar, orbit, view, classes and flags."""

from __future__ import annotations

from processors.protocol import JSON
from processors.seaice.artefact import Model
from processors.seaice.mapping import FLAGS
from processors.seaice.safe import Scene

COLOURS = {1: (0, 92, 230), 2: (220, 30, 30), 3: (160, 160, 160)}
NAMES = {1: "Open water", 2: "Sea ice", 3: "Land"}
DESIGNATORS = {"S1A": "2014-016A", "S1B": "2016-025A", "S1C": "2024-229A"}
"""COSPAR identifiers of the satellites."""


def item_fields(scene: Scene, model: Model, incidence: float) -> dict[str, JSON]:
    """Return what belongs to the item as a whole: extensions sar, sat, view, processing and render.

    Args:
        scene: The scene.
        model: The model.
        incidence: Mean incidence angle, degrees.
    """
    manifest = scene.manifest
    designator = DESIGNATORS.get(scene.platform)
    return {
        "platform": f"sentinel-1{scene.platform[-1].lower()}",
        "constellation": "sentinel-1",
        "instruments": ["c-sar"],
        "sar:instrument_mode": "EW",
        "sar:frequency_band": "C",
        "sar:center_frequency": 5.405,
        "sar:polarizations": list(scene.polarisations),
        "sar:product_type": "GRD",
        "sar:resolution_range": 93,
        "sar:resolution_azimuth": 87,
        "sar:pixel_spacing_range": 40,
        "sar:pixel_spacing_azimuth": 40,
        "sar:looks_range": 6,
        "sar:looks_azimuth": 2,
        "sar:looks_equivalent_number": 10.7,
        "sar:observation_direction": "right",
        "sat:orbit_state": manifest.orbit_pass,
        "sat:absolute_orbit": manifest.orbit,
        "sat:relative_orbit": manifest.relative_orbit,
        **({"sat:platform_international_designator": designator} if designator else {}),
        "view:incidence_angle": round(incidence, 2),
        "processing:level": "L3",
        "renders": {
            "iceclass": {
                "title": "Sea ice and open water",
                "assets": [f"{scene.name}_iceclass.tif"],
                "resampling": "nearest",
                "nodata": 0,
                "colormap": {str(value): [*colour, 255] for value, colour in COLOURS.items()},
            }
        },
        "iaos:model": {
            "name": model.name,
            "version": model.version,
            "sha256": model.sha256,
            "validation": model.training.get("validation", "unknown"),
        },
    }


def classes() -> list[dict[str, JSON]]:
    """Return the classes of the map as the classification extension 2.0 has them."""
    listed = [
        {"value": value, "name": NAMES[value].lower().replace(" ", "_"), "title": NAMES[value],
         "color_hint": bytes(colour).hex().upper()}
        for value, colour in COLOURS.items()
    ]  # fmt: skip
    return [{"value": 0, "name": "no_data", "title": "No data", "nodata": True}, *listed]


def bitfields() -> list[dict[str, JSON]]:
    """Return the bits of the raster of flags as the classification extension 2.0 has them."""
    return [
        {"name": name, "offset": bit.bit_length() - 1, "length": 1,
         "classes": [{"value": 0, "name": "no"}, {"value": 1, "name": "yes"}]}
        for bit, name in FLAGS.items()
    ]  # fmt: skip


def notes(scene: Scene, model: Model, season: str) -> list[str]:
    """Return what a reader should know of a map, in plain words."""
    said = []
    if model.training.get("validation") == "synthetic":
        said.append("The model was trained on simulated scenes and not validated on real charts.")
    seasons = model.training.get("seasons", {})
    if seasons and season not in seasons:
        said.append(f"The model was not trained on scenes of the {season} [MODEL.SEASON].")
    flags = {
        "NOISE_UNQUALIFIED": "The noise of this product was never qualified (processor before 2.43).",
        "NOISE_DOUBTFUL": "The noise of this product is known to be poor (processor 2.43 to 2.53).",
        "NOISE_ALREADY_REMOVED": "Noise had been removed before.",
        "INTERFERENCE_UNKNOWN": "The file that tells radio interference is missing: it is marked nowhere.",
        "MEASUREMENT_REWRITTEN": "A cloud archive wrote the measurement anew: its MD5 was not compared.",
    }
    return said + [text for name, text in flags.items() if name in scene.flags]
