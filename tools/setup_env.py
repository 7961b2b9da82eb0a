"""Make the one environment of the study in ``.venv``: the package with all extras, every version pinned.

Called by ``make book`` and ``make test``; needs nothing but Python's standard library and a package index. It can be run by
any Python 3: one that the study supports is then looked for. Words on standard output say what is done, and why.

    RNASTUDY_TORCH=cpu|cuda   which PyTorch to install; without it CPU on a Linux machine where no NVIDIA GPU is seen
    PYTHON=/path/to/python    which Python to make the environment with
    CHROMIUM=/path            which browser the tests of the book use
"""

import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
EXTRAS = "all"
SUPPORTED = ((3, 11), (3, 12), (3, 13))
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def say(message):
    """Print a line at once, so that it stands before the output of what follows."""
    print(f"[set-up] {message}", flush=True)


def stop(message):
    """End with one clear line."""
    sys.exit(f"[set-up] {message}")


def run(*command, quiet=False):
    """Run a command; return whether it succeeded."""
    sink = subprocess.DEVNULL if quiet else None
    return subprocess.run([str(word) for word in command], stdout=sink, stderr=sink).returncode == 0


def output(*command):
    """Run a command; return what it printed, or an empty string if it failed."""
    try:
        return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


# Python --------------------------------------------------------------------------------------------------------------


def version_of(python):
    """Return (major, minor) of a Python, or None if it does not run."""
    found = re.fullmatch(r"(\d+) (\d+)", output(python, "-c", "import sys; print(*sys.version_info[:2])"))
    return (int(found[1]), int(found[2])) if found else None


def find_python(environ=os.environ):
    """Return the first Python that the study supports: the one named, the one running this, then those on the path."""
    if environ.get("PYTHON"):
        if version_of(environ["PYTHON"]) not in SUPPORTED:
            stop(f"PYTHON={environ['PYTHON']} is {version_of(environ['PYTHON']) or 'no Python that runs'}; the study needs 3.11, 3.12 or 3.13")
        return environ["PYTHON"]
    candidates = [sys.executable, "python3", "python3.12", "python3.11", "python3.13"]
    found = next((python for python in candidates if version_of(python) in SUPPORTED), None)
    return found or stop("no Python 3.11, 3.12 or 3.13 found; install one (Debian 12 has 3.11, Ubuntu 24.04 has 3.12), or set PYTHON to its path")


def make_venv():
    """Make ``.venv`` unless there is one that works."""
    if version_of(VENV_PYTHON) in SUPPORTED and run(VENV_PYTHON, "-m", "pip", "--version", quiet=True):
        return
    python = find_python()
    say(f"making {VENV.name} with {python} ({output(python, '-V')})")
    if run(python, "-m", "venv", "--clear", VENV) or (install_venv_module(python) and run(python, "-m", "venv", "--clear", VENV)):
        return
    stop("python -m venv failed; on Debian and Ubuntu: sudo apt-get install python3-venv, then run make again")


def install_venv_module(python):
    """Debian and Ubuntu keep ``venv`` in a package of its own: install it where that is possible."""
    major, minor = version_of(python)
    return can_apt() and any(apt_install(package) for package in (f"python{major}.{minor}-venv", "python3-venv"))


def can_apt():
    """Say whether packages of the system can be installed from here."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(package):
    """Install a package of the system."""
    say(f"apt-get install {package}")
    install = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "--no-install-recommends", package)
    return run(*install, quiet=True) or (run("apt-get", "update", quiet=True) and run(*install, quiet=True))


# PyTorch -------------------------------------------------------------------------------------------------------------


def sees_nvidia(root="/"):
    """Say whether an NVIDIA GPU can be seen: its driver is loaded, or its tool is installed."""
    return Path(root, "proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def torch_flavour(environ=os.environ, platform=sys.platform, gpu=None):
    """Return ``cpu``, ``cuda`` or ``index`` (whatever the package index has), and the reason in words."""
    wanted = environ.get("RNASTUDY_TORCH", "")
    if wanted not in ("", "cpu", "cuda"):
        stop(f"RNASTUDY_TORCH={wanted!r}; it is cpu or cuda")
    if wanted:
        return wanted, f"RNASTUDY_TORCH={wanted}"
    if not platform.startswith("linux"):
        return "index", f"on {platform} the package index has a small build"
    if sees_nvidia() if gpu is None else gpu:
        return "cuda", "an NVIDIA driver is here"
    return "cpu", "no NVIDIA GPU is seen; RNASTUDY_TORCH=cuda decides otherwise"


def pinned(package, constraints=ROOT / "constraints.txt"):
    """Return the version that the constraint file pins a package to."""
    found = re.search(rf"^{re.escape(package)}==([^\s;]+)", Path(constraints).read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else stop(f"constraints.txt does not pin {package}")


def reachable(url, seconds=8):
    """Say whether an address answers in time."""
    try:
        with urllib.request.urlopen(url, timeout=seconds):
            return True
    except (OSError, ValueError):
        return False


def installed_torch():
    """Return the version of PyTorch in the environment, or an empty string."""
    return output(VENV_PYTHON, "-c", "from importlib.metadata import version; print(version('torch'))")


def install_torch():
    """Install the CPU build of PyTorch first where it is wanted, so that the rest finds it there."""
    flavour, why = torch_flavour()
    version = pinned("torch")
    say(f"PyTorch {version} for {flavour}: {why}")
    if flavour != "cpu" or installed_torch() == f"{version}+cpu":
        return
    pip = (VENV_PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", f"torch=={version}+cpu")
    if run(*pip, quiet=True):
        return say("found a CPU build at the configured package index")
    if reachable(f"{CPU_INDEX}/torch/") and run(*pip, "--index-url", CPU_INDEX):
        return say(f"took the CPU build from {CPU_INDEX}")
    say("=" * 100)
    say(f"THE CPU BUILD OF PYTORCH IS OUT OF REACH ({CPU_INDEX} does not answer).")
    say("The package index has only the build for GPUs: with its libraries SEVERAL GIGABYTES will be downloaded now.")
    say("Stop here (Ctrl-C) if that is too much; a local CPU wheel is found through PIP_FIND_LINKS=FOLDER.")
    say("=" * 100)


# The environment -----------------------------------------------------------------------------------------------------


def install():
    """Make the environment, and mark it as ready."""
    ready = VENV / ".ready"
    ready.unlink(missing_ok=True)
    make_venv()
    install_torch()
    say(f"installing rnastudy[{EXTRAS}] with the versions of constraints.txt; this takes a few minutes")
    words = () if sys.stdout.isatty() else ("--quiet",)
    if not run(VENV_PYTHON, "-m", "pip", "install", *words, "-c", ROOT / "constraints.txt", "-e", f"{ROOT}[{EXTRAS}]"):
        stop("pip could not install the pinned versions; its last lines say why (is the package index within reach?)")
    ready.touch()
    say("the environment is ready: .venv")


# The browser ---------------------------------------------------------------------------------------------------------


def find_chromium(environ=os.environ):
    """Return the path of a Chromium that runs, or None: the one named, one on the path, or playwright's own."""
    named = [environ["CHROMIUM"]] if environ.get("CHROMIUM") else [shutil.which(name) for name in BROWSERS]
    return next((path for path in [*named, playwright_chromium()] if path and output(path, "--version")), None)


def playwright_chromium():
    """Return the path of the Chromium that playwright has downloaded, if any."""
    code = "from playwright.sync_api import sync_playwright as p\nwith p() as w: print(w.chromium.executable_path)"
    path = output(VENV_PYTHON if VENV_PYTHON.exists() else sys.executable, "-c", code)
    return path if path and Path(path).exists() else None


def install_chromium():
    """Install Chromium for the tests that open the book, where that is possible; say so loudly where it is not."""
    found = find_chromium() or get_chromium()
    if found:
        return say(f"browser for the tests of the book: {found}")
    say("!" * 100)
    say("NO CHROMIUM: the tests that open the book in a browser WILL BE SKIPPED.")
    say("Install one (Debian: sudo apt-get install chromium), or set CHROMIUM to the path of one, and run make test again.")
    say("!" * 100)


def get_chromium():
    """Install Chromium from the system's packages, else through playwright; Ubuntu's package is only a pointer to a snap."""
    is_ubuntu = "ubuntu" in output("cat", "/etc/os-release").lower()
    if can_apt() and not is_ubuntu and apt_install("chromium"):
        return find_chromium()
    say("playwright install chromium")
    with_libraries = ["--with-deps"] if can_apt() else []
    run(VENV_PYTHON, "-m", "playwright", "install", *with_libraries, "chromium", quiet=True)
    return find_chromium()


if __name__ == "__main__":
    install_chromium() if "--browser" in sys.argv else install()
