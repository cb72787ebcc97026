"""The part of which-tool.ts that is in Python, with what Python has: which-tool.py URL BLOCK_MS SUM_BELOW ITEMSxWORKERS..."""
import asyncio, concurrent.futures, http.client, json, multiprocessing, platform, sys, time, urllib.parse

url, block_ms, sum_below = urllib.parse.urlsplit(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
sizes = [tuple(map(int, size.split("x"))) for size in sys.argv[4:]]


def ask(_):
    connection = http.client.HTTPConnection(url.hostname, url.port)
    connection.request("GET", "/")
    return len(connection.getresponse().read())


async def ask_async(_):
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return len(answer.partition(b"\r\n\r\n")[2].split(b"\r\n")[0])


def block(_):
    time.sleep(block_ms / 1000)
    return 1


def sum_squares(_):
    return sum(n * n for n in range(sum_below))


async def each_async(task, items):
    async def call(item):
        return task(item)

    calls = [ask_async(item) if task is ask else call(item) for item in items]
    return await asyncio.gather(*calls)


def best_of_three(way):
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        way()
        best = min(best, time.perf_counter() - started)
        # What takes long is measured well enough.
        if best > 1:
            break
    return best * 1000


def measure(task, count, workers):
    items = range(count)
    with (
        concurrent.futures.ThreadPoolExecutor(workers) as threads,
        concurrent.futures.ProcessPoolExecutor(workers) as processes,
        multiprocessing.Pool(workers) as pool,
    ):
        for warm in (threads, processes, pool):
            list(warm.map(block, range(workers)))
        ways = [
            lambda: [task(item) for item in items],
            lambda: asyncio.run(each_async(task, items)),
            lambda: list(threads.map(task, items)),
            lambda: list(processes.map(task, items)),
            lambda: pool.map(task, items, chunksize=1),
        ]
        return [best_of_three(way) for way in ways]


if __name__ == "__main__":
    times = [measure(task, *size) for task, size in zip((ask, block, sum_squares), sizes)]
    print(json.dumps({"version": platform.python_version(), "times": times}))
