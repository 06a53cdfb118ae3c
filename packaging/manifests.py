#!/usr/bin/env python3
"""Writes the manifests for winget and scoop beside the zip and the installer for Windows.

    packaging/manifests.py DIR VERSION ADDRESS

ADDRESS is where the files of DIR are offered: an https address without a slash at its end. The hashes are those in
DIR/SHA256SUMS.
"""

import json
import re
import sys
from pathlib import Path

NAME = "AAM Auto Backup"
IDENTIFIER = "AAM.AutoBackup"
ABOUT = "Declarative backup runner: mirrors, encrypted archives, restores by one command"
# https://aka.ms/winget-manifest.installer.1.6.0.schema.json and its siblings
WINGET = "1.6.0"


def sums(directory):
    """SHA-256 by file name."""
    lines = (directory / "SHA256SUMS").read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def scoop(version, address, name, known):
    package = f"{name}.zip"
    return {
        "version": version,
        "description": ABOUT,
        "homepage": address,
        "license": "MIT|Apache-2.0",
        "suggest": {"7-Zip": "7zip"},
        "architecture": {
            "64bit": {"url": f"{address}/{package}", "hash": known[package], "extract_dir": name},
        },
        "bin": "aam-backup.exe",
    }


def winget(version, address, name, known):
    """The three files, by what is between the identifier and `.yaml`."""
    setup = f"{name}-setup.exe"
    common = {"PackageIdentifier": IDENTIFIER, "PackageVersion": version}

    def manifest(kind, more):
        return common | more | {"ManifestType": kind, "ManifestVersion": WINGET}

    installer = {
        "Architecture": "x64",
        "InstallerUrl": f"{address}/{setup}",
        "InstallerSha256": known[setup].upper(),
    }
    return {
        "": manifest("version", {"DefaultLocale": "en-US"}),
        ".locale.en-US": manifest(
            "defaultLocale",
            {
                "PackageLocale": "en-US",
                "Publisher": NAME,
                "PackageName": NAME,
                "PackageUrl": address,
                "License": "MIT OR Apache-2.0",
                "ShortDescription": ABOUT,
            },
        ),
        ".installer": manifest(
            "installer",
            {
                "MinimumOSVersion": "10.0.14393.0",
                "InstallerType": "nullsoft",
                "Scope": "machine",
                "UpgradeBehavior": "install",
                "ElevationRequirement": "elevatesSelf",
                "Commands": ["aam-backup"],
                "Installers": [installer],
            },
        ),
    }


def main():
    directory, version, address = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    if not re.fullmatch(r"https://[^/\s]+(/\S*[^/\s])?", address):
        sys.exit(f"error: '{address}' is not an https address without a slash at its end")
    name = f"aam-backup-{version}-x86_64-windows"
    known = sums(directory)
    written = {"scoop-aam-backup.json": scoop(version, address, name, known)}
    for part, manifest in winget(version, address, name, known).items():
        # JSON is YAML.
        written[f"winget-{IDENTIFIER}{part}.yaml"] = manifest
    for file, content in written.items():
        (directory / file).write_text(json.dumps(content, indent=4) + "\n")
        print(directory / file)


if __name__ == "__main__":
    main()
