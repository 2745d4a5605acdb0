"""Makes the fonts of the website from Adobe's: one small file each, with the letters of the Arctic's languages.

Run with fonttools 4.60.1 and brotli 1.2.1 (others give other bytes of the same letters) on files of the npm packages
``source-sans`` 3.52.0 and ``source-code-pro`` 2.42.0::

    python tests/tools/make_fonts.py VF/SourceSans3VF-Upright.ttf TTF/SourceCodePro-Regular.ttf site/static/fonts

Adobe reserves the name Source for its own files (OFL 1.1, section 3), so what is cut out of them has another.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

LATIN_1 = {*range(0x20, 0x7F), *range(0xA0, 0x100)}
LATIN_A = {*range(0x100, 0x180)}
SIGNS = {ord(sign) for sign in "ˆ˚˜ʻʼ‐‑–—―‘’‚“”„†‡•…‰′″‹›⁄€™←↑→↓−∕≈≠≤≥∞ẞ"}
SAMI = {ord(letter) for letter in "ǤǥǦǧƷʒǮǯĸʹʺ"}  # beside Latin Extended-A: Inari, Skolt, Kildin in Latin letters
SCIENCE = {ord(sign) for sign in "βδλμσφΔΩ⁰⁴⁵⁶⁷⁸⁹⁻₀₁₂₃₄"}
NAMES = {ord(letter) for letter in "ĐđČčŊŋŠšŦŧŽžŒœıŁłŚśĆć"}
LICENCE = "This Font Software is licensed under the SIL Open Font License, Version 1.1. https://openfontlicense.org"


def make(source: Path, letters: set[int], name: str, weights: tuple[int, int] | None) -> Any:
    """Cut letters and weights out of a TrueType font; kerning and marks stay, hints and small capitals go."""
    from fontTools import subset
    from fontTools.ttLib import TTFont
    from fontTools.varLib import instancer

    font = TTFont(source, recalcTimestamp=False)
    options = subset.Options(hinting=False, notdef_outline=True, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13])
    options.layout_features = ["kern", "mark", "mkmk", "ccmp", "locl", "liga"]
    options.drop_tables += ["DSIG", "BASE"]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=letters)
    cutter.subset(font)
    if weights:
        font["fvar"].instances = []
        del font["STAT"]
        font = instancer.instantiateVariableFont(font, {"wght": weights})
        axis = font["fvar"].axes[0].axisNameID
        font["name"].names = [one for one in font["name"].names if one.nameID < 256 or one.nameID == axis]
    for record, words in ((1, name), (3, name), (4, name), (6, name.replace(" ", "")), (13, LICENCE)):
        font["name"].setName(words, record, 3, 1, 0x409)
    font.flavor = "woff2"
    return font


def main() -> None:
    """Write both fonts into the folder."""
    sans, code, folder = map(Path, sys.argv[1:])
    common = LATIN_1 | SIGNS | SAMI
    make(sans, common | LATIN_A | SCIENCE, "iAOS Sans", (400, 600)).save(folder / "iaos-sans.woff2")
    make(code, common | NAMES, "iAOS Code", None).save(folder / "iaos-code.woff2")


if __name__ == "__main__":
    main()
