"""Where benchmarks put their results: a JSON file, and a table in benchmarks/README.md."""

import json
import os
import platform
import re
from pathlib import Path

HERE = Path(__file__).parent


def publish(name, results, header, rows):
    """Write results/NAME.json, and the table between the marks of that name in the README."""
    machine = {"processor": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
    (HERE / "results").mkdir(exist_ok=True)
    text = json.dumps({"machine": machine} | results, indent=1) + "\n"
    (HERE / "results" / f"{name}.json").write_text(text, encoding="utf-8")
    lines = [header, ["---"] * len(header), *rows]
    table = "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
    readme = HERE / "README.md"
    block = f"<!-- {name} -->\n{table}\n<!-- end -->"
    text, n = re.subn(
        rf"<!-- {name} -->\n.*?<!-- end -->", lambda _: block, readme.read_text(encoding="utf-8"), flags=re.S
    )
    if n != 1:
        raise ValueError(f"{readme}: has no marks <!-- {name} --> ... <!-- end -->")
    readme.write_text(text, encoding="utf-8")
    print(table)
