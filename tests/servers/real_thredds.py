"""What a THREDDS server looks like to clients: nginx for catalogues and files, pydap for OPeNDAP behind it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from builder.demo import thredds
from builder.demo.partners import write_files
from tests.servers.real_ckan import free_port

CONFIG = """
daemon off; error_log {folder}/error.log; pid {folder}/nginx.pid; worker_processes 1; {user}
events {{ worker_connections 256; }}
http {{
  access_log off; default_type application/octet-stream;
  types {{ application/xml xml; application/x-netcdf nc; }}
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location = /thredds/catalog.xml {{ return 302 /thredds/catalog/catalog.xml; }}
    location /thredds/catalog/ {{ alias {folder}/catalogues/; }}
    location /thredds/fileServer/ {{ alias {folder}/data/; add_header Access-Control-Allow-Origin *; }}
    location /thredds/dodsC/ {{ proxy_pass http://127.0.0.1:{dap}/; }}
    location /files/ {{ alias {folder}/data/; autoindex on; }}
  }}
}}
"""


def installed():
    return shutil.which("nginx") or (Path("/usr/sbin/nginx").exists() and "/usr/sbin/nginx")


def wait_for(port):
    for _ in range(150):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError(f"nothing listens on port {port}")


@contextlib.contextmanager
def real_thredds(folder: Path):
    """Run both while the block runs; gives the address of the server and the folder of its data."""
    port, dap, data = free_port(), free_port(), folder / "data"
    write_files(data)
    catalogues = folder / "catalogues"
    folders = sorted(found.name for found in data.iterdir() if found.is_dir())
    for path in ("catalog.xml", *(f"{name}/catalog.xml" for name in folders)):
        (catalogues / path).parent.mkdir(parents=True, exist_ok=True)
        text = thredds.catalogue(data, path).decode()
        both = '<service name="dap" serviceType="OPeNDAP" base="/thredds/dodsC/"/>\n  </service>'
        (catalogues / path).write_text(text.replace("</service>", both, 1))
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(CONFIG.format(folder=folder, port=port, dap=dap, user=user))
    pydap = Path(sys.executable).parent / "pydap"
    with contextlib.ExitStack() as stack:
        for command in (
            [installed(), "-c", folder / "nginx.conf", "-p", folder],
            [pydap, "-d", data, "-b", "127.0.0.1", "-p", str(dap)],
        ):
            server = stack.enter_context(
                subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
            stack.callback(server.terminate)
        wait_for(port)
        wait_for(dap)
        yield f"http://127.0.0.1:{port}", data
