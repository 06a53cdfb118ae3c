"""What tests/cluster.sh runs: a cluster of three nodes, killed while a backup and a restore use it.

Arguments: the program `garage` and the program `aam-backup`. Everything is in a temporary directory, on the loopback
interface, and ends with this script.
"""

import contextlib
import os
import pathlib
import random
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

GARAGE, PROGRAM = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])
BUCKET = "backups"
# Slow enough to be killed in the middle.
LIMIT = "8 MB"
# No step takes longer than this many seconds.
PATIENCE = 600


def free_ports(count):
    """Ports that nothing listens on."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_for(what, condition):
    """Waits until a condition holds."""
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"cluster: waited 60 s for this: {what}")
        time.sleep(0.1)


class Node:
    """A node of the cluster. It can be killed, and started again at another address for S3."""

    def __init__(self, place, secret):
        self.place, self.secret = place, secret
        self.place.mkdir()
        self.rpc, self.s3 = free_ports(2)
        self.process = None
        self.write()

    def write(self):
        self.config = self.place / "garage.toml"
        self.config.write_text(
            f"""
metadata_dir = "{self.place}/meta"
data_dir = "{self.place}/data"
db_engine = "lmdb"
replication_factor = 3
rpc_bind_addr = "127.0.0.1:{self.rpc}"
rpc_public_addr = "127.0.0.1:{self.rpc}"
rpc_secret = "{self.secret}"
[s3_api]
s3_region = "garage"
api_bind_addr = "127.0.0.1:{self.s3}"
"""
        )

    def address(self):
        return f"http://127.0.0.1:{self.s3}"

    def start(self):
        log = open(self.place / "log", "a")
        self.process = subprocess.Popen([GARAGE, "-c", self.config, "server"], stdout=log, stderr=log)
        wait_for("a node listens", self.listens)

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.s3)) == 0

    def kill(self):
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def moves(self):
        """It will answer S3 at another address, as a machine that takes the place of a broken one."""
        [self.s3] = free_ports(1)
        self.write()

    def garage(self, *words):
        done = subprocess.run(
            [GARAGE, "-c", self.config, *words], capture_output=True, text=True, timeout=60
        )
        if done.returncode != 0:
            sys.exit(f"cluster: garage {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout


def set_up(nodes):
    """Connects the nodes, and makes the bucket and an access key."""
    for node in nodes:
        node.start()
    ids = [node.garage("node", "id", "-q").strip() for node in nodes]
    for each in ids[1:]:
        nodes[0].garage("node", "connect", each)
    for number, each in enumerate(ids):
        nodes[0].garage("layout", "assign", "-z", f"zone{number}", "-c", "1G", each.split("@")[0])
    nodes[0].garage("layout", "apply", "--version", "1")
    nodes[0].garage("bucket", "create", BUCKET)
    words = nodes[0].garage("key", "create", "aam").split()
    nodes[0].garage("bucket", "allow", "--read", "--write", "--owner", BUCKET, "--key", "aam")
    after = lambda *label: words[words.index(label[-1]) + 1]
    return after("Key", "ID:"), after("Secret", "key:")


def make_tree(place):
    noise = random.Random(20261127)
    for number in range(12):
        directory = place / f"d{number % 3}"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"noise{number}").write_bytes(noise.randbytes(8 << 20))
    for number in range(200):
        (place / "d0" / f"small{number}.txt").write_text(f"number {number}\n" * 20)


class Backup:
    """The program, with a profile that names all nodes."""

    def __init__(self, place, nodes, key):
        self.place = place
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(place),
            "AAM_BACKUP_STATE_DIR": str(place / "state"),
            "AAM_BACKUP_KEY": "a key for the cluster",
            "AWS_ACCESS_KEY_ID": key[0],
            "AWS_SECRET_ACCESS_KEY": key[1],
        }
        (place / "work").mkdir()
        self.source = place / "source"
        self.profile = place / "cluster.yaml"
        self.addresses = [node.address() for node in nodes]
        addresses = ", ".join(f"'{address}'" for address in self.addresses)
        self.profile.write_text(
            f"""
version: 1
name: cluster
location: pc
sources: [{self.source}]
destinations:
  s3:
    bucket: {BUCKET}
    region: garage
    endpoint: [{addresses}]
    storage-class: STANDARD
archive:
  encryption-key: {{env: AAM_BACKUP_KEY}}
  volume-size: 24 MB
  work-directory: {place}/work
upload: {{limit: {LIMIT}}}
download: {{limit: {LIMIT}}}
"""
        )

    def start(self, *words):
        self.lines = []
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [PROGRAM, *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout))
        self.reader.start()

    def says(self, text):
        return any(text in line for line in list(self.lines))

    def ends(self, code, what):
        """Waits for the end, and says how it went."""
        try:
            found = self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            found = "no end"
        self.reader.join()
        print(f"{time.monotonic() - self.began:6.1f} s  exit code {found}: {what}", flush=True)
        if found != code:
            sys.exit("cluster: expected exit code %s:\n%s" % (code, "".join(self.lines)))

    def run(self, *words, kill=None, after="uploading to s3", seconds=2.0):
        """Starts the program. Kills a node some seconds after the program said something."""
        self.start(*words)
        if kill:
            wait_for(f"'{after}'", lambda: self.says(after) or self.process.poll() is not None)
            time.sleep(seconds)
            if self.process.poll() is not None:
                self.ends(0, "too early: nothing was killed")
                sys.exit(1)
            kill.kill()

    def assert_equal(self, restored):
        """Compares what was restored with the source."""
        inside = restored / str(self.source).lstrip("/")
        done = subprocess.run(["diff", "-r", self.source, inside], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"cluster: the restored files differ:\n{done.stdout}{done.stderr}")
        print("          equal", flush=True)


def play(place):
    secret = secrets.token_hex(32)
    nodes = [Node(place / f"node{number}", secret) for number in (1, 2, 3)]
    first, second, third = nodes
    try:
        key = set_up(nodes)
        backup = Backup(place, nodes, key)
        make_tree(backup.source)
        profile = str(backup.profile)
        print("all three nodes run", flush=True)
        backup.run("run", profile, kill=first)
        backup.ends(0, "run; the first node was killed in the middle of the upload")
        (backup.source / "d1" / "later").write_bytes(random.Random(7).randbytes(40 << 20))
        backup.run("run", profile, kill=second)
        backup.ends(1, "run; the second node was killed too: one of three nodes takes nothing")
        # The first one is replaced, at an address that the profile does not know.
        first.moves()
        first.start()
        backup.run("run", profile)
        backup.ends(0, "run; the third node and the new one take the rest of the upload")
        if not backup.says("resuming the interrupted upload"):
            sys.exit("cluster: the upload did not go on:\n" + "".join(backup.lines))
        second.start()
        restored = place / "restored"
        words = ["restore", profile, "--layout", "original", "--to", str(restored)]
        backup.run(*words, kill=second, after="downloading")
        backup.ends(0, "restore; the second node was killed in the middle of the download")
        backup.assert_equal(restored)
        second.start()
        backup.run("verify", profile, "--all", "--yes")
        backup.ends(0, "verify of all archives")
    finally:
        for node in nodes:
            node.kill()


with tempfile.TemporaryDirectory(prefix="aam-cluster-") as directory:
    play(pathlib.Path(directory))
