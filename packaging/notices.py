#!/usr/bin/env python3
"""Prints the licenses of all crates that the program is made from, from `cargo metadata` and the crates' own files."""

import argparse
import json
import pathlib
import subprocess

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--target", default="x86_64-unknown-linux-musl")
target = parser.parse_args().target
metadata = json.loads(
    subprocess.run(
        ["cargo", "metadata", "--format-version=1", "--locked", f"--filter-platform={target}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
)
packages = {package["id"]: package for package in metadata["packages"]}
nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
root = metadata["resolve"]["root"]

# Only what ends up in the program: no build scripts' own and no tests' dependencies.
used, waiting = set(), [root]
while waiting:
    node = waiting.pop()
    if node in used:
        continue
    used.add(node)
    for dependency in nodes[node]["deps"]:
        if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
            waiting.append(dependency["pkg"])

texts: dict[str, list[str]] = {}
print("aam-backup contains the following crates.\n")
for package in sorted((packages[id] for id in used - {root}), key=lambda p: (p["name"], p["version"])):
    name = f"{package['name']} {package['version']}"
    print(f"{name}: {package['license'] or 'see its license file'}, {package['repository'] or 'crates.io'}")
    directory = pathlib.Path(package["manifest_path"]).parent
    found = [
        path
        for path in sorted(directory.iterdir())
        if path.is_file() and path.name.upper().startswith(("LICENSE", "LICENCE", "COPYING", "NOTICE", "COPYRIGHT"))
    ]
    for path in found:
        texts.setdefault(path.read_text(errors="replace").strip(), []).append(f"{name}: {path.name}")
for text, names in texts.items():
    print("\n" + "=" * 100)
    print("\n".join(names) + "\n")
    print(text)
