"""The one check of the device that a user names; torch is imported only where a GPU is asked for."""

from __future__ import annotations

import re

from rnastudy.errors import StudyError

__all__ = ["check_device", "check_device_name"]


def check_device_name(device: str) -> str:
    """Check that a device is spelt as one, without looking whether this machine has it.

    Parameters
    ----------
    device : str
        ``cpu``, ``cuda``, or ``cuda:N`` with N counted from 0.

    Returns
    -------
    str
        The device.

    Raises
    ------
    StudyError
        For anything else.

    Examples
    --------
    >>> check_device_name("gpu")
    Traceback (most recent call last):
    rnastudy.errors.StudyError: unknown device 'gpu'; give cpu, cuda or cuda:0
    """
    if not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise StudyError(f"unknown device {device!r}; give cpu, cuda or cuda:0")
    return device


def check_device(device: str) -> str:
    """Check that a device is spelt as one and that this machine has it.

    Parameters
    ----------
    device : str
        See `check_device_name`.

    Returns
    -------
    str
        The device.

    Raises
    ------
    StudyError
        If the name is not known, or there is no such GPU.

    Examples
    --------
    >>> check_device("cpu")
    'cpu'
    """
    if check_device_name(device) == "cpu":
        return device
    import torch

    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not found:
        raise StudyError(f"device {device!r} asked for, but torch sees no CUDA device; give cpu, or install a torch built for this machine's GPU")
    if int(device.partition(":")[2] or 0) >= found:
        raise StudyError(f"device {device!r} asked for, but there {'is' if found == 1 else 'are'} {found}, counted from 0; give cuda:{found - 1} or cuda")
    return device
