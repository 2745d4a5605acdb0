# %% [markdown]
# # Put your own data into a catalogue
#
# Describe a folder of NetCDF files in a few lines, check the description, build, and let a processor make maps of them.

# %%
import subprocess
import sys
from pathlib import Path

import numpy as np
import xarray as xr

import iaos

# %% [markdown]
# ## Some data
# A grid of invented ice thickness, as one file with CF coordinates.

# %%
folder = Path("collections/thickness")
folder.mkdir(parents=True, exist_ok=True)
lon, lat = np.arange(2.0, 360, 4), np.arange(60.0, 90, 2)
data = {
    "lon": ("lon", lon, {"standard_name": "longitude", "units": "degrees_east"}),
    "lat": ("lat", lat, {"standard_name": "latitude", "units": "degrees_north"}),
    "time": ("time", [0.0], {"standard_name": "time", "units": "days since 2020-03-01"}),
    "thickness": (("time", "lat", "lon"), np.tile((lat[:, None] - 58) / 10, (1, 1, lon.size)), {"units": "m"}),
}
xr.Dataset(data).to_netcdf(folder / "thickness_20200301.nc")

# %% [markdown]
# ## Two definitions
# The files, and maps that are made of them.

# %%
Path("collections/my-thickness.yaml").write_text("""\
id: my-thickness
title: Ice thickness
description: Invented thickness of sea ice.
partner: {id: my-institute, name: My institute}
license: CC-BY-4.0
source: {type: files, path: thickness, format: netcdf}
""")
Path("collections/my-maps.yaml").write_text("""\
id: my-maps
title: Maps of ice thickness
description: The same in a polar projection.
partner: {id: my-institute, name: My institute}
license: CC-BY-4.0
source:
  type: process
  processor: regrid
  parameters: {variable: thickness, resolution: 100000}
  inputs: {grid: {collection: my-thickness}}
  per: item
""")

# %% [markdown]
# ## Check, build, open

# %%
for command in ("check", "build", "validate catalog"):
    subprocess.run([sys.executable, "-m", "builder", *command.split()], check=True)
item = next(Path("catalog/my-institute/my-thickness").glob("thickness*.json"))
print(iaos.open(item))
print(sorted(path.name for path in Path("catalog/my-institute/my-maps/data").rglob("map.*")))
