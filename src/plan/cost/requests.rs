//! How an object is split for a multipart upload, and how many requests that takes.

/// 1 MiB.
pub const MEBIBYTE: u64 = 1024 * 1024;

/// Up to this size an object is sent in one request; parts of larger ones are at least as large. S3
/// accepts parts from 5 MiB on. Larger ones need fewer requests, which cost money. A part of this
/// size is sent again within seconds if a request fails.
pub const SMALLEST_PART: u64 = 16 * MEBIBYTE;

/// The most parts of one object that S3 allows.
pub const MOST_PARTS: u64 = 10_000;

/// Large enough for a file in ten thousand parts; whole mebibytes, which some servers require.
pub fn part_size(size: u64) -> u64 {
    size.div_ceil(MOST_PARTS)
        .max(SMALLEST_PART)
        .next_multiple_of(MEBIBYTE)
}

/// How many requests an upload of this size takes besides the one that makes the object: to
/// begin it, one for each part, and to see that it is whole.
pub fn more_requests(size: u64) -> u64 {
    if size <= SMALLEST_PART {
        0
    } else {
        size.div_ceil(part_size(size)) + 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_parts_hold_any_file() {
        for (size, expected) in [
            (1, 16 * MEBIBYTE),
            (16 * MEBIBYTE * MOST_PARTS, 16 * MEBIBYTE),
            (16 * MEBIBYTE * MOST_PARTS + 1, 17 * MEBIBYTE),
            (5 * MEBIBYTE * MEBIBYTE, 525 * MEBIBYTE),
        ] {
            assert_eq!(part_size(size), expected, "{size}");
            assert!(part_size(size) * MOST_PARTS >= size, "{size}");
        }
        let requests = [0, 16 * MEBIBYTE, 16 * MEBIBYTE + 1, 4_000_000_000].map(more_requests);
        assert_eq!(requests, [0, 0, 4, 241]);
    }
}
