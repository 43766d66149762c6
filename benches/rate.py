#!/usr/bin/env python3
"""How much of a rate limit `rushes` uses, and whether it ever exceeds it, seen by the gateway.

    rate.py RUSHES FASTSIM [--rates 1/s:15 7/s:15 50/s:20 200/s:10 1000/s:10 90/min:130] [--folder DIR]

Each campaign RATE:SECONDS has rate * seconds shots, all of which may be in flight, is run without
downloads, and is polled only after the last was sent (`--poll-every SECONDS` to poll on the way).
Measured are the arrivals of the POSTs at fastsim (GET /_arrivals, in microseconds):

  peak   the most in any one second (one minute for a rate a minute), wherever it begins
  share  (N - 1) / (last - first) / rate: 1.0 uses all of it; more than that is a burst at the start

A window at the sender is not quite one at the gateway: `peak` may be one too high by jitter alone.
Standard library only; Linux only.
"""
import argparse, os, shutil, sys

from compare import Gateway, measure, states, write_manifest


def peak(arrivals, window):
    """The most arrivals in any half-open window of that length."""
    most = low = 0
    for high, at in enumerate(arrivals):
        while at - arrivals[low] >= window:
            low += 1
        most = max(most, high - low + 1)
    return most


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rushes", type=os.path.abspath)
    parser.add_argument("fastsim", type=os.path.abspath)
    parser.add_argument("--rates", nargs="+", metavar="RATE:SECONDS",
                        default=["1/s:15", "7/s:15", "50/s:20", "200/s:10", "1000/s:10", "90/min:130"])
    parser.add_argument("--poll-every", type=float, help="seconds")
    parser.add_argument("--folder", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "target", "bench"))
    args = parser.parse_args()

    print(f"{'rate':>8} {'shots':>6} {'peak':>6} {'over':>5} {'share':>7} {'span s':>8} {'least gap ms':>12} "
          f"{'most gap ms':>11} {'CPU s':>6} {'peak MB':>7}")
    for rate, seconds in (word.split(":") for word in args.rates):
        count, unit = rate.split("/")
        count, window = int(count), 60 if unit == "min" else 1
        shots = round(count / window * float(seconds))
        folder = os.path.join(args.folder, "rate-" + rate.replace("/", "-"))
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        manifest, out, log = (os.path.join(folder, name) for name in ("bench.yaml", "out", "log"))
        every = args.poll_every or float(seconds) + 2
        write_manifest(manifest, shots, shots, rate, f"{round(every * 1000)}ms")
        # All campaigns hold the same shots, which a list of campaigns would tell.
        env = {**os.environ, "KLING_API_KEY": "k", "XDG_STATE_HOME": os.path.join(folder, "state")}
        with Gateway(args.fastsim, 64) as gateway:
            code, _, cpu, memory = measure(
                [args.rushes, "run", manifest, "--api-base", gateway.base, "--out", out, "--no-download"],
                log, env)
            arrivals = sorted(gateway.ask("/_arrivals"))
        seen = states(args.rushes, manifest, out)
        if len(arrivals) != shots or seen != {"rendered": shots}:
            sys.exit(f"{rate}: exit code {code}, {len(arrivals)} of {shots} arrived, {seen}; see {log}")
        most = peak(arrivals, window * 1_000_000)
        span = (arrivals[-1] - arrivals[0]) / 1e6
        gaps = [(b - a) / 1e3 for a, b in zip(arrivals, arrivals[1:])]
        print(f"{rate:>8} {shots:6} {most:6} {most - count:+5} {(shots - 1) / span / (count / window):7.4f} {span:8.3f} "
              f"{min(gaps):12.2f} {max(gaps):11.1f} {cpu:6.2f} {memory:7.1f}", flush=True)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
