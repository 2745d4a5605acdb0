"""Azurite, Microsoft's own emulator of Azure Blob Storage, in memory: it checks signatures and conditions."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Account and key that Azurite documents for everybody."""
PACKAGE = "azurite@3.36.0"


def installed():
    return shutil.which("npm") is not None


def _free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def real_azure(folder):
    """Install Azurite into a folder and run it; gives the endpoint of its account."""
    (folder / "package.json").write_text("{}")
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", PACKAGE], cwd=folder, check=True)
    port = _free_port()
    words = ["--silent", "--inMemoryPersistence", "--skipApiVersionCheck", "--blobPort", str(port)]
    server = subprocess.Popen([folder / "node_modules/.bin/azurite-blob", *words], cwd=folder)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/{ACCOUNT}"
    finally:
        server.terminate()
        server.wait(10)
