//! What an executable of Windows is made for, from its header: shadow copies can be made only by a
//! program of the system's own bitness.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Why a program cannot make snapshots on this system, if that shows in its header.
pub(super) fn wrong_bitness(program: &Path) -> Option<String> {
    let mut file = File::open(program).ok()?;
    // Of a program that Windows runs in disguise, the second is the disguise.
    let system = ["PROCESSOR_ARCHITEW6432", "PROCESSOR_ARCHITECTURE"]
        .into_iter()
        .find_map(std::env::var_os)?;
    mismatch(machine(&mut file)?, system.to_str()?)
}

fn mismatch(machine: u16, system: &str) -> Option<String> {
    let made_for = match machine {
        0x014c => "x86",
        0x8664 => "AMD64",
        0xaa64 => "ARM64",
        _ => return None,
    };
    let bits = |architecture: &str| {
        if architecture.eq_ignore_ascii_case("x86") {
            32
        } else {
            64
        }
    };
    let (has, needs) = (bits(made_for), bits(system));
    (has != needs).then(|| format!("is a {has}-bit program, and this Windows has {needs} bits"))
}

/// The machine field of a portable executable; `None` when it is none, or one of .NET, which may be
/// compiled for any machine whatever the field says.
fn machine(file: &mut (impl Read + Seek)) -> Option<u16> {
    let mut head = [0; 64];
    file.read_exact(&mut head).ok()?;
    let at = u32::from_le_bytes(head[60..64].try_into().ok()?);
    let mut header = Vec::new();
    file.seek(SeekFrom::Start(at.into())).ok()?;
    file.take(LONGEST_HEADER).read_to_end(&mut header).ok()?;
    let is_executable = head.starts_with(b"MZ") && header.starts_with(b"PE\0\0");
    let machine = header.get(4..6)?.try_into().ok()?;
    (is_executable && !is_dot_net(&header)).then(|| u16::from_le_bytes(machine))
}

/// Signature, file header, optional header and the table of directories.
const LONGEST_HEADER: u64 = 24 + 112 + 16 * 8;

/// Whether the fifteenth directory, the header of .NET, is there.
fn is_dot_net(header: &[u8]) -> bool {
    let directories = match header.get(24..26) {
        Some([0x0b, 0x01]) => 24 + 96,
        Some([0x0b, 0x02]) => 24 + 112,
        _ => return false,
    };
    let entry = directories + 14 * 8;
    header.get(entry..entry + 4).is_some_and(|at| at != [0; 4])
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn executable(of: u16) -> Vec<u8> {
        let mut bytes = vec![0; 0x80];
        bytes[..2].copy_from_slice(b"MZ");
        bytes[60] = 0x80;
        bytes.extend(b"PE\0\0");
        bytes.extend(of.to_le_bytes());
        bytes
    }

    #[test]
    fn a_snapshot_program_has_the_bitness_of_the_system() {
        for (of, system, fits) in [
            (0x014c, "AMD64", false),
            (0x8664, "AMD64", true),
            (0x014c, "x86", true),
            (0x8664, "x86", false),
            (0xaa64, "ARM64", true),
            (0x014c, "ARM64", false),
            (0x1234, "AMD64", true),
        ] {
            let found = machine(&mut Cursor::new(executable(of)));
            assert_eq!(found, Some(of));
            assert_eq!(mismatch(of, system).is_none(), fits, "{of:x} on {system}");
        }
        assert_eq!(
            machine(&mut Cursor::new(b"#!/bin/sh\nexec something\n".repeat(9))),
            None
        );
        assert_eq!(machine(&mut Cursor::new(&executable(0x8664)[..0x82])), None);
        // Of .NET: compiled for any machine.
        for (magic, directories) in [(0x010b_u16, 96), (0x020b, 112)] {
            let mut bytes = executable(0x014c);
            bytes.resize(0x80 + 24 + directories + 16 * 8, 0);
            bytes[0x80 + 24..0x80 + 26].copy_from_slice(&magic.to_le_bytes());
            assert_eq!(machine(&mut Cursor::new(&bytes)), Some(0x014c));
            bytes[0x80 + 24 + directories + 14 * 8] = 8;
            assert_eq!(machine(&mut Cursor::new(&bytes)), None);
        }
    }
}
