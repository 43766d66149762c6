#!/usr/bin/env python3
"""Several workers of one campaign over PostgreSQL: CPU a shot, shots a second, how much of a rate is used.

    python3 benches/workers.py RUSHES FASTSIM cpu       1, 2, 4 and 8 workers, no latency
    python3 benches/workers.py RUSHES FASTSIM latency   the same with 5 ms between them and the database
    python3 benches/workers.py RUSHES FASTSIM rate      how much of 20/s, 100/s and 300/min four workers use
    python3 benches/workers.py RUSHES FASTSIM hold      200 submits a second for ten minutes by 8 workers
    python3 benches/workers.py RUSHES FASTSIM second    how soon a second worker buys, of a million shots

RUSHES is a release build, FASTSIM the stand-in gateway of benches/gateway. The server is Debian's PostgreSQL in
a temporary folder, with fsync, on a Unix socket. CPU is user and system time: of the workers from their
start to their end, of the server with all its processes.
"""

import asyncio
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter

from compare import free_port


class Postgres:
    """A server of its own."""

    def __init__(self, folder):
        self.folder = folder
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
        self.bin = found[-1]
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        self.prefix = user if os.geteuid() == 0 else []
        os.chmod(folder, 0o777)
        self.data = folder / "data"
        self.command("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C")
        settings = "listen_addresses=", "shared_buffers=256MB", "max_wal_size=4GB"
        flags = [word for setting in settings for word in ("-c", setting)]
        words = [*self.prefix, self.bin / "postgres", "-D", self.data, "-k", folder, *flags]
        log = open(folder / "postgres.log", "w")
        self.process = subprocess.Popen([str(word) for word in words], stdout=log, stderr=log)
        while not (folder / ".s.PGSQL.5432").exists():
            time.sleep(0.05)
        while self.ask("SELECT 1") != [["1"]]:
            time.sleep(0.05)

    def command(self, name, *words):
        words = [*self.prefix, self.bin / name, *words]
        subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL, cwd="/")

    def ask(self, sql):
        words = self.bin / "psql", "-X", "-At", "-h", self.folder, "-U", "postgres", "-c", sql
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
        return [line.split("|") for line in done.stdout.split("\n") if line]

    def cpu(self):
        """Seconds of the server, those of its processes that have ended included."""
        ticks = os.sysconf("SC_CLK_TCK")

        def fields(pid):
            return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()

        total = sum(int(field) for field in fields(self.process.pid)[11:15])
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and int(fields(entry.name)[1]) == self.process.pid:
                    total += sum(int(field) for field in fields(entry.name)[11:13])
            except (OSError, IndexError):
                pass  # it has ended meanwhile
        return total / ticks

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()


def delayed(path, millis):
    """A port that leads to a socket; what goes through it takes half of so many milliseconds each way."""
    port = free_port()

    async def pump(reader, writer):
        loop, parts = asyncio.get_running_loop(), asyncio.Queue()

        async def pass_on():
            while True:
                due, part = await parts.get()
                await asyncio.sleep(max(0, due - loop.time()))
                if not part:
                    return writer.close()
                writer.write(part)

        passing = asyncio.create_task(pass_on())
        while part := await reader.read(65536):
            parts.put_nowait((loop.time() + millis / 2000, part))
        parts.put_nowait((loop.time(), b""))
        await passing

    async def serve():
        async def client(reader, writer):
            there, back = await asyncio.open_unix_connection(path)
            await asyncio.gather(pump(reader, back), pump(there, writer), return_exceptions=True)

        server = await asyncio.start_server(client, "127.0.0.1", port)
        await server.serve_forever()

    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
    time.sleep(0.3)
    return port


class Campaign:
    """One campaign on a server of its own, with a gateway that renders in 50 ms."""

    def __init__(self, rushes, fastsim, shots, limits, delay=0):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rushes-workers-"))
        self.rushes, self.shots = rushes, shots
        self.server = Postgres(self.folder)
        self.port = free_port()
        self.gateway = subprocess.Popen([fastsim, str(self.port), "50", "2000"], stdout=subprocess.DEVNULL)
        host = str(self.folder).replace("/", "%2F")
        if delay:
            host = f"127.0.0.1:{delayed(str(self.folder / '.s.PGSQL.5432'), delay)}"
        self.ledger = f"postgres://postgres@{host}/postgres"
        entries = [f"  - {{id: s{nth}, prompt: a scene, takes: {min(10000, shots - nth * 10000)}}}\n"
                   for nth in range((shots + 9999) // 10000)]
        head = f"campaign: m\nlimits: {{{limits}, poll_rate: 5000/s, poll_every: 1s}}\n"
        head += "defaults: {model: kling-v2-6, duration: 5}\nshots:\n"
        (self.folder / "m.yaml").write_text(head + "".join(entries))
        state = {"XDG_STATE_HOME": str(self.folder / "state"), "HOME": str(self.folder)}
        self.env = dict(os.environ, KLING_API_KEY="k", **state)
        if delay:
            self.command("account", "--ledger", self.ledger, "--margin", "80ms")

    def command(self, *words):
        subprocess.run([self.rushes, *words], env=self.env, check=True, stdout=subprocess.DEVNULL)

    def start(self, nth):
        words = [self.rushes, "run", str(self.folder / "m.yaml"), "--ledger", self.ledger]
        words += ["--api-base", f"http://127.0.0.1:{self.port}", "--out", str(self.folder / f"w{nth}")]
        log = open(self.folder / f"w{nth}.log", "w")
        return subprocess.Popen(words, env=self.env, stdout=log, stderr=log)

    def run(self, workers):
        """Runs it to its end by so many workers; what it took."""
        before = self.server.cpu()
        all_ = [self.start(nth) for nth in range(workers)]
        ends = [os.wait4(one.pid, 0) for one in all_]
        server = self.server.cpu() - before
        own = sum(usage.ru_utime + usage.ru_stime for _, _, usage in ends)
        assert all(status == 0 for _, status, _ in ends), (self.folder / "w0.log").read_text()[-600:]
        sent = [int(row[0]) for row in self.server.ask("SELECT sent_at FROM rushes.attempts ORDER BY 1")]
        assert len(sent) == self.shots, len(sent)
        last = int(self.server.ask("SELECT max(delivered_at) FROM rushes.revisions")[0][0])
        # The rate without its beginning and its end, where not all workers have something to do.
        edge = len(sent) // 10
        rate = (len(sent) - 2 * edge - 1) * 1000 / (sent[-1 - edge] - sent[edge])
        # Whole seconds only, also those in which nothing left.
        seconds = [moment // 1000 for moment in sent]
        counts, whole = Counter(seconds), range(seconds[edge] + 1, seconds[-1 - edge])
        slowest = min((counts[second] for second in whole), default=0)
        return {
            "shots_s": self.shots * 1000 / (last - sent[0]),
            "worker_ms": 1000 * own / self.shots,
            "server_ms": 1000 * server / self.shots,
            "rate": rate,
            "slowest_second": slowest,
        }

    def end(self):
        self.gateway.kill()
        self.gateway.wait()
        self.server.stop()
        shutil.rmtree(self.folder)


def measured(programs, workers, shots, limits, delay=0):
    campaign = Campaign(*programs, shots, limits, delay)
    try:
        return campaign.run(workers)
    finally:
        campaign.end()


def series(programs, delay):
    print("workers  shots/s    times  CPU ms a shot: worker  server")
    first = None
    for workers in (1, 2, 4, 8):
        limits = f"rate: 2000/s, in_flight: {64 * workers}"
        took = measured(programs, workers, 1500 * workers, limits, delay)
        first = first or took["shots_s"]
        times = took["shots_s"] / first
        print(f"{workers:7}  {took['shots_s']:7.0f}  {times:7.2f}  {took['worker_ms']:21.2f}  "
              f"{took['server_ms']:6.2f}", flush=True)


def rates(programs):
    for rate, shots in (("20/s", 600), ("100/s", 3000), ("300/min", 1200)):
        number, window = rate.split("/")
        a_second = int(number) / (60 if window == "min" else 1)
        used = measured(programs, 4, shots, f"rate: {rate}, in_flight: 10000")["rate"]
        print(f"{rate:8} {100 * used / a_second:5.1f} % used", flush=True)


def hold(programs):
    # A margin of 40 ms is kept around each second: 208/s are 200 moments a second.
    took = measured(programs, 8, 120_000, "rate: 208/s, in_flight: 10000")
    print(json.dumps({key: round(value, 2) for key, value in took.items()}))


def second(programs):
    campaign = Campaign(*programs, 1_000_000, "rate: 1/s, in_flight: 100")
    def until(sql):
        for _ in range(20_000):
            if campaign.server.ask(sql) == [["t"]]:
                return
            time.sleep(0.05)
        sys.exit("no purchase came in time")

    workers = []
    bought = "SELECT count(DISTINCT worker) = {} FROM rushes.attempts"
    try:
        for nth in (1, 2):
            began = time.monotonic()
            workers.append(campaign.start(nth))
            until(bought.format(nth))
            print(f"worker {nth}: its first purchase after {time.monotonic() - began:.1f} s", flush=True)
            time.sleep(3)
        for worker in workers:
            worker.send_signal(signal.SIGINT)
            worker.wait()
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
        campaign.end()


def main():
    rushes, fastsim, what = (*sys.argv[1:], "", "", "")[:3]
    programs = str(pathlib.Path(rushes).resolve()), str(pathlib.Path(fastsim).resolve())
    kinds = {
        "cpu": lambda: series(programs, 0),
        "latency": lambda: series(programs, 5),
        "rate": lambda: rates(programs),
        "hold": lambda: hold(programs),
        "second": lambda: second(programs),
    }
    if what not in kinds:
        sys.exit(__doc__)
    kinds[what]()


if __name__ == "__main__":
    main()
