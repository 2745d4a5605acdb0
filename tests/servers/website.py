"""nginx as the website of a published catalogue: in front of a folder, or of a bucket that everybody may read."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from pathlib import Path

from tests.servers.real_ckan import free_port
from tests.servers.real_thredds import installed, wait_for

CONFIG = """
daemon off; error_log {folder}/error.log; pid {folder}/nginx.pid; worker_processes 1; {user}
events {{ worker_connections 256; }}
http {{
  log_format asked '$request_method $uri $http_range $body_bytes_sent'; access_log {log};
  default_type application/octet-stream; keepalive_requests 1000000;
  types {{ application/json json; text/html html; application/x-netcdf nc; image/tiff tif; }}
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      add_header Access-Control-Allow-Origin "*" always;
      add_header Access-Control-Allow-Headers "Range" always;
      add_header Access-Control-Expose-Headers "Content-Range, Content-Length, ETag, Accept-Ranges" always;
      if ($request_method = OPTIONS) {{ return 204; }}
      {where}
    }}
  }}
}}
"""


@contextlib.contextmanager
def website(*, root=None, upstream=None, log=None):
    """Serve a folder, or pass on to the address of a bucket; gives the website's address.

    Into the file ``log`` goes a line per request: method, path, ``Range`` and bytes of the body.
    """
    where = f"root {root};" if root else f"proxy_pass {upstream}/;"
    user = "user root;" if os.geteuid() == 0 else ""
    with tempfile.TemporaryDirectory(prefix="web-") as folder:
        port = free_port()
        config = Path(folder) / "nginx.conf"
        config.write_text(
            CONFIG.format(folder=folder, port=port, user=user, where=where, log=f"{log} asked" if log else "off")
        )
        command = [installed(), "-c", config, "-p", folder]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            try:
                wait_for(port)
                yield f"http://127.0.0.1:{port}"
            finally:
                server.terminate()
