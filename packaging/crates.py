"""The crates that the program is made from, according to `cargo metadata`."""

import json
import subprocess


def used(target: str) -> tuple[dict, list[dict]]:
    """The package itself, and what ends up in the program: neither build scripts' nor tests' dependencies."""
    command = ["cargo", "metadata", "--format-version=1", "--locked", f"--filter-platform={target}"]
    metadata = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = metadata["resolve"]["root"]
    found, waiting = set(), [root]
    while waiting:
        node = waiting.pop()
        if node in found:
            continue
        found.add(node)
        for dependency in nodes[node]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                waiting.append(dependency["pkg"])
    crates = sorted((packages[id] for id in found - {root}), key=lambda p: (p["name"], p["version"]))
    return packages[root], crates
