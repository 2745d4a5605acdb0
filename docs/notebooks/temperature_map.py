# %% [markdown]
# # A map of sea temperature from ship CTD casts
#
# Find profiles with pystac-client, cut them out through kerchunk, krige them, draw the map. Start `iaos demo`; for
# another catalogue set `IAOS_CATALOG` to the address of its `catalog.json`. Open this file with jupytext, or run it
# with Python.

# %%
import os
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pystac_client
import rasterio

import iaos

catalog = pystac_client.Client.open(os.environ.get("IAOS_CATALOG", "http://127.0.0.1:8000/catalog.json"))

# %% [markdown]
# ## Find
# The yearly files of three ships; those of 2018.

# %%
casts = catalog.get_child("demo-ctd", recursive=True)
items = [item for item in casts.get_items() if item.properties["start_datetime"].startswith("2018")]
for item in items:
    print(item.id, item.properties["title"])

# %% [markdown]
# ## Cut out
# Only the chunks that hold the uppermost 60 m are read, through kerchunk references into the partner's own files.

# %%
profiles = iaos.extract(*items, box=(15, 70, 45, 81), depth=(0, 60), variables=["sea_water_temperature"])
table = profiles.to_dataframe().rename(columns={"TIME": "Time", "LONGITUDE": "Longitude", "LATITUDE": "Latitude"})
table = table.rename(columns={"PRES": "Depth", "item": "Vessel_name"})
table["Time"] = table["Time"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
table[["Vessel_name", "Time", "Longitude", "Latitude", "Depth", "TEMP"]].to_csv("casts.csv", index=False)
print(table.describe())

# %% [markdown]
# ## Krige
# `iaos process describe geostat` explains the parameters.

# %%
chosen = ["variable=TEMP", "depth=25", "grid=EPSG:3575/40km", 'drift=["y"]', "day_km=0", "realisations=0"]
options = [word for one in chosen for word in ("--param", one)]
command = [sys.executable, "-m", "builder", "-q", "process", "run", "geostat", "casts.csv", *options, "--out", "map"]
subprocess.run(command, check=True)

# %% [markdown]
# ## Look

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 4), constrained_layout=True)
for axis, name, title in zip(axes, ("estimate", "std"), ("Temperature at 25 m, °C", "Standard error, °C"), strict=True):
    with rasterio.open(Path("map") / f"{name}.tif") as raster:
        values = raster.read(1, masked=True)
    figure.colorbar(axis.imshow(values), ax=axis)
    axis.set_title(title)
figure.savefig("map.png")
print(sorted(path.name for path in Path("map").iterdir()))
