"""A real CKAN 2.12 in a virtual environment of its own, on a scratch PostgreSQL and a stand-in for Solr."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import requests

from builder.serve import running
from tests.servers.solr import Solr

REQUIREMENTS = ["ckan[requirements]==2.12.*", "setuptools<81"]
CACHE = Path(__file__).resolve().parents[2] / "build" / "ckan-venv"


def postgres_folder():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment():
    """Install CKAN once; later runs find it."""
    ckan = CACHE / "bin" / "ckan"
    if not ckan.exists():
        shutil.rmtree(CACHE, ignore_errors=True)
        uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
        if Path(uv).exists():
            subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(CACHE)], check=True)
            subprocess.run(
                [uv, "pip", "install", "--quiet", "--python", str(CACHE / "bin/python"), *REQUIREMENTS], check=True
            )
        else:
            subprocess.run([sys.executable, "-m", "venv", str(CACHE)], check=True)
            subprocess.run([str(CACHE / "bin/pip"), "install", "--quiet", *REQUIREMENTS], check=True)
    return ckan


@contextlib.contextmanager
def postgres():
    """A scratch cluster owned by the user postgres (the server refuses to run as root)."""
    tools, port = postgres_folder(), free_port()
    data = Path(
        tempfile.mkdtemp(prefix="iaos-postgres-")
    )  # not below pytest's folders, which only their owner may enter
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:
        shutil.chown(data, user, user)
    as_user = ["runuser", "-u", user, "--"] if os.geteuid() == 0 else []
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
    subprocess.run(
        [
            *as_user,
            tools / "initdb",
            "-D",
            data,
            "-A",
            "trust",
            "-U",
            "ckan",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ],
        check=True,
        **quiet,
    )
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={data} -c fsync=off"
    subprocess.run(
        [*as_user, tools / "pg_ctl", "-D", data, "-o", options, "-w", "-l", data / "log", "start"], check=True, **quiet
    )
    try:
        subprocess.run(
            [*as_user, tools / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "ckan", "ckan"],
            check=True,
            **quiet,
        )
        yield f"postgresql://ckan@127.0.0.1:{port}/ckan"
    finally:
        subprocess.run([*as_user, tools / "pg_ctl", "-D", data, "-m", "immediate", "stop"], check=True, **quiet)
        shutil.rmtree(data, ignore_errors=True)


@dataclass
class Ckan:
    """A running site: its address and a token of its administrator."""

    url: str
    token: str

    def act(self, action, **data):
        """Call an action as administrator and return its result."""
        answer = requests.post(
            f"{self.url}/api/3/action/{action}", json=data, headers={"Authorization": self.token}, timeout=60
        )
        answer.raise_for_status()
        return answer.json()["result"]


@contextlib.contextmanager
def real_ckan(folder: Path):
    """Run a CKAN while the block runs."""
    ckan, ini, port = environment(), folder / "ckan.ini", free_port()
    with postgres() as database, running(lambda _: Solr()) as solr:

        def run(*arguments):
            done = subprocess.run(
                [ckan, "-c", ini, *arguments], check=False, capture_output=True, text=True, cwd=folder
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        subprocess.run([ckan, "generate", "config", ini], check=True, capture_output=True, cwd=folder)
        settings = {
            "sqlalchemy.url": database,
            "solr_url": f"{solr.url}solr/ckan",
            "ckan.site_url": f"http://127.0.0.1:{port}",
            "ckan.storage_path": str(folder / "storage"),
            "ckan.plugins": "",
            "ckan.auth.create_user_via_web": "false",
            "ckan.search.rows_max": "1000",
        }
        text = ini.read_text()
        for key, value in settings.items():
            line = f"{key} = {value}"
            text, count = re.subn(rf"(?m)^{re.escape(key)}\s*=.*$", lambda _, new=line: new, text)
            text = text if count else text.replace("[app:main]", f"[app:main]\n{line}", 1)
        ini.write_text(text)
        run("db", "init")
        run("user", "add", "admin", "password=very-secret-1", "email=admin@example.org")
        run("sysadmin", "add", "admin")
        token = run("user", "token", "add", "admin", "test", "-q").strip().splitlines()[-1].strip()
        log = (folder / "ckan.log").open("wb")
        server = subprocess.Popen(
            [ckan, "-c", ini, "run", "-H", "127.0.0.1", "-p", str(port), "--disable-reloader"],
            stdout=log,
            stderr=log,
            cwd=folder,
        )
        try:
            site = Ckan(f"http://127.0.0.1:{port}", token)
            for _ in range(120):
                with contextlib.suppress(requests.RequestException):
                    if requests.get(f"{site.url}/api/3/action/status_show", timeout=5).ok:
                        break
                time.sleep(0.5)
            else:
                raise AssertionError((folder / "ckan.log").read_text()[-3000:])
            yield site
        finally:
            server.terminate()
            server.wait(20)
            log.close()
