"""The part of which-tool.ts that is in Python: which-tool.py URL FOR_MS BLOCK_MS SUM_BELOW ITEMSxWORKERS..."""
import asyncio, concurrent.futures, http.client, json, multiprocessing, platform, sys, time, urllib.parse

url = urllib.parse.urlsplit(sys.argv[1])
for_ms, block_ms, sum_below = map(int, sys.argv[2:5])
sizes = [tuple(map(int, size.split("x"))) for size in sys.argv[5:]]


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


def best_of(way):
    times, began = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() < began + for_ms / 1000:
        started = time.perf_counter()
        way()
        times.append(time.perf_counter() - started)
    return min(times) * 1000


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
        return [best_of(way) for way in ways]


if __name__ == "__main__":
    times = [measure(task, *size) for task, size in zip((ask, block, sum_squares), sizes)]
    print(json.dumps({"version": platform.python_version(), "times": times}))
