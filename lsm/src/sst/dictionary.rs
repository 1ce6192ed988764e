//! What the blocks of a table have in common, so that small blocks compress as well as large ones.
//!
//! Small blocks are what makes a cold read cheap, but rows of a small block find few others to be like. A dictionary is
//! a few KiB of the table's first rows; it stays in memory with the open table.

use super::compress::Compressor;

/// Bytes of data blocks that are enough to choose a dictionary from.
pub(super) const SAMPLE_BYTES_MAX: usize = 128 << 10;

/// A dictionary is this part of the sample: 8 KiB at most.
const SAMPLE_PER_DICTIONARY: usize = 16;
/// A dictionary is made of pieces of at least this: shorter ones would cut rows.
const PIECE_BYTES: usize = 512;
/// Blocks that are compressed with and without it.
const TRIALS: usize = 8;

/// A dictionary for a table that begins with these blocks, where that saves 2 % of the plain bytes at least. Leaves
/// the compressor without one.
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
    let step = others.len().div_ceil(TRIALS);
    let mut measure = || others.iter().step_by(step).map(|block| compressor.measure(block)).sum::<usize>();
    let without = measure();
    compressor.set_dictionary(dictionary.clone());
    let with = others.iter().step_by(step).map(|block| compressor.measure(block)).sum::<usize>();
    compressor.set_dictionary(Vec::new());
    let plain = others.iter().step_by(step).map(|block| block.len()).sum::<usize>();
    (with + plain / 50 <= without).then_some(dictionary)
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
