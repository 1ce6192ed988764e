//! What the blocks of a table have in common, so that small blocks compress as well as large ones.
//!
//! Small blocks are what makes a cold read cheap, but rows of a small block find few others to be like. A dictionary is
//! a few KiB of the table's first rows; it stays in memory with the open table.

use super::compress::Compressor;
use crate::options::Compression;

/// Bytes of data blocks that are enough to choose a dictionary from.
pub(super) const SAMPLE_BYTES_MAX: usize = 128 << 10;

/// A dictionary is this part of the sample: 8 KiB at most.
const SAMPLE_PER_DICTIONARY: usize = 16;
/// A dictionary is made of pieces of at least this: shorter ones would cut rows.
const PIECE_BYTES: usize = 512;
/// Blocks that are compressed with and without it.
const TRIALS: usize = 8;
/// Where zstd saves less than this part of what lz4 stores, lz4 does.
const LZ4_SHARE: usize = 20;

/// A dictionary for a table that begins with these blocks, where that saves 2 % of the plain bytes at least. Leaves
/// the compressor without one, and without zstd where that finds hardly more than lz4, which takes a third of its CPU.
pub(super) fn choose(blocks: &[&[u8]], compressor: &mut Compressor) -> Option<Vec<u8>> {
    let bytes: usize = blocks.iter().map(|block| block.len()).sum();
    if blocks.len() < 4 {
        return None;
    }
    let dictionary_bytes = bytes.min(SAMPLE_BYTES_MAX) / SAMPLE_PER_DICTIONARY;
    // Every other block gives a piece, and the rest shows what it is worth.
    let givers = blocks.len().div_ceil(2).min((dictionary_bytes / PIECE_BYTES).max(1));
    let piece_bytes = dictionary_bytes / givers;
    let mut dictionary = Vec::with_capacity(dictionary_bytes);
    for giver in 0..givers {
        let block = blocks.get(giver * blocks.len() / givers / 2 * 2)?;
        let from = (block.len() / 2).min(block.len().saturating_sub(piece_bytes));
        dictionary.extend(block.iter().skip(from).take(piece_bytes));
    }
    let others: Vec<&[u8]> = blocks.iter().skip(1).step_by(2).copied().collect();
    let trials = || others.iter().step_by(others.len().div_ceil(TRIALS));
    let stored = |compressor: &mut Compressor| trials().map(|block| compressor.measure(block)).sum::<usize>();
    let plain = trials().map(|block| block.len()).sum::<usize>();
    compressor.set_dictionary(dictionary.clone());
    let with = stored(compressor);
    compressor.set_dictionary(Vec::new());
    let quick = compressor.has_zstd().then(|| Compressor::new(Compression::Lz4)).flatten();
    if quick.is_some_and(|mut quick| stored(&mut quick) * LZ4_SHARE <= with * (LZ4_SHARE + 1)) {
        compressor.leave_zstd();
        return None;
    }
    (with + plain / 50 <= stored(compressor)).then_some(dictionary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Compression;
    use aurora_env::sim::SimRng;

    fn blocks(mut row: impl FnMut(&mut SimRng) -> Vec<u8>) -> Vec<Vec<u8>> {
        let mut rng = SimRng::new(4);
        let mut block = || {
            let mut block = Vec::new();
            while block.len() < 4096 {
                block.extend(row(&mut rng));
            }
            block
        };
        (0..33).map(|_| block()).collect()
    }

    fn chosen(blocks: &[Vec<u8>]) -> Option<Vec<u8>> {
        let blocks: Vec<&[u8]> = blocks.iter().map(Vec::as_slice).collect();
        choose(&blocks, &mut Compressor::new(Compression::Lz4).unwrap())
    }

    #[test]
    fn zstd_stays_where_it_saves_more_than_lz4_does() {
        let left = |blocks: &[Vec<u8>]| {
            let blocks: Vec<&[u8]> = blocks.iter().map(Vec::as_slice).collect();
            let mut compressor = Compressor::new(Compression::Zstd).unwrap();
            choose(&blocks, &mut compressor);
            !compressor.has_zstd()
        };
        let digits = blocks(|rng| format!("{:020}", rng.next_u64()).into_bytes());
        assert!(!left(&digits));
        // All that repeats, repeats in long pieces.
        let pieces = blocks(|rng| {
            let piece: Vec<u8> = (0..120).map(|_| rng.next_u64() as u8).collect();
            piece.repeat(2)
        });
        assert!(left(&pieces));
        assert!(left(&blocks(|rng| rng.next_u64().to_le_bytes().to_vec())), "noise");
    }

    #[test]
    fn words_that_all_blocks_use_make_one_and_noise_makes_none() {
        let words: Vec<String> =
            (0..400u64).map(|n| format!("{:x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
        let prose = blocks(|rng| words[rng.next_u64() as usize % words.len()].clone().into_bytes());
        assert!(chosen(&prose).is_some_and(|dictionary| dictionary.len() == 8 << 10));
        let noise = blocks(|rng| rng.next_u64().to_le_bytes().to_vec());
        assert_eq!(chosen(&noise), None);
        // As good without.
        assert_eq!(chosen(&vec![b"the same row ".repeat(400); 33]), None);
        // Blocks of one huge row each.
        assert!(chosen(&vec![prose.concat(); 4]).is_none_or(|dictionary| dictionary.len() <= 8 << 10));
    }
}
