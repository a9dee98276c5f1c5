//! Feeds a target: seeds first, then what becomes of them. Without knowledge of the branches that an input takes, what
//! a target says of its outcome stands in for it: an input with an outcome that is new joins those that others are
//! made from.

use std::{
    cell::Cell,
    collections::HashSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Once,
};

use crate::mutate::{LARGE, Random, mutate};

/// Something that reads what others wrote.
pub(crate) struct Target {
    /// Its name, which is that of its folder of seeds.
    pub(crate) name: &'static str,
    /// Files of the project that are seeds, too.
    pub(crate) more: &'static [&'static str],
    /// Words that it knows.
    pub(crate) tokens: &'static [&'static str],
    /// How many inputs `cargo test` tries.
    pub(crate) cases: usize,
    /// Reads an input and panics where something is wrong. What it returns is equal for like outcomes.
    pub(crate) check: fn(&[u8]) -> u64,
    /// Reads an input and no more, for measuring how long that takes.
    pub(crate) read: fn(&[u8]),
    /// What stands before and behind a thing that is there over and over, so that it is read at all.
    pub(crate) frame: (&'static str, &'static str),
}

/// The most inputs that others are made from.
const LARGEST_POOL: usize = 4_000;
/// How often a failing input is tried while it is made smaller.
const SHRINKING: usize = 4_000;

impl Target {
    /// Tries seeds and broken inputs; panics with the path of the first that fails.
    pub(crate) fn run(&self) {
        let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
        let cases = number("PLANWAVE_FUZZ_CASES").map_or(self.cases, |cases| usize::try_from(cases).unwrap());
        let seed = number("PLANWAVE_FUZZ_SEED").unwrap_or(1);
        let mut random = Random::new(seed ^ Random::of(self.name.as_bytes()).next());
        let mut pool = self.seeds();
        let mut known = HashSet::new();
        for input in &pool {
            known.insert(self.attempt(input, seed, 0));
        }
        for case in 1..=cases {
            let mut input = pool[random.below(pool.len())].clone();
            let other = random.below(pool.len());
            mutate(&mut random, &mut input, &pool[other], self.tokens);
            let outcome = self.attempt(&input, seed, case);
            if input.len() <= LARGE && pool.len() < LARGEST_POOL && known.insert(outcome) {
                pool.push(input);
            }
        }
        println!("{}: {cases} cases of seed {seed}, {} kinds of outcome, nothing failed", self.name, known.len());
    }

    /// The seeds, by name.
    fn seeds(&self) -> Vec<Vec<u8>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let entries = fs::read_dir(root.join("tests/fuzz/seeds").join(self.name)).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.extend(self.more.iter().map(|path| root.join(path)));
        paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
    }

    fn attempt(&self, input: &[u8], seed: u64, case: usize) -> u64 {
        match quietly(|| (self.check)(input)) {
            Ok(outcome) => outcome,
            Err(said) => {
                let path = self.save(&self.shrink(input.to_vec()));
                panic!("{}: case {case} of seed {seed} fails; its input is in {}\n{said}", self.name, path.display());
            }
        }
    }

    /// A smaller input that fails, too.
    fn shrink(&self, mut input: Vec<u8>) -> Vec<u8> {
        let (mut length, mut tries) = (input.len().div_ceil(2), 0);
        while length > 0 && tries < SHRINKING {
            let mut at = 0;
            while at < input.len() && tries < SHRINKING {
                let mut smaller = input.clone();
                drop(smaller.drain(at..(at + length).min(input.len())));
                tries += 1;
                if quietly(|| (self.check)(&smaller)).is_err() { input = smaller } else { at += length }
            }
            length /= 2;
        }
        input
    }

    fn save(&self, input: &[u8]) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz").join(self.name);
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{:016x}", Random::of(input).next()));
        fs::write(&path, input).unwrap();
        path
    }
}

/// Runs a check; the error is what its panic says.
fn quietly(check: impl FnOnce() -> u64) -> Result<u64, String> {
    static HOOK: Once = Once::new();
    thread_local! {
        static SAID: Cell<Option<String>> = const { Cell::new(None) };
        static QUIET: Cell<bool> = const { Cell::new(false) };
    }
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(
            move |panic| {
                if QUIET.get() { SAID.set(Some(panic.to_string())) } else { usual(panic) }
            },
        ));
    });
    QUIET.set(true);
    let result = catch_unwind(AssertUnwindSafe(check));
    QUIET.set(false);
    result.map_err(|_| SAID.take().unwrap_or_default())
}
