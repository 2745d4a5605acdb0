"""As many processors are used as the system leaves to the process, on systems that do not say how many as well."""

from __future__ import annotations

import os

from processors.cores import cores


def test_a_process_that_is_bound_to_one_processor_has_one(monkeypatch):
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, before)


def test_a_system_without_affinity_has_what_it_has(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert cores() == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores() == 1
