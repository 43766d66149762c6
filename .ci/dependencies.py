#!/usr/bin/env python3
"""Every dependency comes from crates.io, under a licence we may ship, and none is one we ban;
every dependency of Cargo.toml is used."""
import json
import pathlib
import re
import subprocess
import sys

ALLOWED = {"MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "ISC",
           "Unicode-3.0", "Zlib", "Unlicense", "0BSD", "CC0-1.0", "MPL-2.0", "BSL-1.0", "CDLA-Permissive-2.0"}
# chrono is not banned: object_store has it in its interface. Our own code uses jiff alone.
BANNED = {"openssl", "openssl-sys", "native-tls", "serde_yaml", "aws-lc-sys"}
REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"


def cargo(*words):
    return subprocess.run(["cargo", *words], capture_output=True, text=True, check=True).stdout


def may_ship(expression):
    """Whether an SPDX expression can be met with allowed licences: OR needs one, AND needs all."""
    tokens = re.findall(r"\(|\)|\bOR\b|\bAND\b|[^()\s]+(?: WITH [^()\s]+)?", expression.replace("/", " OR "))

    def chain(word, operand, meet):
        value = operand()
        while tokens and tokens[0] == word:
            tokens.pop(0)
            value = meet((value, operand()))
        return value

    def either():
        return chain("OR", both, any)

    def both():
        return chain("AND", one, all)

    def one():
        token = tokens.pop(0)
        if token != "(":
            return token in ALLOWED
        value = either()
        tokens.pop(0)
        return value

    return either()


def main():
    packages = json.loads(cargo("metadata", "--locked", "--format-version", "1"))["packages"]
    wrong = []
    for package in packages:
        name = f"{package['name']} {package['version']}"
        if package["source"] not in (None, REGISTRY):
            wrong.append(f"{name}: comes from {package['source']}")
        if not package["license"] or not may_ship(package["license"]):
            wrong.append(f"{name}: licence {package['license']}")

    tree = cargo("tree", "--locked", "--edges", "normal,build", "--prefix", "none")
    linked = {line.split()[0] for line in tree.splitlines() if line}
    wrong += [f"{name}: banned" for name in sorted(linked & BANNED)]

    def code(*folders):
        return "".join(path.read_text() for folder in folders for path in pathlib.Path(folder).rglob("*.rs"))

    used_in = {None: code("src"), "dev": code("src", "tests", "benches", "examples")}
    root = next(package for package in packages if package["source"] is None)
    for dependency in root["dependencies"]:
        crate = (dependency["rename"] or dependency["name"]).replace("-", "_")
        if not re.search(rf"\b{crate}::|\buse {crate}\b", used_in.get(dependency["kind"], "")):
            wrong.append(f"{dependency['name']}: in Cargo.toml, but not used")

    print("\n".join(wrong) or f"{len(packages) - 1} packages, all in order")
    return bool(wrong)


sys.exit(main())
