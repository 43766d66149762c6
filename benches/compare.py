#!/usr/bin/env python3
"""What a shot costs the machine that orders it, over loopback HTTP, beside what a script would cost.

    compare.py RUSHES FASTSIM [--scripts PYTHON FOLDER] [--shots 3000] [--small 100] [--clip 20000]
            [--in-flight 64] [--runs 3] [--folder DIR] [--json FILE]

RUSHES is a release build of `rushes`; FASTSIM a stand-in gateway, `fastsim PORT RENDER_MS CLIP_BYTES`,
whose tasks are done at once and whose GET /_truth answers what it saw. PYTHON is a Python with aiohttp
and FOLDER holds asyncio_synced.py and asyncio_script.py: what a user might write instead.

The gateway has core 1, whoever orders has core 0. Each run takes all of them in turn, each with a fresh
gateway and a fresh folder, at two sizes: `--small` shots show what starting costs, and (large - small)
what one more shot costs (marginal). CPU is user and system time as the kernel counts it (wait4); memory
is the peak resident set (VmHWM). Ratios are taken within a run, then the median of the runs. On a busy
machine trust the CPU columns, not shots/s. The folder should lie on a real disk: all but the plain
script sync what they write. Standard library only; Linux only.
"""
import argparse, json, os, select, shutil, socket, statistics, subprocess, sys, tempfile, time, urllib.request

GATEWAY_CORE, CLIENT_CORE = "1", "0"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Gateway:
    """A fresh fastsim on a free port."""

    def __init__(self, fastsim, clip, render_ms=0):
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        command = ["taskset", "-c", GATEWAY_CORE, fastsim, str(self.port), str(render_ms), str(clip)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def __enter__(self):
        for _ in range(200):
            try:
                self.ask("/_truth")
                return self
            except OSError:
                time.sleep(0.02)
        self.process.kill()
        sys.exit("fastsim does not answer")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def ask(self, path):
        with urllib.request.urlopen(self.base + path) as answer:
            return json.load(answer)


def measure(command, log, env=None):
    """Runs it pinned to the client's core, without a terminal; (exit code, wall s, CPU s, peak MB)."""
    with open(log, "wb") as out:
        started, peak = time.monotonic(), 0
        child = subprocess.Popen(["taskset", "-c", CLIENT_CORE, *command], stdin=subprocess.DEVNULL,
                                 stdout=out, stderr=out, env=env)
        # ru_maxrss would count this process's memory too, from before the exec; so VmHWM is watched.
        ended = os.pidfd_open(child.pid)
        while not select.select([ended], [], [], 0.02)[0]:
            with open(f"/proc/{child.pid}/status") as status:
                peak = next((int(line.split()[1]) for line in status if line.startswith("VmHWM")), peak)
        wall = time.monotonic() - started
        os.close(ended)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, wall, used.ru_utime + used.ru_stime, peak / 1024


def write_manifest(path, shots, in_flight, rate="100000/s", poll_every="20ms"):
    with open(path, "w") as out:
        out.write(f"campaign: bench\nbudget: 1000000\nlimits: {{rate: {rate}, poll_rate: 100000/s, "
                  f"poll_every: {poll_every}, in_flight: {in_flight}}}\n"
                  "defaults: {model: kling-v3, mode: std, duration: 5, aspect_ratio: 16:9}\nshots:\n")
        out.writelines(f"  - {{id: s{n:06}, prompt: shot {n}}}\n" for n in range(shots))


def states(rushes, manifest, out):
    """How many shots are in each state, as the report says."""
    command = [rushes, "report", manifest, "--out", out, "--format", "json"]
    shots = json.loads(subprocess.run(command, stdin=subprocess.DEVNULL, check=True, capture_output=True).stdout)["shots"]
    return {state: sum(s["state"] == state for s in shots) for state in {s["state"] for s in shots}}


def one(args, who, shots):
    """One campaign of one contender, checked; its figures."""
    os.makedirs(args.folder, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=f"{who}-{shots}-".replace(" ", "-"), dir=args.folder)
    manifest, out, log = (os.path.join(folder, name) for name in ("bench.yaml", "out", "log"))
    if "rushes" in who:
        write_manifest(manifest, shots, args.in_flight)
    os.sync()
    with Gateway(args.fastsim, args.clip) as gateway:
        if "rushes" in who:
            command = [args.rushes, "run", manifest, "--api-base", gateway.base, "--out", out]
            command += ["--no-download"] if "no download" in who else []
        else:
            script = {"synced script": "asyncio_synced.py", "plain script": "asyncio_script.py"}[who]
            command = [args.scripts[0], os.path.join(args.scripts[1], script), gateway.base,
                       str(shots), str(args.in_flight), out]
        # All campaigns hold the same shots, which a list of campaigns would tell.
        env = {**os.environ, "KLING_API_KEY": "k", "XDG_STATE_HOME": os.path.join(folder, "state")}
        code, wall, cpu, peak = measure(command, log, env)
        truth = gateway.ask("/_truth")
    if "rushes" in who:
        seen = states(args.rushes, manifest, out)
        right = seen == {"rendered" if "no download" in who else "delivered": shots} and code in (0, 1)
    else:
        seen = sum(name.endswith(".mp4") for name in os.listdir(out))
        right = seen == shots and code == 0
    if not right or truth["posts"] != shots:
        sys.exit(f"{who}: exit code {code}, {seen}, the gateway saw {truth}; see {log}")
    args.done.append(folder)
    return {"wall": wall, "cpu": cpu, "peak": peak, "polls": truth["polls"] / shots}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rushes", type=os.path.abspath)
    parser.add_argument("fastsim", type=os.path.abspath)
    parser.add_argument("--scripts", nargs=2, metavar=("PYTHON", "FOLDER"))
    parser.add_argument("--shots", type=int, default=3000)
    parser.add_argument("--small", type=int, default=100, help="0: no small campaign, no marginal figures")
    parser.add_argument("--clip", type=int, default=20_000, help="bytes")
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "target", "bench"))
    parser.add_argument("--json", help="writes every figure of every run there")
    args = parser.parse_args()
    # Removed only at the end: ext4 searches long for an inode while many were deleted a moment ago.
    args.done = []

    contenders = ["rushes", "rushes, no download"] + (["synced script", "plain script"] if args.scripts else [])
    n, small = args.shots, args.small
    runs = []
    for _ in range(args.runs):
        run = {}
        for who in contenders:
            run[who] = figures = one(args, who, n)
            figures["cpu_ms"], figures["per_s"] = figures["cpu"] / n * 1e3, n / figures["wall"]
            figures["mb_s"] = figures["per_s"] * args.clip / 1e6
            if small:
                start = one(args, who, small)
                figures["small_cpu_ms"], figures["small_wall_ms"] = start["cpu"] * 1e3, start["wall"] * 1e3
                figures["marginal_ms"] = (figures["cpu"] - start["cpu"]) / (n - small) * 1e3
                figures["marginal_per_s"] = (n - small) / max(figures["wall"] - start["wall"], 1e-9)
        runs.append(run)
        if shutil.disk_usage(args.folder).free < 20e9:
            sys.exit("less than 20 GB left on the disk")
        print(f"run {len(runs)} of {args.runs} done, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    for folder in args.done:
        shutil.rmtree(folder)
    if args.json:
        with open(args.json, "w") as out:
            json.dump({"args": vars(args), "runs": runs}, out, indent=1)

    columns = {"cpu_ms": "CPU ms/shot", "marginal_ms": "marginal", "small_cpu_ms": f"CPU ms of {small}",
               "per_s": "shots/s", "marginal_per_s": "marginal/s", "small_wall_ms": f"wall ms of {small}",
               "mb_s": "MB/s", "peak": "peak MB", "polls": "polls/shot"}
    columns = {key: name for key, name in columns.items() if key in runs[0]["rushes"]}
    print(f"{n} shots, clips of {args.clip} bytes, {args.in_flight} in flight, median of {args.runs}")
    print(f"{'':20}" + "".join(f"{name:>15}" for name in columns.values()))
    for who in contenders:
        middle = [statistics.median(run[who][key] for run in runs) for key in columns]
        print(f"{who:20}" + "".join(f"{value:15.3f}" if value < 10 else f"{value:15.0f}" for value in middle))
    for script in contenders[2:]:
        for who in contenders[:2]:
            ratio = lambda key: statistics.median(run[who][key] / run[script][key] for run in runs)
            print(f"{who} / {script}: " + ", ".join(
                f"{columns[key]} {ratio(key):.2f}" for key in columns if key not in ("polls", "mb_s")))


if __name__ == "__main__":
    main()
