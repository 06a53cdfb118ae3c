#!/usr/bin/env python3
"""Backs up with aam-backup.exe under Wine and looks at what came of it, with eyes of its own.

Only what concerns Windows alone: scenarios of both systems are in tests/it/scenarios. Run by run.sh. With words as arguments only the scenarios whose names hold one of them are run.
"""

import hashlib
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from xml.etree import ElementTree

LAB = Path(os.environ["LAB"])
DRIVE = Path(os.environ["WINEPREFIX"]) / "drive_c"
LETTER = Path(os.environ["WINEPREFIX"]) / "dosdevices/q:"
ROOT = Path(__file__).resolve().parents[2]
KEY = "only for tests 1234"
LIMIT = 180  # seconds for one program

PROFILE = r"""version: 1
name: nightly
location: lab
sources:
  - C:\Data\Documents
  - C:\Data\Pictures
exclude:
  directories: [node_modules, 'C:\Data\Documents\old', 'C:\Data\Documents\Übung\früher']
  files: ['~WRL*.tmp', 'C:\Data\Documents\letter (1).txt']
snapshot:
  program: shadowspawn
  mount: 'Q:'
destinations:
  mirror: {path: 'C:\Mirror'}
  directory: {path: 'C:\Store'}
archive:
  encryption-key: {env: AAM_BACKUP_KEY}
  work-directory: C:\Work
log: {directory: 'C:\Logs'}
tools: {7z: 'C:\Program Files\7-Zip\7z.exe'}
"""


# What programs get of the caller's environment: where they are, and what lab.sh sets.
PASSED = ["PATH", "HOME", "WINEPREFIX", "WINEARCH", "WINEDEBUG", "WINEDLLOVERRIDES", "LOCPATH", "LC_ALL"]


class Failed(Exception):
    pass


def ended(program, arguments, environment):
    """Runs a program of Windows to its end; its whole process group is ended when it takes too long."""
    child = subprocess.Popen(
        ["wine", program, *arguments],
        cwd=DRIVE,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, err = child.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        raise Failed(f"{program} {arguments[0]} did not end in {LIMIT} s") from None
    out, err = (text.decode(errors="replace").replace("\r", "") for text in (out, err))
    return child.returncode, out, err


class Machine:
    """A Windows machine with some files to back up. Each scenario gets one in its first state."""

    def __init__(self):
        for name in ["Data", "Mirror", "Store", "Work", "Logs", "Profiles", "Out", "Restored", "More"]:
            shutil.rmtree(DRIVE / name, ignore_errors=True)
        shutil.rmtree(DRIVE / "ProgramData/AAM Auto Backup", ignore_errors=True)
        LETTER.unlink(missing_ok=True)
        for name in ["Profiles", "Store", "Mirror"]:
            (DRIVE / name).mkdir()
        (DRIVE / "Profiles/nightly.yaml").write_text(PROFILE)
        # The letter leads to the source itself: a copy of it would have changed since.
        self.environment = {"AAM_STANDIN_LIVE": f"{LETTER}|{DRIVE}"}
        self.write("Documents/letter.txt", "Dear all", 1_600_000_000)
        self.write("Documents/letter (1).txt", "left out by its path")
        self.write("Documents/~WRL0001.tmp", "left out by its name")
        self.write("Documents/old/ancient.txt", "left out with its directory")
        self.write("Documents/project/node_modules/x.js", "left out on every level")
        self.write("Documents/project/100%.txt", "%PATH%", 1_500_000_001)
        self.write("Documents/project/a & b ^ (c)!.txt", "for cmd", 1_500_000_002)
        self.write("Documents/project/-dash.txt", "like an option")
        self.write("Documents/Übung/naïve.txt", "ü", 1_400_000_000)
        self.write("Documents/Übung/früher/ü.txt", "left out by a path that is not ASCII")
        self.write("Pictures/cat.jpg", "cat" * 10, 1_300_000_000)
        (DRIVE / "Data/Documents/empty").mkdir()
        self.write("Elsewhere/secret.txt", "below the mount, and in no source")

    def profile(self, sources, excluded):
        """Another profile than the usual one."""
        before, _, after = PROFILE.partition("sources:")
        after = after[after.index("snapshot:") :]
        lists = [f"sources: {[*sources]}", f"exclude: {{directories: {[*excluded]}}}"]
        text = before + "\n".join(lists).replace("\\\\", "\\") + "\n" + after
        (DRIVE / "Profiles/nightly.yaml").write_text(text)

    def write(self, path, text, time=None):
        file = DRIVE / "Data" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        if time:
            os.utime(file, (time, time))

    def variables(self):
        """The environment of this machine."""
        environment = {name: os.environ[name] for name in PASSED if name in os.environ}
        environment |= {"AAM_BACKUP_KEY": KEY, "WINEPATH": f"Z:{LAB}/bin".replace("/", "\\")}
        environment.update(self.environment)
        return environment

    def run(self, program, *arguments, expect=0):
        """Runs a program of Windows to its end, with the environment of this machine."""
        environment = self.variables()
        code, out, err = ended(program, arguments, environment)
        # Once, among some thousand starts, Wine ended with 1 and the program had said nothing.
        if (code, out, err) == (1, "", ""):
            print(f"once more: Wine ended with 1 and nothing was said: {program} {arguments}", file=sys.stderr)
            code, out, err = ended(program, arguments, environment)
        # Exit codes of Windows have 32 bits, those of Linux 8.
        if expect is not None and code != expect & 0xFF:
            logs = sorted((DRIVE / "Logs").glob("*")) if (DRIVE / "Logs").is_dir() else []
            log = logs[-1].read_text(errors="replace") if logs else ""
            raise Failed(f"{program} {' '.join(arguments)}: exit code {code}\n{out}\n{err}\n{log}")
        return out + err

    def backup(self, *arguments, expect=0):
        return self.run(str(LAB / "bin/aam-backup.exe"), *arguments, expect=expect)

    def mirror(self):
        return tree(DRIVE / "Mirror/c/Data")

    def store(self):
        return sorted(file.name for file in (DRIVE / "Store").rglob("*") if file.is_file())


def tree(root):
    """Files and directories below a directory: path, and for files the text and the second of the last change."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        found[name] = None if path.is_dir() else (path.read_text(), int(path.stat().st_mtime))
    return found


def same(what, wanted, found):
    if wanted != found:
        lines = [f"    missing: {k} {wanted[k]}" for k in wanted if found.get(k, 0) != wanted[k]]
        lines += [f"    unasked: {k} {found[k]}" for k in found if wanted.get(k, 0) != found[k]]
        raise Failed("\n".join([what, *lines]))


def holds(text, *parts):
    for part in parts:
        if part not in text:
            raise Failed(f"does not say '{part}':\n{text}")


def selected():
    """What the profile selects, by its own rule written once more."""
    all_of = tree(DRIVE / "Data")
    left_out = (
        "Documents/old",
        "Documents/Übung/früher",
        "Documents/project/node_modules",
        "Documents/letter (1).txt",
        "Elsewhere",
    )
    return {
        name: what
        for name, what in all_of.items()
        if not any(name == path or name.startswith(path + "/") for path in left_out) and "~WRL" not in name
    }


def check_of_the_example(machine):
    machine.backup("check", "Z:" + str(ROOT / "examples/windows-workstation.yaml").replace("/", "\\"))


def one_snapshot_failure_is_tried_again(machine):
    (DRIVE / "Profiles/failures").write_text("0x80042316\n")
    machine.environment["AAM_STANDIN_VSS_FAILURES"] = r"C:\Profiles\failures"
    machine.backup("run", r"C:\Profiles\nightly.yaml")
    same("the mirror", selected(), machine.mirror())


def no_snapshot_no_backup(machine):
    machine.environment["AAM_STANDIN_VSS_FAILURE"] = "0x80042306"
    said = machine.backup("run", r"C:\Profiles\nightly.yaml", expect=1)
    holds(said, "the snapshot could not be made")
    if "no new or changed files" in said:
        raise Failed(said)
    same("the store", {}, dict.fromkeys(name for name in machine.store() if "_yes_" in name))


def secrets_stay_secret(machine):
    machine.backup("run", "--verbose", r"C:\Profiles\nightly.yaml")
    for name in ["Logs", "Store", "Work", "ProgramData", "Mirror"]:
        for file in (DRIVE / name).rglob("*"):
            if file.is_file() and KEY.encode() in file.read_bytes():
                raise Failed(f"the archive key is in {file}")


def more_exclusions_than_a_line_holds(machine):
    for number in range(300):
        machine.write(f"Pictures/~WRL a name that is long enough to fill a line {number:03}.tmp", "left out")
    machine.write("Pictures/-WRL.tmp", "like an option")
    machine.write("Pictures/~WRL.tmp", "left out, and like it but for the first letter")
    machine.write("Pictures/100% & (1).jpg", "for cmd")
    machine.backup("run", r"C:\Profiles\nightly.yaml")
    same("the mirror", selected(), machine.mirror())


def a_snapshot_is_a_copy(machine):
    machine.environment["AAM_STANDIN_LIVE"] += f"|{LAB}/q.copy"
    machine.backup("run", r"C:\Profiles\nightly.yaml")
    same("the mirror", selected(), machine.mirror())
    if LETTER.is_symlink():
        raise Failed("Q: is still there")


def without_shadowspawn(machine):
    profile = DRIVE / "Profiles/nightly.yaml"
    profile.write_text(PROFILE.replace("  program: shadowspawn\n", ""))
    machine.environment |= {"AAM_MOCK_VSS_JOURNAL": r"C:\Profiles\journal", "AAM_MOCK_VSS_WRITERS": "Registry Writer:7:0x800423f4"}
    holds(machine.backup("run", r"C:\Profiles\nightly.yaml", expect=3), "'Registry Writer' failed")
    same("the mirror", selected(), machine.mirror())
    journal = (DRIVE / "Profiles/journal").read_text()
    holds(journal, "DoSnapshotSet", "DeleteSnapshots(the set, SNAPSHOT_SET, 1)")
    # Another program is making a shadow copy: once more.
    machine.environment["AAM_MOCK_VSS"] = "DoSnapshotSet=0x80042316"
    del machine.environment["AAM_MOCK_VSS_WRITERS"]
    said = machine.backup("run", r"C:\Profiles\nightly.yaml", expect=1)
    holds(said, "another snapshot is being made; trying again", "another program is making a shadow copy")
    del machine.environment["AAM_MOCK_VSS"]
    machine.backup("run", r"C:\Profiles\nightly.yaml")


def the_shadow_copies_of_all_mounts_are_of_one_moment(machine):
    second = LAB / "second volume"
    shutil.rmtree(second, ignore_errors=True)
    (second / "files").mkdir(parents=True)
    (second / "files/z.txt").write_text("z")
    (DRIVE / "More/files").mkdir(parents=True)
    (DRIVE / "More/files/m.txt").write_text("m")
    third = f"Z:{second}/files".replace("/", "\\")
    machine.profile([r"C:\Data\Pictures", r"C:\More\files", third], [])
    profile = DRIVE / "Profiles/nightly.yaml"
    profile.write_text(profile.read_text().replace("  program: shadowspawn\n", ""))
    machine.environment["AAM_MOCK_VSS_JOURNAL"] = r"C:\Profiles\journal"

    def calls_of(expect, *parts):
        (DRIVE / "Profiles/journal").unlink(missing_ok=True)
        shutil.rmtree(DRIVE / "Mirror/c", ignore_errors=True)
        shutil.rmtree(DRIVE / "Mirror/z", ignore_errors=True)
        holds(machine.backup("run", "--verbose", r"C:\Profiles\nightly.yaml", expect=expect), *parts)
        if LETTER.is_symlink():
            raise Failed("Q: is still there")
        wanted = ("StartSnapshotSet", "AddTo", "DoSnapshotSet", "DefineDosDevice(0", "DeleteSnapshots")
        lines = (DRIVE / "Profiles/journal").read_text().splitlines()
        return [line for line in lines if line.startswith(wanted) and not line.endswith("released")]

    def mirrored(*names):
        found = sorted(file.name for file in (DRIVE / "Mirror").rglob("*") if file.suffix in (".txt", ".jpg"))
        if found != sorted(names):
            raise Failed(f"the mirror holds {found}")

    device = r"\\?\GLOBALROOT\Device\HarddiskVolumeShadowCopy"
    shown = [r"7\Data\Pictures", r"7\More\files", rf"8{third[2:]}"]
    found = calls_of(0, "the shadow copies of all mounts were made at one moment")
    expected = ["StartSnapshotSet", r"AddToSnapshotSet(C:\, any)", r"AddToSnapshotSet(Z:\, any)", "DoSnapshotSet"]
    expected += [f"DefineDosDevice(0, Q:, {device}{place})" for place in shown]
    expected += ["DeleteSnapshots(the set, SNAPSHOT_SET, 1)"]
    if found != expected:
        raise Failed("\n".join(found))
    mirrored("cat.jpg", "m.txt", "z.txt")
    # Two volumes that no provider takes together.
    machine.environment["AAM_MOCK_VSS"] = "second=0x8004230e"
    found = calls_of(0, "each mount gets a shadow copy of its own: ", "0x8004230e")
    if [call for call in found if call.startswith("Do")] != ["DoSnapshotSet"] * 3:
        raise Failed("\n".join(found))
    mirrored("cat.jpg", "m.txt", "z.txt")
    # One that has none at all fails by itself.
    machine.environment["AAM_MOCK_VSS"] = "unsupported.Z=1"
    found = calls_of(1, "the volume does not support shadow copies", "nothing is uploaded")
    mirrored("cat.jpg", "m.txt")
    shutil.rmtree(second)


def a_mount_that_the_console_has_no_letters_for(machine):
    machine.write("문서/a/x.txt", "x")
    machine.write("문서/b/y.txt", "y")
    machine.profile(["C:\\Data\\문서\\a", "C:\\Data\\문서\\b"], [])
    machine.backup("run", r"C:\Profiles\nightly.yaml")
    found = sorted(file.name for file in (DRIVE / "Mirror").rglob("*.txt"))
    if found != ["x.txt", "y.txt"]:
        raise Failed(f"the mirror holds {found}")


def the_copy_of_a_drive_can_be_seen(machine):
    """Robocopy makes it hidden and system, as the root of the drive is."""
    others = {entry.name for entry in DRIVE.iterdir() if entry.is_dir()} - {"Data"} | {"Work", "Logs"}
    machine.profile(["C:\\"], [f"C:\\{name}" for name in others])
    machine.backup("run", r"C:\Profiles\nightly.yaml")
    if not (DRIVE / "Mirror/c/Data/Pictures/cat.jpg").is_file():
        raise Failed("there is no copy")
    attributes = machine.run("cmd", "/c", r"attrib C:\Mirror\c").split("C:")[0]
    if attributes.strip(" AR"):
        raise Failed(f"the copy has the attributes {attributes}")


SEARCH_PATH = [r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment", "/v", "Path"]


def search_path(machine):
    said = machine.run("reg", "query", *SEARCH_PATH)
    return next(line.split("    ")[-1].strip() for line in said.splitlines() if "REG_" in line)


def packages_for_windows():
    """Those that CI made of the release, or such of the program under test."""
    made = os.environ.get("AAM_TEST_PACKAGES")
    if made:
        return Path(made).resolve()
    packages = LAB / "packages"
    environment = {name: os.environ[name] for name in os.environ if name not in ("LC_ALL", "LOCPATH")}
    environment |= {"MAKENSIS": "-DQUICK", "BASE": "https://downloads.test/aam-backup"}
    subprocess.run([ROOT / "packaging/windows.sh", LAB / "bin/aam-backup.exe", packages], check=True, env=environment)
    return packages


def resources(exe):
    """The resources of a program, by type and name, of whatever language: Microsoft's PE Format, The .rsrc Section."""
    header = struct.unpack_from("<I", exe, 0x3C)[0]
    count, optional = struct.unpack_from("<6xH12xH", exe, header)
    sections = [struct.unpack_from("<8s4I", exe, header + 24 + optional + 40 * number) for number in range(count)]
    places = [(section[2], section[4]) for section in sections if section[0].rstrip(b"\0") == b".rsrc"]
    if not places:
        raise Failed("the program has no resources")
    address, start = places[0]

    def below(table, path):
        names, numbers = struct.unpack_from("<12x2H", exe, start + table)
        for number in range(names + numbers):
            name, at = struct.unpack_from("<2I", exe, start + table + 16 + 8 * number)
            if at >> 31:
                yield from below(at & 0x7FFFFFFF, [*path, name])
            else:
                data, size = struct.unpack_from("<2I", exe, start + at)
                yield tuple(path[:2]), exe[data - address + start :][:size]

    return dict(below(0, []))


def is_a_program_of_windows(exe):
    """Manifest, version and icon are in it, and a release has no paths of the computer that built it."""
    version = re.search('^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    (icon, manifest, information) = (14, 24, 16)
    found = resources(exe)
    if (icon, 1) not in found:
        raise Failed(f"without an icon: {[*found]}")
    windows = ElementTree.fromstring(found[manifest, 1])
    said = {element.tag.partition("}")[2]: element for element in windows.iter()}
    wanted = {"longPathAware": "true", "requestedExecutionLevel": "asInvoker", "assemblyIdentity": f"{version}.0"}
    same("the manifest", wanted, {
        "longPathAware": said["longPathAware"].text,
        "requestedExecutionLevel": said["requestedExecutionLevel"].get("level"),
        "assemblyIdentity": said["assemblyIdentity"].get("version"),
    })
    text = found[information, 1].decode("utf-16-le", errors="replace")
    for name in ["ProductVersion", "FileVersion"]:
        if not re.search(f"{name}\0+{re.escape(version)}\0", text):
            raise Failed(f"{name} is not {version}: {text!r}")
    # As tests/windows/build.sh has them replaced; in a program for tests they stay.
    places = [str(ROOT), os.environ.get("CARGO_HOME", str(Path.home() / ".cargo")), "/usr/lib/rustlib"]
    for built in places if "AAM_TEST_PACKAGES" in os.environ else []:
        for text in [built.encode(), built.encode("utf-16-le")]:
            at = exe.find(text)
            if at >= 0:
                raise Failed(f"{built} is in the program: {exe[at : at + 200]}")


def what_is_installed_works(machine):
    """Installed, installed again, backed up and restored with in both ways of making snapshots, and removed."""
    packages = packages_for_windows()
    setup = next(packages.glob("*-setup.exe"))
    place = DRIVE / "Program Files/AAM Auto Backup"
    shutil.rmtree(place, ignore_errors=True)
    # Longer than what an installer's own variables hold.
    ours = r"C:\Program Files\AAM Auto Backup"
    # As it was before a scenario that was cut short.
    usual = ";".join(part for part in search_path(machine).split(";") if part != ours and "number" not in part)
    before = ";".join([usual, *(rf"C:\Programs\number {number}" for number in range(100))])
    machine.run("reg", "add", *SEARCH_PATH, "/t", "REG_EXPAND_SZ", "/d", before, "/f")
    for _ in range(2):
        machine.run(str(setup), "/S")
        if search_path(machine) != f"{before};{ours}":
            raise Failed(f"the search path was {before} and is {search_path(machine)}")
        if not (place / "aam-backup.exe").is_file():
            raise Failed("nothing was installed")
    is_a_program_of_windows((place / "aam-backup.exe").read_bytes())
    holds((place / "completions.ps1").read_text(), "Register-ArgumentCompleter", "'aam-backup;schedule;install'")
    setup_sum = hashlib.sha256(setup.read_bytes()).hexdigest()
    holds((packages / "winget-AAM.AutoBackup.installer.yaml").read_text(), setup.name, setup_sum.upper())
    zipped = next(packages.glob("*-windows.zip"))
    with zipfile.ZipFile(zipped) as files:
        inside = files.read(next(name for name in files.namelist() if name.endswith("/aam-backup.exe")))
    if inside != (place / "aam-backup.exe").read_bytes():
        raise Failed("the zip holds another program")
    zip_sum = hashlib.sha256(zipped.read_bytes()).hexdigest()
    holds((packages / "scoop-aam-backup.json").read_text(), zip_sum)
    holds((packages / "SHA256SUMS").read_text(), setup_sum, zip_sum, "scoop-aam-backup.json")
    # Somebody's own file.
    (place / "notes.txt").write_text("mine")
    program = ours + r"\aam-backup.exe"
    machine.environment["AAM_MOCK_VSS_JOURNAL"] = r"C:\Profiles\journal"
    # By ShadowSpawn, then by the program itself.
    for number, profile in enumerate([PROFILE, PROFILE.replace("  program: shadowspawn\n", "")]):
        (DRIVE / "Profiles/nightly.yaml").write_text(profile)
        machine.write(f"Pictures/new {number}.jpg", "new")
        machine.run(program, "run", r"C:\Profiles\nightly.yaml")
        same("the mirror", selected(), machine.mirror())
        back = rf"C:\Restored\{number}"
        machine.run(program, "restore", r"C:\Profiles\nightly.yaml", "--to", back)
        wanted = {name: text for name, text in selected().items() if text is not None}
        found = {name: text for name, text in tree(DRIVE / f"Restored/{number}/1").items() if text is not None}
        same(f"what was restored in {back}", wanted, found)
        if (DRIVE / "Profiles/journal").exists() != bool(number):
            raise Failed("the shadow copy was made by something else")
    profile = DRIVE / "ProgramData/AAM Auto Backup/profiles/mine.yaml"
    profile.parent.mkdir(parents=True, exist_ok=True)
    profile.write_text(PROFILE)
    # Without the last word it copies itself, and goes on in the background.
    machine.run(ours + r"\uninstall.exe", "/S", "_?=" + ours)
    left = sorted(entry.name for entry in place.iterdir())
    if left != ["notes.txt"] or not profile.is_file():
        raise Failed(f"what is left: {left}")
    if search_path(machine) != before:
        raise Failed(f"the search path was {before} and is {search_path(machine)}")
    machine.run("reg", "add", *SEARCH_PATH, "/t", "REG_EXPAND_SZ", "/d", usual, "/f")
    shutil.rmtree(place)


def letter_in_use(machine):
    # Also one that leads to an empty directory.
    LETTER.symlink_to(LAB / "q.empty")
    holds(machine.backup("run", r"C:\Profiles\nightly.yaml", expect=1), "'Q:\\' is in use")
    holds(machine.backup("doctor", r"C:\Profiles\nightly.yaml", expect=None), "'Q:\\' is in use")
    LETTER.unlink()


def the_console_keeps_its_code_page(machine):
    """Batch files of a run set another one; on a terminal, which Wine takes for a console."""
    program = "Z:" + str(LAB / "bin/aam-backup.exe").replace("/", "\\")
    lines = ["@chcp 850 >nul", rf"@{program} run C:\Profiles\nightly.yaml >nul 2>nul", "@echo ended with %ERRORLEVEL%", "@chcp"]
    (DRIVE / "Profiles/console.bat").write_text("\r\n".join([*lines, ""]))
    ours, theirs = pty.openpty()
    command = ["wine", "cmd", "/c", r"C:\Profiles\console.bat"]
    environment = machine.variables() | {"TERM": "xterm"}
    child = subprocess.Popen(command, cwd=DRIVE, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    said = b""
    started = time.monotonic()
    while time.monotonic() - started < LIMIT:
        try:
            if select.select([ours], [], [], 1)[0]:
                said += os.read(ours, 4096)
            elif child.poll() is not None:
                break
        except OSError:
            break  # the other end is closed
    child.wait(timeout=30)
    os.close(ours)
    holds(said.decode(errors="replace"), "ended with 0", "code page: 850")


def shortcuts_run_as_administrator(machine):
    """Read back byte by byte as [MS-SHLLINK] has them, and started."""
    place = DRIVE / "Out/desk & top"
    said = machine.backup("shortcuts", r"C:\Profiles\nightly.yaml", "--to", r"C:\Out\desk & top")
    batches = sorted(file.stem for file in place.glob("*.bat"))
    links = sorted(file.stem for file in place.glob("*.lnk"))
    if len(batches) != 5 or links != sorted(f"{name} as administrator" for name in batches):
        raise Failed(f"{batches} {links}")
    for name in batches:
        link = (place / f"{name} as administrator.lnk").read_bytes()
        size, flags = struct.unpack_from("<I16xI", link)
        # Run as administrator, with a list of where it leads, in Unicode.
        if size != 0x4C or flags & 0x2081 != 0x2081:
            raise Failed(f"{name}: header of {size} bytes, flags {flags:#x}")
        for text in [f"{name}.bat", r"C:\Out\desk & top"]:
            if text.encode("utf-16-le") not in link:
                raise Failed(f"{name}: {text} is not in {link}")
        holds(said, f"{name} as administrator.lnk")
    machine.run("cmd", "/c", "start", "/wait", "", r"C:\Out\desk & top\Full backup (nightly) as administrator.lnk")
    same("the mirror", selected(), machine.mirror())
    if sum("_yes_" in name for name in machine.store()) != 1:
        raise Failed(f"the store holds {machine.store()}")
    # On another computer they would lead nowhere.
    shutil.rmtree(place)
    machine.backup("shortcuts", r"C:\Profiles\nightly.yaml", "--to", r"C:\Out\desk & top", "--program", r"D:\aam-backup.exe")
    if list(place.glob("*.lnk")):
        raise Failed("shortcuts for another computer")


def a_trial_finds_a_snapshot_that_is_none(machine):
    """Under Wine the snapshot is the source itself, so what another program has open cannot be read: all else can."""
    (DRIVE / "Profiles/nightly.yaml").write_text(PROFILE.replace("  program: shadowspawn\n", ""))
    said = machine.backup("doctor", r"C:\Profiles\nightly.yaml", "--try", expect=1)
    holds(said, "the trial failed", "open in another program.txt' is not backed up", "0 differ, 1 could not be read")
    left = list((DRIVE / "ProgramData/AAM Auto Backup").glob("trial-*"))
    if left:
        raise Failed(f"what is left: {left}")


def a_trial_comes_to_its_end(machine):
    """With a snapshot that is one: of what another program has open, too."""
    (DRIVE / "Profiles/nightly.yaml").write_text(PROFILE.replace("  program: shadowspawn\n", ""))
    machine.environment["AAM_STANDIN_LIVE"] += f"|{LAB}/q.copy"
    # Robocopy takes names that end in a dot or a space as they are, or Windows cuts their ends off.
    no_cloud, cloud = "no file can be marked as being in the cloud", "a file in the cloud is left out and named"
    for variables, in_cloud, in_mirror in [
        ({"AAM_LAB_ATTRIBUTES": "in the cloud only.txt=0x1000"}, cloud, "are not in the mirror, and named"),
        ({"AAM_STANDIN_EXACT": "1"}, no_cloud, "are in the mirror"),
    ]:
        environment, machine.environment = machine.environment, machine.environment | variables
        said = machine.backup("doctor", r"C:\Profiles\nightly.yaml", "--try", expect=None)
        machine.environment = environment
        holds(said, "ok       trial: 12 files were backed up and restored in ", ": windows x86_64, aam-backup ")
        odd, root = f"names that end in a dot or a space {in_mirror}", "the root of a drive is backed up and restored"
        holds(said, f", own shadow copy; {in_cloud}; {odd}; {root}\n")
        left = list((DRIVE / "ProgramData/AAM Auto Backup").glob("trial-*"))
        if left:
            raise Failed(f"what is left: {left}")


def what_a_trial_says_can_be_shown_to_others(machine):
    tools = DRIVE / "users/allen-private/tools"
    shutil.rmtree(tools.parent, ignore_errors=True)
    shutil.copytree(DRIVE / "Program Files/7-Zip", tools)
    text = PROFILE.replace("  program: shadowspawn\n", "").replace("Program Files\\7-Zip", r"users\allen-private\tools")
    (DRIVE / "Profiles/nightly.yaml").write_text(text)
    machine.environment |= {"AAM_MOCK_VSS": "DoSnapshotSet=0x80042306", "USERNAME": "allen-private"}
    said = machine.backup("doctor", r"C:\Profiles\nightly.yaml", "--try", expect=1)
    trial = said[said.index("problem  trial: ") :]
    holds(trial, "0x80042306", "TRIAL")
    for private in ["allen-private", r"C:\Data", "nightly", "Documents"]:
        if private in trial:
            raise Failed(f"{private} is in\n{trial}")
    shutil.rmtree(tools.parent)


def a_file_that_cannot_be_copied_fails_the_run(machine):
    machine.environment["AAM_STANDIN_DENY"] = "cat.jpg"
    holds(machine.backup("run", r"C:\Profiles\nightly.yaml", expect=1), "cat.jpg")


SCENARIOS = [
    check_of_the_example,
    one_snapshot_failure_is_tried_again,
    no_snapshot_no_backup,
    secrets_stay_secret,
    more_exclusions_than_a_line_holds,
    a_snapshot_is_a_copy,
    without_shadowspawn,
    the_shadow_copies_of_all_mounts_are_of_one_moment,
    a_mount_that_the_console_has_no_letters_for,
    the_copy_of_a_drive_can_be_seen,
    what_is_installed_works,
    letter_in_use,
    the_console_keeps_its_code_page,
    shortcuts_run_as_administrator,
    a_trial_finds_a_snapshot_that_is_none,
    a_trial_comes_to_its_end,
    what_a_trial_says_can_be_shown_to_others,
    a_file_that_cannot_be_copied_fails_the_run,
]


def main():
    words = sys.argv[1:]
    failed = 0
    for scenario in SCENARIOS:
        name = scenario.__name__
        if words and not any(word in name for word in words):
            continue
        try:
            scenario(Machine())
            print(f"ok      {name}", flush=True)
        except Failed as why:
            failed += 1
            print(f"FAILED  {name}\n{why}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
