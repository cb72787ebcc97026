"""What a careful user of aiohttp writes: a list of URLs in, a line of JSON for each out, `concurrency` at a time."""

import asyncio
import json
import sys

import aiohttp
import uvloop

list_path, output_path, concurrency = sys.argv[1], sys.argv[2], int(sys.argv[3])


async def main() -> None:
    queue: asyncio.Queue = asyncio.Queue(maxsize=concurrency * 2)
    with open(output_path, "w") as output:

        async def worker(session: aiohttp.ClientSession) -> None:
            while (url := await queue.get()) is not None:
                async with session.get(url) as response:
                    body = await response.text()
                    line = {"url": url, "ok": response.status < 400, "status": response.status, "body": body}
                    output.write(json.dumps(line) + "\n")

        connector = aiohttp.TCPConnector(limit=concurrency)
        async with aiohttp.ClientSession(connector=connector) as session:
            workers = [asyncio.create_task(worker(session)) for _ in range(concurrency)]
            with open(list_path) as urls:
                for url in urls:
                    await queue.put(url.strip())
            for _ in workers:
                await queue.put(None)
            await asyncio.gather(*workers)


uvloop.install()
asyncio.run(main())
