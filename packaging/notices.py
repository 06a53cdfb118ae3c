#!/usr/bin/env python3
"""Prints the licenses of all crates that the program is made from, from `cargo metadata` and the crates' own files."""

import argparse
import pathlib

import crates

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--target", default="x86_64-unknown-linux-musl")
_, used = crates.used(parser.parse_args().target)

texts: dict[str, list[str]] = {}
print("aam-backup contains the following crates.\n")
for package in used:
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
