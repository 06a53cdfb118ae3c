#!/usr/bin/env python3
"""Measures the program beside others: benches/run.py [--quick] [--only NAME ...] [--write].

Makes trees of files in a directory of its own, runs each program on them in turn, several times, and prints the medians
and their ratios. Programs that are not installed are left out. --write puts the result into docs/benchmarks.md.

Who is measured how:
- each program in the same round, one after the other, so that a busy moment hits all of them;
- with its usual settings, encrypted where it can encrypt, on the same disk;
- wall time and the largest resident memory of the program and what it starts.
"""

import argparse
import datetime
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
PASSWORD = "for benchmarks only"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


# Trees


def tiny(root, count):
    """Files of a few bytes, 1000 in each directory, as in a store of emails or a cache."""
    for directory in range(count // 1000):
        place = root / f"{directory // 50:03}" / f"{directory % 50:02}"
        place.mkdir(parents=True)
        for file in range(1000):
            with open(place / f"file-{file:04}.txt", "w") as out:
                out.write(f"{directory} {file}\n")


def mixed(root, count, total):
    """Sizes as in a home directory: many small files, few large ones. A third can be compressed."""
    dice = random.Random(7)
    sizes = [dice.lognormvariate(9, 2.2) for _ in range(count)]
    scale = total / sum(sizes)
    for number, size in enumerate(sizes):
        place = root / f"{number // 200:03}"
        place.mkdir(parents=True, exist_ok=True)
        size = int(size * scale)
        with open(place / f"file-{number:05}.bin", "wb") as out:
            if number % 3 == 0:
                out.write((b"line of text %d\n" % number) * (size // 16))
            else:
                out.write(dice.randbytes(size))


def large(root, count, size):
    """A few large files that cannot be compressed, as of photos and films."""
    dice = random.Random(8)
    root.mkdir(parents=True)
    for number in range(count):
        with open(root / f"film-{number:02}.mp4", "wb") as out:
            for _ in range(size // (1 << 20)):
                out.write(dice.randbytes(1 << 20))


# Programs


class Program:
    """One program on one tree, with a place of its own for what it stores."""

    name = "?"
    binary = "?"

    def __init__(self, tree, place):
        self.tree, self.place = tree, place
        self.environment = dict(os.environ)

    @classmethod
    def found(cls):
        return shutil.which(cls.binary) is not None

    def prepare(self):
        """Makes the store. Not measured."""

    def empty(self):
        """Deletes what is stored, so that the next backup is a full one. Not measured."""

    def call(self, command, **more):
        done = subprocess.run(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more
        )
        if done.returncode != 0:
            sys.stdout.buffer.write(done.stdout)
            sys.exit(f"{self.name}: {command} ended with {done.returncode}")
        return done.stdout.decode(errors="replace")


class Ours(Program):
    name = "aam-backup"
    binary = str(ROOT / "target/release/aam-backup")
    format = "zip"
    mirror = False

    def prepare(self):
        self.place.mkdir(parents=True)
        self.environment |= {
            "AAM_BACKUP_STATE_DIR": str(self.place / "state"),
            "AAM_BENCH_KEY": PASSWORD,
            "TMPDIR": str(self.place),
        }
        self.profile = self.place / "bench.yaml"
        self.profile.write_text(
            f"""version: 1
name: bench
location: bench
sources: ['{self.tree}']
destinations:
{self.destination()}
{self.archive()}
log: {{directory: '{self.place}/log'}}
"""
        )
        (self.place / "work").mkdir()
        self.empty()

    def destination(self):
        return f"  directory: {{path: '{self.place}/store'}}"

    def archive(self):
        work = self.place / "work"
        return f"archive: {{format: {self.format}, work-directory: '{work}', encryption-key: {{env: AAM_BENCH_KEY}}}}"

    def empty(self):
        for directory in ("state", "store"):
            shutil.rmtree(self.place / directory, ignore_errors=True)
        (self.place / "store").mkdir()

    def backup(self):
        self.call([self.binary, "run", str(self.profile), "--unattended", "--quiet"])

    def version(self):
        return self.call([self.binary, "--version"]).split("\n")[0]


class OursSevenZip(Ours):
    name = "aam-backup (7z)"
    format = "7z"


class OursMirror(Ours):
    name = "aam-backup (mirror)"

    def destination(self):
        return f"  mirror: {{path: '{self.place}/store'}}"

    def archive(self):
        return ""


class Find(Program):
    """What any incremental backup must do at least: look at every file's times."""

    name = binary = "find"

    def prepare(self):
        self.place.mkdir(parents=True)
        self.day = datetime.datetime.now().isoformat(" ", "seconds")

    def backup(self):
        self.call(["find", str(self.tree), "-newermt", self.day, "-type", "f", "-print0"])

    def version(self):
        return self.call(["find", "--version"]).split("\n")[0]


class SevenZip(Program):
    """7-Zip alone, with the switches that we give it and a list of the same files."""

    name = binary = "7zz"
    switches = ["-tzip", "-mem=AES256", "-mcu=on", "-mtc=on", "-mta=on", "-mx=5"]

    def prepare(self):
        (self.place / "store").mkdir(parents=True)
        found = self.call(["find", ".", "-type", "f", "-printf", "%P\\n"], cwd=self.tree)
        self.list = self.place / "list"
        self.list.write_text(found)

    def empty(self):
        shutil.rmtree(self.place / "store")
        (self.place / "store").mkdir()

    def backup(self):
        self.call(
            [self.binary, "a", *self.switches, "-snl", "-spd", "-scsUTF-8", "-sccUTF-8", "-bd", f"-p{PASSWORD}"]
            + ["-v4000000000b", f"-i@{self.list}", "--", str(self.place / "store/archive")],
            cwd=self.tree,
        )

    def version(self):
        return self.call([self.binary, "i"]).strip().split("\n")[0]


class SevenZip7z(SevenZip):
    name = "7zz (7z)"
    switches = ["-t7z", "-mhe=on", "-mx=5"]


class Rsync(Program):
    name = binary = "rsync"

    def prepare(self):
        self.empty()

    def empty(self):
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)

    def backup(self):
        self.call(["rsync", "-aHAX", "--delete", f"{self.tree}/", f"{self.place}/"])

    def version(self):
        return self.call(["rsync", "--version"]).split("\n")[0]


class Restic(Program):
    name = binary = "restic"

    def prepare(self):
        self.environment |= {
            "RESTIC_REPOSITORY": str(self.place / "store"),
            "RESTIC_PASSWORD": PASSWORD,
            "RESTIC_CACHE_DIR": str(self.place / "cache"),
        }
        self.empty()

    def empty(self):
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)
        self.call([self.binary, "init"])

    def backup(self):
        self.call([self.binary, "backup", "--quiet", str(self.tree)])

    def version(self):
        return self.call([self.binary, "version"]).split("\n")[0]


class Borg(Program):
    name = binary = "borg"

    def prepare(self):
        self.environment |= {
            "BORG_REPO": str(self.place / "store"),
            "BORG_PASSPHRASE": PASSWORD,
            "BORG_BASE_DIR": str(self.place),
        }
        self.empty()

    def empty(self):
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)
        self.call([self.binary, "init", "--encryption", "repokey"])

    def backup(self):
        self.call([self.binary, "create", "::{utcnow:%Y%m%dT%H%M%S.%f}", str(self.tree)])

    def version(self):
        return self.call([self.binary, "--version"]).strip()


class Rclone(Program):
    name = binary = "rclone"

    def prepare(self):
        self.empty()

    def empty(self):
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)

    def backup(self):
        self.call([self.binary, "sync", "--links", str(self.tree), str(self.place)])

    def version(self):
        return self.call([self.binary, "version"]).split("\n")[0]


# Measuring


def timed(action):
    """Seconds, and the most memory in MiB of any process below this one, by the kernel's count for children."""
    reader, writer = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            action()
            code = 0
        except SystemExit as error:
            print(error, file=sys.stderr)
        finally:
            import resource

            os.write(writer, str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss).encode())
            sys.stdout.flush()
            os._exit(code)
    os.close(writer)
    _, status = os.waitpid(child, 0)
    took = time.monotonic() - began
    memory = int(os.read(reader, 64) or b"0")
    os.close(reader)
    if status != 0:
        sys.exit("a program failed")
    return took, memory / 1024


class Result:
    def __init__(self, title, rows, versions):
        self.title, self.rows, self.versions = title, rows, versions

    def text(self):
        base = self.rows[0][1]
        lines = [f"### {self.title}", "", "| program | median | of all rounds | ratio | memory |", "|---|---|---|---|---|"]
        for name, times, memory in self.rows:
            median = statistics.median(times)
            ratio = median / statistics.median(base)
            lines.append(
                f"| {name} | {median:.2f} s | {min(times):.2f} to {max(times):.2f} s | {ratio:.2f} | {max(memory):.0f} MiB |"
            )
        return "\n".join(lines) + "\n"


def compare(title, tree, place, kinds, rounds, full):
    """All programs in turn, `rounds` times. `full`: each backup is the first one; otherwise nothing has changed since."""
    programs = []
    for kind in kinds:
        if not kind.found():
            print(f"not installed: {kind.name}", file=sys.stderr)
            continue
        program = kind(tree, place / kind.__name__)
        program.prepare()
        if not full:
            program.backup()
        programs.append(program)
    rows = [(program.name, [], []) for program in programs]
    for number in range(rounds):
        # In another order every time.
        order = list(range(len(programs)))
        order = order[number % len(order) :] + order[: number % len(order)]
        for index in order:
            program = programs[index]
            if full:
                program.empty()
            os.sync()
            took, memory = timed(program.backup)
            rows[index][1].append(took)
            rows[index][2].append(memory)
            print(f"{title}, round {number + 1}, {program.name}: {took:.2f} s, {memory:.0f} MiB", file=sys.stderr)
    result = Result(title, rows, {program.version() for program in programs})
    shutil.rmtree(place)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small trees: less than three minutes")
    parser.add_argument("--only", nargs="*", choices=["unchanged", "mirror", "full", "large"], help="these parts")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--directory", help="where trees and stores are made (default: the temporary directory)")
    parser.add_argument("--write", action="store_true", help="write the result to docs/benchmarks.md")
    args = parser.parse_args()
    if not Ours.found():
        sys.exit("build the program first: cargo build --release --locked")
    chosen = args.only or ["unchanged", "mirror", "full", "large"]
    results = []
    with tempfile.TemporaryDirectory(prefix="aam-bench-", dir=args.directory) as directory:
        top = pathlib.Path(directory)
        place = top / "stores"
        if "unchanged" in chosen or "mirror" in chosen:
            for count in [20_000] if args.quick else [200_000, 1_000_000]:
                tree = top / "tree"
                tiny(tree, count)
                what = f"{count:,} files of a few bytes"
                rounds = args.rounds if count < 1_000_000 else max(3, args.rounds - 2)
                if "unchanged" in chosen:
                    # A full zip of a million files takes 20 minutes: 7-Zip derives a key for each file.
                    zip_too = [Ours] if count < 1_000_000 else []
                    kinds = [Find, *zip_too, OursSevenZip, Restic, Borg]
                    results.append(compare(f"Nothing has changed: {what}", tree, place, kinds, rounds, False))
                if "mirror" in chosen and count < 1_000_000:
                    kinds = [Rsync, OursMirror, Rclone]
                    results.append(compare(f"Nothing has changed in the mirror: {what}", tree, place, kinds, rounds, False))
                if "full" in chosen and (count == 200_000 or args.quick):
                    kinds = [SevenZip, Ours, SevenZip7z, OursSevenZip, Restic, Borg]
                    results.append(compare(f"Full backup: {what}", tree, place, kinds, max(2, args.rounds - 2), True))
                shutil.rmtree(tree)
        if "full" in chosen:
            count, total = (1_000, 100_000_000) if args.quick else (20_000, 4_000_000_000)
            tree = top / "tree"
            mixed(tree, count, total)
            kinds = [SevenZip, Ours, SevenZip7z, OursSevenZip, Restic, Borg]
            what = f"{count:,} files of all sizes, {total / 1e9:.1f} GB"
            results.append(compare(f"Full backup: {what}", tree, place, kinds, 1 if not args.quick else 2, True))
            shutil.rmtree(tree)
        if "large" in chosen:
            count, size = (2, 20 << 20) if args.quick else (20, 50 << 20)
            tree = top / "tree"
            large(tree, count, size)
            kinds = [SevenZip, Ours, Restic, Borg]
            what = f"{count} large files, {count * size / 1e9:.1f} GB"
            results.append(compare(f"Full backup: {what}", tree, place, kinds, 2, True))
    versions = sorted(set().union(*(result.versions for result in results)))
    today = datetime.date.today().isoformat()
    head = f"Measured on {today}, {os.cpu_count()} cores, Linux {os.uname().release.split('-')[0]}, with:\n\n"
    text = head + "".join(f"- {version}\n" for version in versions) + "\n"
    text += "\n".join(result.text() for result in results)
    print(text)
    if args.write:
        page = PAGE.read_text()
        before, rest = page.split(BEGIN)
        after = rest.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


if __name__ == "__main__":
    main()
