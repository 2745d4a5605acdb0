"""A real WMS: MapServer run as CGI, which draws one area in polar projections; counts what it is asked."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

AREA = (0.0, 70.0, 60.0, 85.0)
"""West, south, east and north of what the layer ``ice`` draws."""
COLOUR = (200, 30, 30)

MAPFILE = """
MAP
  NAME "partner" SIZE 100 100 EXTENT -180 45 180 90 PROJECTION "init=epsg:4326" END IMAGETYPE PNG
  OUTPUTFORMAT NAME "png" DRIVER AGG/PNG MIMETYPE "image/png" IMAGEMODE RGBA EXTENSION "png" TRANSPARENT ON END
  WEB METADATA "wms_title" "Maps of a partner" "wms_enable_request" "*" "wms_srs" "EPSG:4326 EPSG:3413 EPSG:3575"
    "wms_onlineresource" "{url}" END END
  LAYER NAME "ice" TYPE POLYGON STATUS OFF DATA "area" CONNECTIONTYPE OGR CONNECTION "{area}"
    PROJECTION "init=epsg:4326" END METADATA "wms_title" "Ice" "wms_srs" "EPSG:4326 EPSG:3413 EPSG:3575" END
    CLASS STYLE COLOR {colour} END END
  END
END
"""


def _draw(folder: Path, url: str) -> None:
    west, south, east, north = AREA
    steps = [west + (east - west) * share / 60 for share in range(61)]
    ring = [[x, south] for x in steps] + [[x, north] for x in reversed(steps)]
    shape = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    area = folder / "area.geojson"
    feature = {"type": "Feature", "geometry": shape, "properties": {}}
    area.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    colour = " ".join(map(str, COLOUR))
    (folder / "partner.map").write_text(MAPFILE.format(url=url, area=area, colour=colour))
    (folder / "mapserver.conf").write_text('CONFIG\n  ENV\n    MS_MAP_PATTERN "."\n  END\nEND\n')


@contextmanager
def map_service(folder: Path):
    """Serve the map below ``/wms``; gives its address and the list of what it was asked, or skips without MapServer."""
    program = shutil.which("mapserv")
    if program is None:
        pytest.skip("needs MapServer (Debian: cgi-mapserver)")
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            asked.append(self.path)
            environment = {
                **os.environ, "REQUEST_METHOD": "GET", "QUERY_STRING": self.path.partition("?")[2],
                "MS_MAPFILE": str(folder / "partner.map"), "MAPSERVER_CONFIG_FILE": str(folder / "mapserver.conf"),
            }  # fmt: skip
            done = subprocess.run([program], env=environment, capture_output=True, check=False)
            head, _, body = done.stdout.partition(b"\r\n\r\n")
            kind = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-type"))
            self.send_response(200)
            self.send_header("Content-Type", kind.partition(b":")[2].strip().decode())
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}/wms"
    _draw(folder, f"{url}?")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield url, asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
