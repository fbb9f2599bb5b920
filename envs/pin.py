"""Writes envs/*.yaml: the pins of requirements.lock that each group of rules needs.

Run by `make lock`. Needs uv. The groups are the optional dependencies of pyproject.toml.
"""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENVIRONMENTS = {"analysis": ["analysis"], "torch": ["analysis", "torch"]}
HEAD = """\
# Written by envs/pin.py from requirements.lock; do not edit.
channels:
  - conda-forge
dependencies:
  - python=3.12
  - pip
  - pip:
"""


def pins(extras):
    """The pins of a group with all that it needs, as pip writes them, sorted."""
    command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--no-header"]
    command += ["--no-annotate", "--constraint", "requirements.lock", *(f"--extra={e}" for e in extras)]
    command.append("pyproject.toml")
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603
    return sorted(line for line in printed.splitlines() if "==" in line)


if __name__ == "__main__":
    for name, extras in ENVIRONMENTS.items():
        lines = [f'      - "{pin}"' for pin in pins(extras)]
        (ROOT / "envs" / f"{name}.yaml").write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
