"""The executables as they are shipped."""

import os
import subprocess
from pathlib import Path

MUSL = "x86_64-unknown-linux-musl"


def target(root):
    return Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))


def shipped(root):
    """Builds them and says where they are: static if that is possible here."""
    command = ["cargo", "build", "--locked", "--release", "--bins"]
    environment = dict(os.environ)
    where = target(root) / "release"
    libraries = subprocess.run(
        ["rustc", "--print", "target-libdir", "--target", MUSL], cwd=root, capture_output=True, text=True
    ).stdout.strip()
    if libraries and Path(libraries).is_dir():
        command += ["--target", MUSL]
        # For the C in ring. Its own name for the compiler is of a package that hardly anybody has.
        environment.setdefault("CC_x86_64_unknown_linux_musl", "cc")
        where = target(root) / MUSL / "release"
    subprocess.run(command, cwd=root, env=environment, check=True)
    return where
