"""Does one piece of work with aiofiles, and prints what came out and how long it took: compare-aiofiles.py WORK FOLDER."""
import asyncio, json, os, sys, time
import aiofiles, aiofiles.os

FILES, FILE_BYTES, AT_ONCE, APPENDS = 10_000, 4_096, 64, 2_000
TEXT = "x" * FILE_BYTES


async def each(items, work):
    """As many workers as may be at it at once."""
    rest = iter(items)

    async def worker():
        return sum([await work(item) for item in rest])

    return sum(await asyncio.gather(*(worker() for _ in range(AT_ONCE))))


def paths(folder):
    return [f"{folder}/files/{n % 100}/{n}.txt" for n in range(FILES)]


async def write_one(path):
    async with aiofiles.open(path, "w") as file:
        return await file.write(TEXT)


async def read_one(path):
    async with aiofiles.open(path) as file:
        return len(await file.read())


async def walk(folder):
    count = 0
    for entry in await aiofiles.os.scandir(folder):
        count += 1
        if entry.is_dir(follow_symlinks=False):
            count += await walk(entry.path)
    return count


async def lines(folder):
    count = 0
    async with aiofiles.open(f"{folder}/few-lines") as file:
        async for line in file:
            count += len(line)
    return count


async def append(folder):
    async with aiofiles.open(f"{folder}/log-aiofiles", "a") as file:
        loop = asyncio.get_running_loop()

        async def one(n):
            await file.write(f"event {n}\n")
            await file.flush()
            await loop.run_in_executor(None, os.fdatasync, file.fileno())
            return 1

        return sum(await asyncio.gather(*(one(n) for n in range(APPENDS))))


async def main(work, folder):
    started = time.perf_counter()
    if work == "write":
        result = await each(paths(folder), write_one)
    elif work == "read":
        result = await each(paths(folder), read_one)
    else:
        result = await {"walk": walk, "lines": lines, "append": append}[work](
            f"{folder}/files" if work == "walk" else folder
        )
    print(json.dumps({"result": result, "ms": (time.perf_counter() - started) * 1000}))


asyncio.run(main(sys.argv[1], sys.argv[2]))
