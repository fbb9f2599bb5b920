"""Where benchmarks put their results: a section of results.json, and a table in benchmarks/README.md."""

import json
import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
RESULTS, README = HERE / "results.json", HERE / "README.md"
CPUINFO = Path("/proc/cpuinfo")
TELLING = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16")
"""What of a processor's abilities decides the speed of products."""
LIBRARIES = ("numpy", "torch", "open_clip_torch", "polars", "pillow")


def publish(name, results, header, rows):
    """Write a section of results.json, and the table between the marks of that name in the README."""
    sections = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    sections[name] = {"machine": machine()} | results
    RESULTS.write_text(json.dumps(dict(sorted(sections.items())), indent=1) + "\n", encoding="utf-8")
    put(README, name, f"{table(header, rows)}\n\n{described(machine())}")
    print(table(header, rows))


def put(page, name, block):
    """Write a block of Markdown between the marks of that name in a page."""
    marked = f"<!-- {name} -->\n{block}\n<!-- end -->"
    before = page.read_text(encoding="utf-8")
    text, n = re.subn(rf"<!-- {name} -->\n.*?<!-- end -->", lambda _: marked, before, flags=re.S)
    if n != 1:
        raise ValueError(f"{page}: has no marks <!-- {name} --> ... <!-- end -->")
    page.write_text(text, encoding="utf-8")


def table(header, rows):
    """Lines of Markdown.

    >>> print(table(["n", "s"], [[1, 2]]))
    | n | s |
    | --- | --- |
    | 1 | 2 |
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def processor():
    """What Linux says of the first processor, by its words; nothing on other systems."""
    told = CPUINFO.read_text(encoding="utf-8") if CPUINFO.exists() else ""
    return dict(re.findall(r"^(model name|cpu family|model|flags|Features)\s*: (.*)$", told, re.MULTILINE))


def abilities():
    """The instructions that this processor has, in Linux's words."""
    fields = processor()
    return fields.get("flags", fields.get("Features", "")).split()


def machine():
    """The processor and what else decides how long something takes."""
    fields, flags = processor(), abilities()
    numbers = [f"{key} {fields[key]}" for key in ("cpu family", "model") if key in fields]
    return {
        "processor": " ".join([fields.get("model name", platform.machine()), *numbers]),
        "cores": os.cpu_count(),
        "abilities": [flag for flag in TELLING if flag in flags],
        "memory_gigabytes": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "python": platform.python_version(),
    } | {name: version(name) for name in LIBRARIES}


def described(found):
    """A machine in one line."""
    abilities = ", ".join(found["abilities"]) or "no vector instructions known"
    libraries = ", ".join(f"{name} {found[name]}" for name in ("python", *LIBRARIES))
    return (
        f"Measured on {found['processor']}, {found['cores']} cores ({abilities}), "
        f"{found['memory_gigabytes']} GB; {libraries}."
    )
