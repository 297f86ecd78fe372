//! `hit-ratio POLICY SEED ENTRIES...`: replays the trace on standard input (unsigned 32-bit little-endian key ids) through the
//! cache machine once for each number of entries, and prints the number of hits of each.
//!
//! Every access is a read that loads on a miss. The machine is driven as the TypeScript side drives it: a log that
//! crosses when it is full and before victims are asked for, and victims in batches, of which those are passed over that
//! the log has named since (`js/core/cache-core.ts`).

use shelflife::cache::{Cache, Config, Op, OpKind, Policy};
use shelflife::rng::Rng;
use shelflife::time::Instant;
use std::io::{Error, Read, Result, Write};

const FIRST_LOG_WORDS: usize = 64;
const MOST_LOG_WORDS: usize = 4096;
const MOST_VICTIMS: u32 = 256;
const NOBODY: u32 = u32::MAX;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let policy = match args.next().as_deref() {
        Some("lru") => Policy::Lru,
        Some("s3fifo") => Policy::S3Fifo,
        Some("tinylfu") => Policy::TinyLfu,
        Some("auto") => Policy::Auto,
        other => return Err(Error::other(format!("a policy is needed, not {other:?}"))),
    };
    let seed: u64 = args.next().unwrap_or_default().parse().map_err(Error::other)?;
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let (words, _) = bytes.as_chunks::<4>();
    let trace: Vec<u32> = words.iter().map(|word| u32::from_le_bytes(*word)).collect();
    for entries in args {
        let entries: u32 = entries.parse().map_err(Error::other)?;
        let mut host = Host::new(policy, entries, seed);
        let hits = trace.iter().filter(|&&key| host.get_or_load(key)).count();
        writeln!(std::io::stdout(), "{hits}")?;
    }
    Ok(())
}

/// What `js/cache/memory-cache.ts` and `js/core/cache-core.ts` do, for keys that are small numbers.
struct Host {
    core: Cache,
    seed: u64,
    max: u32,
    slots: Vec<u32>,
    keys: Vec<u32>,
    log: Vec<u32>,
    log_words: usize,
    victims: std::vec::IntoIter<u32>,
    /// By slot, the batch of victims since which it was named in the log.
    named_since: Vec<u32>,
    batch: u32,
}

impl Host {
    fn new(policy: Policy, max: u32, seed: u64) -> Self {
        let core = Cache::new(Config { policy, expected: max, seed }, Instant::ZERO);
        Self {
            core,
            seed,
            max,
            slots: Vec::new(),
            keys: Vec::new(),
            log: Vec::new(),
            log_words: FIRST_LOG_WORDS,
            victims: Vec::new().into_iter(),
            named_since: Vec::new(),
            batch: 1,
        }
    }

    fn get_or_load(&mut self, key: u32) -> bool {
        if self.slots.len() <= key as usize {
            self.slots.resize(key as usize + 1, NOBODY);
        }
        let slot = self.slots[key as usize];
        if slot != NOBODY {
            self.append(Op { slot, kind: OpKind::Touch });
            return true;
        }
        let slot = if self.keys.len() < self.max as usize {
            self.keys.push(key);
            self.named_since.push(0);
            self.keys.len() as u32 - 1
        } else {
            let slot = self.victim();
            let gone = std::mem::replace(&mut self.keys[slot as usize], key);
            self.slots[gone as usize] = NOBODY;
            slot
        };
        self.slots[key as usize] = slot;
        self.append(Op { slot, kind: OpKind::Admit { expires_at: Instant::NEVER, hash: self.hash(key) } });
        false
    }

    fn append(&mut self, op: Op) {
        self.named_since[op.slot as usize] = self.batch;
        op.encode(Instant::ZERO, &mut self.log);
        if self.log.len() > self.log_words - 3 {
            self.drain();
            self.log_words = (self.log_words * 4).min(MOST_LOG_WORDS);
        }
    }

    fn drain(&mut self) {
        self.core.replay(&self.log, Instant::ZERO);
        self.log.clear();
        self.victims = Vec::new().into_iter();
        self.batch += 1;
    }

    fn victim(&mut self) -> u32 {
        loop {
            for slot in self.victims.by_ref() {
                if self.named_since[slot as usize] != self.batch {
                    return slot;
                }
            }
            self.drain();
            self.victims = self.core.victims(MOST_VICTIMS).into_iter();
        }
    }

    /// Stands for the seeded hash of a key.
    fn hash(&self, key: u32) -> u32 {
        (Rng::new(self.seed << 32 | u64::from(key)).bits() >> 32) as u32
    }
}
