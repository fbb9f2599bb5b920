"""The memory available to a process."""

from nearkin.runtime import memory


def test_the_memory_limit_of_a_container_counts(tmp_path, monkeypatch):
    limit = tmp_path / "memory.max"
    limit.write_text("max\n")
    monkeypatch.setattr(memory, "CGROUP_LIMITS", (limit,))
    assert memory.available_memory() > 2**20
    limit.write_text(f"{2**20}\n")
    assert memory.available_memory() == 2**20
