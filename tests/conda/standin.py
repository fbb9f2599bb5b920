"""The few calls of conda that `snakemake --use-conda` makes, answered by py-rattler.

Channels are looked up below CONDA_CHANNEL_ALIAS, as conda does; nothing else is configured.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from rattler import Channel, ChannelConfig, Subdir, VirtualPackage, install, solve

HERE = Path(__file__).resolve().parent
ANSWERS = {
    "--version": "conda 24.7.1",  # the oldest that Snakemake takes
    "info --json": json.dumps({"conda_prefix": str(HERE), "platform": str(Subdir.current())}),
    "config --get channel_priority --json": json.dumps({"get": {"channel_priority": "strict"}}),
    "clean -y --tarballs": "",
}


def create(file, prefix):
    """Make the environment of a yaml at a prefix: conda's packages, then what pip is to add."""
    options = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    specs = [entry for entry in options["dependencies"] if isinstance(entry, str)]
    asyncio.run(_packages(options["channels"], specs, prefix=prefix))
    for entry in options["dependencies"]:
        if isinstance(entry, dict):
            _pip(entry["pip"], prefix)


async def _packages(channels, specs, *, prefix):
    config = ChannelConfig(channel_alias=os.environ["CONDA_CHANNEL_ALIAS"])
    records = await solve(
        sources=[Channel(name, config) for name in channels],
        specs=specs,
        platforms=[Subdir.current(), Subdir("noarch")],
        virtual_packages=VirtualPackage.detect(),
    )
    await install(records=records, target_prefix=prefix, show_progress=False)


def _pip(pins, prefix):
    """What conda does with the part `pip:` of a yaml."""
    with tempfile.NamedTemporaryFile("w", suffix=".requirements.txt", encoding="utf-8") as listed:
        listed.write("\n".join(pins))
        listed.flush()
        command = [f"{prefix}/bin/python", "-m", "pip", "install", "--upgrade", "--requirement", listed.name]
        subprocess.run([*command, "--exists-action=b"], check=True)


def main(arguments):
    if " ".join(arguments) in ANSWERS:
        print(ANSWERS[" ".join(arguments)])
        return
    parser = argparse.ArgumentParser(prog="conda")
    parser.add_argument("command", nargs=2, choices=["env", "create"])
    parser.add_argument("--file", required=True)
    parser.add_argument("--prefix", required=True)
    for taken_for_granted in ("--quiet", "--no-default-packages"):
        parser.add_argument(taken_for_granted, action="store_true")
    options = parser.parse_args(arguments)
    create(options.file, options.prefix)


if __name__ == "__main__":
    main(sys.argv[1:])
