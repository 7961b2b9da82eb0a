"""Machines that a plan is made for, as their makers describe them."""

from __future__ import annotations

from dataclasses import dataclass

from rnastudy.errors import unknown

__all__ = ["MACHINES", "MIB", "Machine", "machine"]

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Machine:
    """What the estimate takes a machine to be.

    Attributes
    ----------
    flops : float
        Peak of fp32 operations a second, without TF32, which torch leaves off.
    bandwidth : float
        Bytes a second from and to its memory.
    memory : float
        Bytes.
    layer_seconds : float
        Spent on starting the work of one layer of one batch.
    own_memory : float
        Bytes that a context on the device takes before any weight is there.
    """

    name: str
    flops: float
    bandwidth: float
    memory: float
    layer_seconds: float
    own_memory: float
    is_gpu: bool
    source: str


#: Machines by name. Numbers of the GPUs: NVIDIA's data sheets, SXM modules.
MACHINES = {
    "h200": Machine("NVIDIA H200", 67e12, 4.8e12, 141e9, 1e-3, 600 * MIB, True, "data sheet"),
    "a100": Machine("NVIDIA A100, 80 GB", 19.5e12, 2.039e12, 80e9, 1e-3, 600 * MIB, True, "data sheet"),
    "cpu": Machine("two CPU cores", 160e9, 20e9, 16e9, 1e-4, 0, False, "2 fused products and sums of 8 numbers a cycle, 2.5 GHz"),
}


def machine(name: str) -> Machine:
    """Return one of `MACHINES`.

    Raises
    ------
    StudyError
        If there is none of that name.

    Examples
    --------
    >>> machine("h200").name
    'NVIDIA H200'
    """
    if name not in MACHINES:
        raise unknown("machine", name, MACHINES)
    return MACHINES[name]
