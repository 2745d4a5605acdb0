"""The engine seam: the same results in the same order everywhere, whatever happens to a worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pytest

from processors.engine import open_engine, open_processes
from processors.errors import Refusal, WorkerLostError
from tests import engine_work

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def dask_cluster(tmp_path_factory):
    """A real scheduler and two real workers, each a process of its own; the last test kills one."""
    folder = tmp_path_factory.mktemp("dask")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    file = folder / "scheduler.json"
    plain = ["--scheduler-file", str(file)]

    def start(*arguments):
        command = [sys.executable, "-m", "dask", *arguments]
        log = (folder / f"{arguments[0]}.log").open("ab")
        return subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)

    processes = [start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show", *plain)]
    try:
        while not file.exists() or not file.read_text():
            assert processes[0].poll() is None, (folder / "scheduler.log").read_text()
            time.sleep(0.05)
        processes += [start("worker", "--nthreads", "1", "--no-nanny", "--no-dashboard", *plain) for _ in range(2)]
        from distributed import Client

        with Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
            yield client.scheduler.address, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    """An engine of two processes, which several tests share because each costs an interpreter."""
    with open_engine("processes", tmp_path_factory.mktemp("processes"), workers=2) as engine:
        yield engine


def test_every_engine_gives_the_same_bytes_in_the_same_order(dask_cluster, processes, tmp_path):
    address, _ = dask_cluster
    seeds = range(6)
    with open_engine("inline", tmp_path) as engine:
        expected = list(engine.map(engine_work.covariance, seeds))
    assert len(set(expected)) == 6
    assert list(processes.map(engine_work.covariance, seeds)) == expected
    for kind, workers in (("threads", 2), ("dask", 1), (address, None)):
        with open_engine(kind, tmp_path, workers=workers) as engine:
            assert list(engine.map(engine_work.covariance, seeds)) == expected, kind


def test_a_refusal_arrives_whole_from_any_worker(processes, tmp_path):
    with open_engine("inline", tmp_path) as inline, open_engine("threads", tmp_path, workers=1) as threads:
        for engine in (inline, threads, processes):
            with pytest.raises(Refusal) as caught:
                list(engine.map(engine_work.refuse, [7]))
            assert str(caught.value) == "batch 7: batch is empty (give it values)"


def test_a_batch_that_ends_leaves_the_limit_to_one_beside_it_in_the_same_worker():
    with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
        assert fresh.submit(engine_work.blas_threads_beside).result() == ({2}, {1})


def test_a_library_that_a_batch_loads_is_limited_for_the_next(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    work = partial(engine_work.threads_after, "sklearn.utils._openmp_helpers")
    with open_engine("processes", tmp_path, workers=1) as engine:
        before, _, after = engine.map(work, [False, True, False])
    assert set(after) > set(before)
    assert set(after.values()) == {1}


def test_a_killed_process_costs_no_result(processes, tmp_path):
    work = partial(engine_work.die_once, str(tmp_path / "died"))
    assert list(processes.map(work, range(8))) == [n * n for n in range(8)]
    assert (tmp_path / "died").exists()


def test_a_batch_that_kills_every_worker_ends_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr("processors.engine.ATTEMPTS", 2)
    with open_engine("processes", tmp_path, workers=1) as engine, pytest.raises(WorkerLostError, match="2 times"):
        list(engine.map(engine_work.die_always, [1]))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_without_a_word_with_the_process_that_started_them(how):
    program = """
import os, signal, time
from processors.engine import open_processes
signal.signal(signal.SIGINT, signal.default_int_handler)  # programs in the background are started without
with open_processes(2) as submit:
    print(submit(eval, "__import__('os').getpid()")(), flush=True)
    submit(time.sleep, 60)()
"""
    started = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert started.stdout.readline().strip().isdigit()
    (os.killpg if how == signal.SIGINT else os.kill)(started.pid, how)
    said = started.communicate(timeout=20)[1]  # ends when no process is left that could write
    assert "Process SpawnProcess" not in said


def test_workers_of_a_process_that_ignores_interrupts_ignore_them_too():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with open_processes(1) as submit:
            worker = submit(engine_work.own_process, 0)()
            os.kill(worker, signal.SIGINT)
            assert submit(engine_work.own_process, 1)() == worker
    finally:
        signal.signal(signal.SIGINT, before)


def test_batches_are_taken_only_when_there_is_room(tmp_path):
    taken = []

    def batches():
        for number in range(100):
            taken.append(number)
            yield number

    with open_engine("threads", tmp_path, workers=2) as engine:
        next(engine.map(str, batches()))
    assert len(taken) <= 5


def test_each_finished_batch_advances_the_progress(tmp_path):
    told = []
    with open_engine("threads", tmp_path, advance=told.append) as engine:
        list(engine.map(str, range(3), task="krige"))
    assert told == ["krige"] * 3


def test_an_unknown_engine_and_a_silent_scheduler_are_refused(tmp_path):
    with pytest.raises(Refusal, match="unknown engine 'spark'"), open_engine("spark", tmp_path):
        pass
    with pytest.raises(Refusal, match="no Dask scheduler answers"), open_engine("tcp://127.0.0.1:9", tmp_path):
        pass


def test_a_worker_of_a_remote_scheduler_killed_during_a_run_costs_no_result(dask_cluster, tmp_path):
    address, workers = dask_cluster
    with open_engine(address, tmp_path) as engine:
        results = engine.map(partial(engine_work.announce, str(tmp_path)), range(16))
        seen = [next(results), next(results)]
        victim = workers[0]
        while not list(tmp_path.glob(f"*-{victim.pid}")):
            time.sleep(0.01)
        victim.send_signal(signal.SIGKILL)
        seen += results
        assert [batch for batch, _ in seen] == list(range(16))
        assert {pid for _, pid in seen[-4:]} == {workers[1].pid}
