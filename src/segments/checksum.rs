//! XXH32 (Yann Collet's xxHash, the 32-bit variant), as `js/stores/checksum.ts`: what JavaScript writes beside a directory.

const P1: u32 = 0x9e37_79b1;
const P2: u32 = 0x85eb_ca77;
const P3: u32 = 0xc2b2_ae3d;
const P4: u32 = 0x27d4_eb2f;
const P5: u32 = 0x1656_67b1;

/// The checksum of `bytes`, with the seed 0.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    let (stripes, rest) = bytes.as_chunks::<16>();
    let mut hash = if stripes.is_empty() {
        P5
    } else {
        let mut lanes = [P1.wrapping_add(P2), P2, 0, 0u32.wrapping_sub(P1)];
        for stripe in stripes {
            let (words, _) = stripe.as_chunks::<4>();
            for (lane, &word) in lanes.iter_mut().zip(words) {
                let input = u32::from_le_bytes(word).wrapping_mul(P2);
                *lane = lane.wrapping_add(input).rotate_left(13).wrapping_mul(P1);
            }
        }
        let [a, b, c, d] = lanes;
        let low = a.rotate_left(1).wrapping_add(b.rotate_left(7));
        low.wrapping_add(c.rotate_left(12)).wrapping_add(d.rotate_left(18))
    };
    hash = hash.wrapping_add(bytes.len() as u32);
    let (words, rest) = rest.as_chunks::<4>();
    for &word in words {
        hash = hash.wrapping_add(u32::from_le_bytes(word).wrapping_mul(P3)).rotate_left(17).wrapping_mul(P4);
    }
    for &byte in rest {
        hash = hash.wrapping_add(u32::from(byte).wrapping_mul(P5)).rotate_left(11).wrapping_mul(P1);
    }
    hash = (hash ^ hash >> 15).wrapping_mul(P2);
    hash = (hash ^ hash >> 13).wrapping_mul(P3);
    hash ^ hash >> 16
}

#[cfg(test)]
mod tests {
    use super::checksum;

    #[test]
    fn gives_what_others_give() {
        let texts = ["", "a", "abc", "Nobody inspects the spammish repetition"];
        assert_eq!(texts.map(|text| checksum(text.as_bytes())), [0x02cc_5d05, 0x550d_7456, 0x32d1_53ff, 0xe229_3b2f]);
    }
}
