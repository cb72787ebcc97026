"""Does one piece of work with asyncpg, and prints how long it took: compare-asyncpg.py URL WORK UNITS."""
import asyncio, datetime, json, sys, time
import asyncpg


async def main(url, work, units):
    pool = await asyncpg.create_pool(url, min_size=10, max_size=10)
    epoch = datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
    rows = []
    if work in ("copy", "executemany"):
        rows = [(n, f"name {n}", n / 7, epoch + datetime.timedelta(seconds=n)) for n in range(units)]
        await pool.execute("truncate bench")
    started = time.perf_counter()
    if work == "queries":
        await asyncio.gather(*(pool.fetchval("select $1::int as v", n) for n in range(units)))
    elif work == "copy":
        await pool.copy_records_to_table("bench", records=rows)
    elif work == "executemany":
        await pool.executemany("insert into bench values ($1, $2, $3, $4)", rows)
    else:
        text = "select n as id, 'name ' || n as name, n / 7.0::float8 as score, now() as at from generate_series(1, %d) n"
        assert len(await pool.fetch(text % units)) == units
    print(json.dumps({"ms": (time.perf_counter() - started) * 1000}))
    await pool.close()


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
