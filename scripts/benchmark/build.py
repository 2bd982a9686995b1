"""The executables as they are shipped."""

import platform
import subprocess


def shipped(root):
    """Builds them, static where that can be, and says where they are."""
    static = ["x86_64-unknown-linux-musl"] if (platform.system(), platform.machine()) == ("Linux", "x86_64") else []
    built = subprocess.run([root / "scripts" / "build", *static], stdout=subprocess.PIPE, text=True, check=True)
    return root / built.stdout.strip()
