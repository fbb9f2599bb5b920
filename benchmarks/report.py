"""Where benchmarks write their results: a section of results.json, and a table in benchmarks/README.md."""

import json
import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
RESULTS, README = HERE / "results.json", HERE / "README.md"
CPUINFO = Path("/proc/cpuinfo")
MATMUL_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16")
"""The processor features that decide the speed of matrix products."""
LIBRARIES = ("numpy", "torch", "open_clip_torch", "polars", "pillow")


def publish(name, results, header, rows):
    """Write a section of results.json, and the table between the markers with that name in the README."""
    sections = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    sections[name] = {"machine": read_machine()} | results
    RESULTS.write_text(json.dumps(dict(sorted(sections.items())), indent=1) + "\n", encoding="utf-8")
    replace_block(README, name, f"{format_table(header, rows)}\n\n{describe_machine(read_machine())}")
    print(format_table(header, rows))


def replace_block(page, name, block):
    """Write a block of Markdown between the markers with that name in a page."""
    new_section = f"<!-- {name} -->\n{block}\n<!-- end -->"
    old_page = page.read_text(encoding="utf-8")
    new_page, n_sections = re.subn(
        rf"<!-- {name} -->\n.*?<!-- end -->", lambda _: new_section, old_page, flags=re.S
    )
    if n_sections != 1:
        raise ValueError(f"{page}: has no markers <!-- {name} --> ... <!-- end -->")
    page.write_text(new_page, encoding="utf-8")


def format_table(header, rows):
    """A Markdown table.

    >>> print(format_table(["n", "s"], [[1, 2]]))
    | n | s |
    | --- | --- |
    | 1 | 2 |
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def read_processor():
    """The fields of the first processor in Linux's cpuinfo; empty on other systems."""
    text = CPUINFO.read_text(encoding="utf-8") if CPUINFO.exists() else ""
    return dict(re.findall(r"^(model name|cpu family|model|flags|Features)\s*: (.*)$", text, re.MULTILINE))


def read_cpu_flags():
    """The instruction sets of this processor, as Linux names them."""
    fields = read_processor()
    return fields.get("flags", fields.get("Features", "")).split()


def read_machine():
    """The processor, memory and library versions that decide how long a benchmark takes."""
    fields, flags = read_processor(), read_cpu_flags()
    numbers = [f"{key} {fields[key]}" for key in ("cpu family", "model") if key in fields]
    return {
        "processor": " ".join([fields.get("model name", platform.machine()), *numbers]),
        "cores": os.cpu_count(),
        "cpu_flags": [flag for flag in MATMUL_FLAGS if flag in flags],
        "memory_gigabytes": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "python": platform.python_version(),
    } | {name: version(name) for name in LIBRARIES}


def describe_machine(machine):
    """A machine in one line."""
    flags = ", ".join(machine["cpu_flags"]) or "no vector instructions known"
    libraries = ", ".join(f"{name} {machine[name]}" for name in ("python", *LIBRARIES))
    return (
        f"Measured on {machine['processor']}, {machine['cores']} cores ({flags}), "
        f"{machine['memory_gigabytes']} GB; {libraries}."
    )
