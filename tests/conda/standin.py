"""A stand-in for conda: the few commands that `snakemake --use-conda` runs, based on py-rattler.

Like conda, it finds channels below CONDA_CHANNEL_ALIAS. It reads no other settings.
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
OUTPUTS = {
    "--version": "conda 24.7.1",  # the oldest version that Snakemake accepts
    "info --json": json.dumps({"conda_prefix": str(HERE), "platform": str(Subdir.current())}),
    "config --get channel_priority --json": json.dumps({"get": {"channel_priority": "strict"}}),
    "clean -y --tarballs": "",
}


def create_environment(file, prefix):
    """Create the environment of a yaml file at a prefix: first the packages of conda, then those of pip."""
    options = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    specs = [entry for entry in options["dependencies"] if isinstance(entry, str)]
    asyncio.run(_install_conda_packages(options["channels"], specs, prefix=prefix))
    for entry in options["dependencies"]:
        if isinstance(entry, dict):
            _install_pip_packages(entry["pip"], prefix)


async def _install_conda_packages(channels, specs, *, prefix):
    config = ChannelConfig(channel_alias=os.environ["CONDA_CHANNEL_ALIAS"])
    records = await solve(
        sources=[Channel(name, config) for name in channels],
        specs=specs,
        platforms=[Subdir.current(), Subdir("noarch")],
        virtual_packages=VirtualPackage.detect(),
    )
    await install(records=records, target_prefix=prefix, show_progress=False)


def _install_pip_packages(pins, prefix):
    """Install the packages in the section `pip:` of a yaml file, with the options that conda uses."""
    with tempfile.NamedTemporaryFile("w", suffix=".requirements.txt", encoding="utf-8") as requirements:
        requirements.write("\n".join(pins))
        requirements.flush()
        command = [
            f"{prefix}/bin/python",
            "-m",
            "pip",
            "install",
            "--upgrade",
            "--requirement",
            requirements.name,
        ]
        subprocess.run([*command, "--exists-action=b"], check=True)


def main(arguments):
    if " ".join(arguments) in OUTPUTS:
        print(OUTPUTS[" ".join(arguments)])
        return
    parser = argparse.ArgumentParser(prog="conda")
    parser.add_argument("command", nargs=2, choices=["env", "create"])
    parser.add_argument("--file", required=True)
    parser.add_argument("--prefix", required=True)
    for flag in ("--quiet", "--no-default-packages"):
        parser.add_argument(flag, action="store_true")
    options = parser.parse_args(arguments)
    create_environment(options.file, options.prefix)


if __name__ == "__main__":
    main(sys.argv[1:])
