"""The systems that are measured, and how their programs are called."""

from dataclasses import dataclass

OURS = "ours"


@dataclass(frozen=True)
class System:
    name: str
    title: str
    #: The package on PyPI that it comes with; None if it comes with Python, or is not Python's.
    package: str | None = None


SYSTEMS = {
    system.name: system
    for system in [
        System(OURS, "ours"),
        System("ppe-fork", "ProcessPoolExecutor (fork)"),
        System("ppe-forkserver", "ProcessPoolExecutor (forkserver)"),
        System("ppe-spawn", "ProcessPoolExecutor (spawn)"),
        System("mp-pool", "multiprocessing.Pool (fork)"),
        System("loky", "loky", "loky"),
        System("pebble", "pebble", "pebble"),
        System("mpire", "mpire", "mpire"),
        System("joblib", "joblib", "joblib"),
        System("ray", "Ray", "ray"),
        System("dask", "Dask", "distributed"),
    ]
}
