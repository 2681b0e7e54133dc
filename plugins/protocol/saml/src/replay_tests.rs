use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::*;

/// Shared memory as a proxy has it, with a worker that is faster a given number of times.
#[derive(Default)]
struct Memory {
    values: RefCell<BTreeMap<String, (Vec<u8>, u32)>>,
    faster: Cell<usize>,
    broken: bool,
    mute: bool,
}

impl SharedMemory for Memory {
    fn read(&self, name: &str) -> Result<Option<(Vec<u8>, u32)>, String> {
        if self.broken { Err("away".to_owned()) } else { Ok(self.values.borrow().get(name).cloned()) }
    }

    fn write(&self, name: &str, value: &[u8], version: Option<u32>) -> Result<bool, String> {
        let mut values = self.values.borrow_mut();
        let current = values.get(name).map(|(_, version)| *version);
        if self.faster.get() > 0 && name != KEY {
            self.faster.set(self.faster.get() - 1);
            return Ok(false);
        }
        if current != version {
            return Ok(false);
        }
        values.insert(name.to_owned(), (value.to_vec(), current.unwrap_or(0) + 1));
        Ok(true)
    }

    fn random(&self) -> Option<[u8; 32]> {
        let seed = u8::try_from(self.values.borrow().len()).unwrap();
        (!self.mute).then_some([seed.wrapping_add(7); 32])
    }
}

fn message(number: usize, until: u64, signed: bool) -> Once {
    Once { key: format!("_{number:08} https://sp.example"), until, signed }
}

fn code(verdict: Result<(), Refusal>) -> &'static str {
    verdict.map(|()| "accepted").unwrap_or_else(|refusal| refusal.code)
}

#[test]
fn a_message_is_remembered_until_it_ends() {
    let (memory, table) = (Memory::default(), ReplayTable::new(64));
    let one = message(1, 100, true);
    assert_eq!(code(table.remember(&one, 50, &memory)), "accepted");
    assert_eq!(code(table.remember(&one, 50, &memory)), "saml.request.replayed");
    assert_eq!(code(table.remember(&one, 100, &memory)), "saml.request.replayed");
    assert_eq!(code(table.remember(&message(2, 100, true), 50, &memory)), "accepted");
    assert_eq!(table.remember(&one, 50, &memory).unwrap_err().found, "_00000001");
    // After that it is stale, which is not this table's to say.
    assert_eq!(code(table.remember(&one, 101, &memory)), "accepted");
}

#[test]
fn a_message_does_not_come_back_as_the_other_kind() {
    for signed in [true, false] {
        let (memory, table) = (Memory::default(), ReplayTable::new(16_384));
        assert_eq!(code(table.remember(&message(1, 100, signed), 50, &memory)), "accepted");
        assert_eq!(code(table.remember(&message(1, 100, !signed), 50, &memory)), "saml.request.replayed");
    }
}

#[test]
fn workers_share_the_key_and_the_buckets() {
    let memory = Memory::default();
    let workers = [ReplayTable::new(16_384), ReplayTable::new(16_384)];
    for number in 0..200 {
        let message = message(number, 100, number % 2 == 0);
        let verdicts = workers.each_ref().map(|worker| code(worker.remember(&message, 50, &memory)));
        assert_eq!(verdicts, ["accepted", "saml.request.replayed"], "{number}");
    }
    // As after a reload: a table that starts anew finds the key.
    let reloaded = ReplayTable::new(16_384);
    assert_eq!(code(reloaded.remember(&message(7, 100, false), 50, &memory)), "saml.request.replayed");
    let key = &memory.values.borrow()[KEY];
    assert_eq!((key.0.len(), key.1), (32, 1));
    let debug = format!("{reloaded:?}");
    assert!(debug.contains("Key(secret)") && !debug.contains("7, 7"), "{debug}");
}

/// With another key the same messages meet in other buckets: IDs can't be chosen beforehand.
#[test]
fn buckets_depend_on_the_key() {
    let places = |byte: u8| {
        let key = Key(Zeroizing::new([byte; 32]));
        (0..32).map(|n| key.place(&message(n, 0, false).key, 256).unwrap().1).collect::<Vec<_>>()
    };
    assert_ne!(places(1), places(2));
    assert_eq!(places(1), places(1));
}

#[test]
fn a_full_bucket_of_signed_messages_refuses_and_forgets_none() {
    let (memory, table) = (Memory::default(), ReplayTable::new(1));
    for number in 0..BUCKET {
        assert_eq!(code(table.remember(&message(number, 100, true), 50, &memory)), "accepted");
    }
    let refusal = table.remember(&message(BUCKET, 200, true), 50, &memory).unwrap_err();
    assert_eq!((refusal.code, refusal.status), ("saml.replay.full", 503));
    for number in 0..BUCKET {
        assert_eq!(code(table.remember(&message(number, 100, true), 50, &memory)), "saml.request.replayed");
    }
    // Unsigned ones have a bucket of their own, and room is made by time.
    assert_eq!(code(table.remember(&message(BUCKET, 200, false), 50, &memory)), "accepted");
    assert_eq!(code(table.remember(&message(BUCKET + 1, 200, true), 101, &memory)), "accepted");
}

#[test]
fn a_flood_of_unsigned_messages_locks_nobody_out_and_pushes_no_signed_one_out() {
    let (memory, table) = (Memory::default(), ReplayTable::new(1));
    assert_eq!(code(table.remember(&message(0, 100, true), 50, &memory)), "accepted");
    for number in 1..=4 * BUCKET {
        assert_eq!(code(table.remember(&message(number, 200, false), 50, &memory)), "accepted", "{number}");
    }
    let size = memory.values.borrow()["postern.saml.replay.unsigned.0"].0.len();
    assert_eq!(size, BUCKET * ENTRY);
    assert_eq!(code(table.remember(&message(0, 100, true), 50, &memory)), "saml.request.replayed");
    assert_eq!(code(table.remember(&message(0, 100, false), 50, &memory)), "saml.request.replayed");
}

#[test]
fn without_memory_nothing_is_accepted() {
    let one = message(1, 100, true);
    let unavailable = |memory: &Memory| {
        let refusal = ReplayTable::new(64).remember(&one, 50, memory).unwrap_err();
        assert_eq!(refusal.status, 503);
        refusal.code
    };
    assert_eq!(unavailable(&Memory { broken: true, ..Memory::default() }), "saml.replay.unavailable");
    assert_eq!(unavailable(&Memory { mute: true, ..Memory::default() }), "saml.replay.unavailable");
    let faster = |times| Memory { faster: Cell::new(times), ..Memory::default() };
    assert_eq!(code(ReplayTable::new(64).remember(&one, 50, &faster(TRIES - 1))), "accepted");
    assert_eq!(unavailable(&faster(TRIES)), "saml.replay.unavailable");
    let forged = Memory::default();
    forged.values.borrow_mut().insert(KEY.to_owned(), (vec![1; 16], 1));
    assert_eq!(unavailable(&forged), "saml.replay.unavailable");
}
