"""One small adapter for each pool, as its documentation recommends to use it for many small calls.

An adapter's pool has
    call(f, x)            one call, waited for
    run_all(f, xs)        many calls, each a task of its own; the list of their results
    map(f, xs, chunk)     many calls, `chunk` of them in a message; an iterable of their results
    submit(f, x)          starts a call; a handle for `results`
    results(handles)      the list of the results
    stop()                ends the workers
`tasks_per_child=1` asks for a new worker for every task. Unsupported: what a pool cannot do, and why.
Packages are imported where they are used: a worker that is spawned imports this program again.
"""

import multiprocessing
import os


class Unsupported(Exception):
    """The pool has no such feature."""


class Executor:
    """The interface of concurrent.futures."""

    executor = None

    def call(self, f, x):
        return self.submit(f, x).result()

    def run_all(self, f, xs):
        return self.results([self.submit(f, x) for x in xs])

    def map(self, f, xs, chunk):
        return self.executor.map(f, xs, chunksize=chunk)

    def submit(self, f, x):
        return self.executor.submit(f, x)

    def results(self, handles):
        return [future.result() for future in handles]

    def stop(self):
        self.executor.shutdown()


class ProcessPoolExecutor(Executor):
    method = None

    def __init__(self, workers, tasks_per_child=None):
        from concurrent.futures import ProcessPoolExecutor

        context = multiprocessing.get_context(self.method)
        if tasks_per_child is None:
            self.executor = ProcessPoolExecutor(workers, mp_context=context)
            return
        try:
            self.executor = ProcessPoolExecutor(workers, mp_context=context, max_tasks_per_child=tasks_per_child)
        except (TypeError, ValueError) as error:  # before Python 3.11; with fork
            raise Unsupported(str(error)) from None


class ForkExecutor(ProcessPoolExecutor):
    method = "fork"


class ForkServerExecutor(ProcessPoolExecutor):
    method = "forkserver"


class SpawnExecutor(ProcessPoolExecutor):
    method = "spawn"


class MultiprocessingPool:
    def __init__(self, workers, tasks_per_child=None):
        self.pool = multiprocessing.get_context("fork").Pool(workers, maxtasksperchild=tasks_per_child)

    def call(self, f, x):
        return self.pool.apply(f, (x,))

    def run_all(self, f, xs):
        return self.pool.map(f, xs, chunksize=1)

    def map(self, f, xs, chunk):
        return self.pool.map(f, xs, chunksize=chunk)

    def submit(self, f, x):
        return self.pool.apply_async(f, (x,))

    def results(self, handles):
        return [handle.get() for handle in handles]

    def stop(self):
        self.pool.close()
        self.pool.join()


class Loky(Executor):
    def __init__(self, workers, tasks_per_child=None):
        from loky import get_reusable_executor

        if tasks_per_child is not None:
            raise Unsupported("loky has no limit of tasks for a worker")
        self.executor = get_reusable_executor(max_workers=workers, timeout=None)


class Pebble(Executor):
    """Its futures are those of concurrent.futures."""

    def __init__(self, workers, tasks_per_child=None):
        from pebble import ProcessPool

        self.pool = ProcessPool(
            max_workers=workers, max_tasks=tasks_per_child or 0, context=multiprocessing.get_context("fork")
        )

    def map(self, f, xs, chunk):
        return self.pool.map(f, xs, chunksize=chunk).result()

    def submit(self, f, x):
        return self.pool.schedule(f, args=(x,))

    def stop(self):
        self.pool.close()
        self.pool.join()


class Mpire:
    def __init__(self, workers, tasks_per_child=None):
        from mpire import WorkerPool

        self.lifespan = tasks_per_child
        self.pool = WorkerPool(n_jobs=workers, start_method="fork", keep_alive=True)

    def call(self, f, x):
        return self.pool.apply(f, (x,))

    def run_all(self, f, xs):
        return self.pool.map(f, xs, chunk_size=1, worker_lifespan=self.lifespan)

    def map(self, f, xs, chunk):
        return self.pool.map(f, xs, chunk_size=chunk)

    def submit(self, f, x):
        return self.pool.apply_async(f, (x,))

    def results(self, handles):
        return [handle.get() for handle in handles]

    def stop(self):
        self.pool.stop_and_join()


class Joblib:
    """Its batches are its own choice: batch_size is left at 'auto'."""

    def __init__(self, workers, tasks_per_child=None):
        from joblib import Parallel

        if tasks_per_child is not None:
            raise Unsupported("joblib has no limit of tasks for a worker")
        self.workers = workers
        self.parallel = Parallel(n_jobs=workers, backend="loky")
        self.parallel.__enter__()  # keeps the workers between calls

    def call(self, f, x):
        return self.run_all(f, [x])[0]

    def run_all(self, f, xs):
        from joblib import delayed

        return self.parallel(delayed(f)(x) for x in xs)

    def map(self, f, xs, chunk):
        from joblib import Parallel, delayed

        # On the same workers: loky's are the process's own.
        return Parallel(n_jobs=self.workers, backend="loky", batch_size=chunk)(delayed(f)(x) for x in xs)

    def submit(self, f, x):
        raise Unsupported("joblib hands tasks out as workers become free; none are pending")

    def results(self, handles):
        raise Unsupported("joblib has no handles of tasks")

    def stop(self):
        from joblib.externals.loky import get_reusable_executor

        self.parallel.__exit__(None, None, None)
        get_reusable_executor().shutdown()


class Ray:
    def __init__(self, workers, tasks_per_child=None):
        # One machine, nothing sent anywhere, no listener but on the loopback interface: the variable keeps Ray from
        # replacing 127.0.0.1 by the machine's outer address.
        os.environ.update(
            RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0", RAY_USAGE_STATS_ENABLED="0", RAY_DEDUP_LOGS="0"
        )
        import ray

        self.ray = ray
        self.tasks_per_child = tasks_per_child
        self.remote_functions = {}
        self.map_pool = None
        self.workers = workers
        ray.init(
            num_cpus=workers, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False,
            logging_level="ERROR",
        )

    def submit(self, f, x):
        remote = self.remote_functions.get(f)
        if remote is None:
            options = {} if self.tasks_per_child is None else {"max_calls": self.tasks_per_child}
            remote = self.remote_functions[f] = self.ray.remote(**options)(f) if options else self.ray.remote(f)
        return remote.remote(x)

    def call(self, f, x):
        return self.ray.get(self.submit(f, x))

    def run_all(self, f, xs):
        return self.ray.get([self.submit(f, x) for x in xs])

    def map(self, f, xs, chunk):
        from ray.util.multiprocessing import Pool

        if self.map_pool is None:
            self.map_pool = Pool(self.workers)
        return self.map_pool.map(f, xs, chunksize=chunk)

    def results(self, handles):
        return self.ray.get(handles)

    def stop(self):
        self.ray.shutdown()


class Dask:
    def __init__(self, workers, tasks_per_child=None):
        from distributed import Client, LocalCluster

        if tasks_per_child is not None:
            raise Unsupported("distributed has no limit of tasks for a worker")
        self.cluster = LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None,
            worker_dashboard_address=None, silence_logs=50,
        )
        # Results straight from the workers: for clients that reach them, it is faster than through the scheduler.
        self.client = Client(self.cluster, direct_to_workers=True)

    # `pure` would have equal calls computed once.
    def call(self, f, x):
        return self.client.gather(self.submit(f, x))

    def run_all(self, f, xs):
        return self.client.gather(self.client.map(f, xs, pure=False))

    def map(self, f, xs, chunk):
        from itertools import chain
        from tasks import increment, increment_all

        assert f is increment
        chunks = [xs[at : at + chunk] for at in range(0, len(xs), chunk)]
        return list(chain.from_iterable(self.run_all(increment_all, chunks)))

    def submit(self, f, x):
        if isinstance(x, bytes):
            # Its own advice for large arguments.
            x = self.client.scatter(x, hash=False, direct=True)
        return self.client.submit(f, x, pure=False)

    def results(self, handles):
        return self.client.gather(handles)

    def stop(self):
        self.client.close()
        self.cluster.close()


POOLS = {
    "ppe-fork": ForkExecutor,
    "ppe-forkserver": ForkServerExecutor,
    "ppe-spawn": SpawnExecutor,
    "mp-pool": MultiprocessingPool,
    "loky": Loky,
    "pebble": Pebble,
    "mpire": Mpire,
    "joblib": Joblib,
    "ray": Ray,
    "dask": Dask,
}
