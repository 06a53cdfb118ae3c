#!/usr/bin/env python3
"""Prints a bill of materials in CycloneDX 1.5: every crate that the program is made from, its version and its license."""

import argparse
import json

import crates

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--target", default="x86_64-unknown-linux-musl")
root, used = crates.used(parser.parse_args().target)


def component(package: dict, kind: str) -> dict:
    purl = f"pkg:cargo/{package['name']}@{package['version']}"
    entry = {"type": kind, "bom-ref": purl, "name": package["name"], "version": package["version"], "purl": purl}
    if package["license"]:
        # Old manifests separate alternatives by a slash, which is no SPDX expression.
        entry["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    return entry


bom = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "version": 1,
    "metadata": {"component": component(root, "application")},
    "components": [component(package, "library") for package in used],
}
print(json.dumps(bom, indent=1))
