//! Makes broken inputs from whole ones: byte by byte, line by line, and with words that the reader knows.

/// SplitMix64: the same numbers for the same seed everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Numbers that depend on these bytes alone, for choices that a check makes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        // FNV-1a.
        Self(
            bytes
                .iter()
                .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)),
        )
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 where there is none.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap()
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// What is odd in any text: line ends, marks, direction and width, ends of ranges of numbers, bytes that are no UTF-8.
const ODD: &[&[u8]] = &[
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"\0",
    b"\t",
    b" ",
    b"\x1b[31m",
    b"\x7f",
    b"\xc2\x85",
    b"\xe2\x80\xa8",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
    b"\xe2\x80\x8b",
    b"\xc2\xa0",
    b"\xf0\x9f\x9a\x80",
    b"\xcc\x81",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"0",
    b"-1",
    b"-0",
    b"1e999",
    b"4294967296",
    b"18446744073709551616",
    b"00",
    b"1.7976931348623157e308",
    b"NaN",
    b"\xd9\xa3",
    b"\"",
    b"\\",
    b"'",
    b"`",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"=",
    b"#",
    b"*",
    b"|",
];

/// What an input may grow to, bytes, and what one in a hundred may.
pub(crate) const LARGE: usize = 2 * 1024;
const HUGE: usize = 64 * 1024;

/// Changes an input in one to eight ways. `other` is another one to take parts from.
pub(crate) fn mutate(random: &mut Random, input: &mut Vec<u8>, other: &[u8], tokens: &[&str]) {
    let most = if random.below(100) == 0 { HUGE } else { LARGE.max(input.len()) };
    for _ in 0..=random.next().trailing_zeros().min(7) {
        step(random, input, other, tokens);
        input.truncate(most);
    }
}

fn step(random: &mut Random, input: &mut Vec<u8>, other: &[u8], tokens: &[&str]) {
    let at = random.below(input.len() + 1);
    match random.below(18) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        1 => insert(input, at, &[u8::try_from(random.below(256)).unwrap()]),
        2 | 3 => insert(input, at, random.pick(ODD)),
        4 | 5 => insert(input, at, random.pick(tokens).as_bytes()),
        // Over what is there, which keeps brackets and quotes more often in pairs.
        6 => {
            let token = random.pick(tokens).as_bytes();
            let end = (at + token.len()).min(input.len());
            drop(input.splice(at..end, token.iter().copied()));
        }
        7 => input.truncate(at),
        8 => {
            let end = (at + random.below(64)).min(input.len());
            drop(input.drain(at..end));
        }
        9 => {
            let end = (at + random.below(128)).min(input.len());
            let part = input[at..end].to_vec();
            insert(input, random.below(input.len() + 1), &part);
        }
        10 => {
            let part = random.pick(tokens).repeat(1 + random.below(300));
            insert(input, at, part.as_bytes());
        }
        11 => {
            let from = random.below(other.len() + 1);
            let end = (from + random.below(512)).min(other.len());
            insert(input, at, &other[from..end]);
        }
        12 => {
            input.truncate(at);
            input.extend_from_slice(&other[random.below(other.len() + 1)..]);
        }
        13..15 => lines(random, input),
        _ => parts(random, input, other),
    }
}

/// Doubles, swaps or drops whole lines.
fn lines(random: &mut Random, input: &mut Vec<u8>) {
    let mut lines: Vec<&[u8]> = input.split_inclusive(|byte| *byte == b'\n').collect();
    if lines.is_empty() {
        return;
    }
    let (one, two) = (random.below(lines.len()), random.below(lines.len()));
    match random.below(3) {
        0 => lines.insert(two, lines[one]),
        1 => lines.swap(one, two),
        _ => drop(lines.remove(one)),
    }
    *input = lines.concat();
}

/// Puts a part between brackets or quotes in the place of another, which keeps what has such parts whole.
fn parts(random: &mut Random, input: &mut Vec<u8>, other: &[u8]) {
    let from = if random.below(4) == 0 { other } else { &input[..] };
    let (Some(one), Some(two)) = (part(random, from), part(random, input)) else { return };
    let one = from[one].to_vec();
    let two = if random.below(4) == 0 { two.end..two.end } else { two };
    drop(input.splice(two, one));
}

/// A part that begins with a bracket or a quote, up to the one that closes it.
fn part(random: &mut Random, text: &[u8]) -> Option<std::ops::Range<usize>> {
    let begins = |byte: &u8| matches!(byte, b'{' | b'[' | b'"' | b'(');
    let at = random.below(text.len() + 1);
    let start = at + text[at..].iter().position(begins)?;
    let close = match text[start] {
        b'{' => b'}',
        b'[' => b']',
        b'(' => b')',
        quote => quote,
    };
    let mut depth = 0_usize;
    for (offset, byte) in text[start..].iter().enumerate() {
        if *byte == close && (depth == 1 || (close == b'"' && offset > 0)) {
            return Some(start..start + offset + 1);
        }
        depth += usize::from(*byte == text[start]);
        depth -= usize::from(*byte == close && close != b'"');
    }
    None
}

fn insert(input: &mut Vec<u8>, at: usize, part: &[u8]) {
    drop(input.splice(at..at, part.iter().copied()));
}
