"""A pool of Python that workers.ts measures, in a process of its own: compare-pools.py NAME."""
import concurrent.futures, json, multiprocessing, os, sys, time

SIZE = 2
# Made before the clock starts.
NUMBERS = list(range(100_000))


def add(n):
    return n + 1


def sum_of_squares(below):
    total = 0
    for i in range(below):
        total += i * i
    return float(total)


class Pool:
    """multiprocessing.Pool"""

    def __init__(self):
        self.pool = multiprocessing.Pool(SIZE)

    def call(self, fn, n):
        return self.pool.apply_async(fn, (n,)).get

    def map(self, fn, items):
        return self.pool.map(fn, items)


class Executor:
    def __init__(self, kind):
        self.pool = kind(SIZE)

    def call(self, fn, n):
        return self.pool.submit(fn, n).result

    def map(self, fn, items):
        # What is quickest for it; threads pay no heed to it.
        return self.pool.map(fn, items, chunksize=1000)


OPENERS = {
    "multiprocessing.Pool": Pool,
    "ProcessPoolExecutor": lambda: Executor(concurrent.futures.ProcessPoolExecutor),
    "ThreadPoolExecutor": lambda: Executor(concurrent.futures.ThreadPoolExecutor),
}


def do(pool, work, units):
    if work == "atOnce":
        return sum([get() for get in [pool.call(add, n) for n in range(units)]])
    if work == "inTurn":
        return sum(pool.call(add, n)() for n in range(units))
    if work == "map":
        return sum(pool.map(add, NUMBERS[:units]))
    if work == "sums":
        return sum([get() for get in [pool.call(sum_of_squares, units) for _ in range(4)]])
    # The most memory that it and its processes have had.
    return sum(peak_mb(pid) for pid in ["self", *(child.pid for child in multiprocessing.active_children())])


def peak_mb(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024


if __name__ == "__main__":
    pool = OPENERS[sys.argv[1]]()
    for line in sys.stdin:
        asked = json.loads(line)
        started = time.perf_counter()
        result = do(pool, asked["work"], asked["units"])
        print(json.dumps({"ms": (time.perf_counter() - started) * 1000, "result": result}), flush=True)
    # Those of an executor would stay, and hold the output open.
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(0)
