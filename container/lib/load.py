"""Load on an agent service: SOCKET PID SECONDS CLIENTS. Ends with 1 when a promise did not hold."""
import asyncio, collections, io, sys, tarfile, time

path, process, seconds, clients = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
answers = collections.Counter()
took = []
troubles = []


def archive(number):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in [(".claude/skills/load/a.md", f"{number}\n"), (".claude/CLAUDE.md", f"memory {number % 3}\n")]:
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.mtime = len(content), 0o644, int(time.time())
            tar.addfile(member, io.BytesIO(content.encode()))
    return buffer.getvalue()


async def ask(reader, writer, method, target, body=b""):
    writer.write(f"{method} {target} HTTP/1.1\r\nHost: cai\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length:"))
    await reader.readexactly(length)
    return int(head.split()[1])


async def client(number, end):
    reader = writer = None
    while time.monotonic() < end:
        try:
            if writer is None:
                reader, writer = await asyncio.open_unix_connection(path)
            kind = number % 10
            if kind < 2:
                status = await ask(reader, writer, "POST", "/v1/import?layout=home", archive(number))
                answers["import", status] += 1
                if status == 429:
                    await asyncio.sleep(1)
            elif kind < 4:
                writer.write(b"GET /v1/events HTTP/1.1\r\nHost: cai\r\n\r\n")
                head = await reader.readuntil(b"\r\n\r\n")
                status = int(head.split()[1])
                answers["events", status] += 1
                until = min(end, time.monotonic() + 2)
                while status == 200 and (left := until - time.monotonic()) > 0:
                    try:
                        if not await asyncio.wait_for(reader.read(65536), left):
                            break
                    except asyncio.TimeoutError:
                        break
                writer.close()
                writer = None
                await asyncio.sleep(0.1 if status == 200 else 1)
            else:
                begin = time.monotonic()
                status = await ask(reader, writer, "GET", "/v1/status")
                took.append(time.monotonic() - begin)
                answers["status", status] += 1
                await asyncio.sleep(0.05)
            if status not in (200, 429):
                troubles.append(f"client {number}: status {status}")
        except Exception as error:
            troubles.append(f"client {number}: {type(error).__name__}: {error}")
            writer = None
            await asyncio.sleep(0.1)
    if writer:
        writer.close()


def facts():
    import os
    with open(f"/proc/{process}/status") as file:
        lines = dict(line.split(":", 1) for line in file)
    return int(lines["RssAnon"].split()[0]), len(os.listdir(f"/proc/{process}/fd")), int(lines["Threads"])


async def run():
    """Twelve samples, the last of them when everybody has gone."""
    begin = time.monotonic()
    end = begin + seconds
    running = [asyncio.create_task(client(number, end)) for number in range(clients)]
    samples = [(0, *facts())]
    for number in range(1, 12):
        await asyncio.sleep(max(0, begin + seconds * number / 12 - time.monotonic()))
        samples.append((time.monotonic() - begin, *facts()))
    await asyncio.gather(*running)
    await asyncio.sleep(1)
    samples.append((time.monotonic() - begin, *facts()))
    return samples


samples = asyncio.run(run())
before, warm, after = samples[0][1:], samples[4][1:], samples[-1][1:]
took.sort()
for (what, status), count in sorted(answers.items()):
    print(f"{what} {status}: {count}")
print(f"GET /v1/status: p50 {took[len(took) // 2] * 1000:.1f} ms, p99 {took[int(len(took) * 0.99)] * 1000:.1f} ms")
print("seconds: anonymous memory, KiB; descriptors; threads")
for moment, memory, descriptors, threads in samples:
    print(f"{moment:7.1f}: {memory}; {descriptors}; {threads}")
for name, values in zip(("anonymous memory, KiB", "descriptors", "threads"), zip(before, warm, after)):
    print(f"{name}: {values[0]} before, {values[1]} after a third, {values[2]} at the end")
if after[0] > warm[0] * 1.25 + 4096:
    troubles.append("memory grows")
if after[1] > warm[1] + 4:
    troubles.append("descriptors grow")
if not answers["import", 200]:
    troubles.append("nothing was imported")
for trouble in troubles[:20]:
    print("trouble:", trouble)
print(f"troubles: {len(troubles)}")
sys.exit(1 if troubles else 0)
