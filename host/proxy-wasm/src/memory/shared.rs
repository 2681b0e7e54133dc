//! Shared data and queues in one process.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::num::NonZeroU32;

use crate::status::Status;

/// Values that VMs of one id share.
#[derive(Debug)]
pub struct SharedData {
    values: HashMap<Vec<u8>, (Vec<u8>, u32)>,
    version: u32,
    bytes: usize,
    most: usize,
}

impl Default for SharedData {
    fn default() -> Self {
        Self::with_room(16 << 20)
    }
}

impl SharedData {
    /// With room for that many bytes of keys and values.
    pub fn with_room(bytes: usize) -> Self {
        Self { values: HashMap::new(), version: 0, bytes: 0, most: bytes }
    }

    /// For [`Host::shared_data`](crate::Host::shared_data).
    ///
    /// # Errors
    /// [`Status::NotFound`].
    pub fn get(&self, key: &[u8], value: &mut Vec<u8>) -> Result<u32, Status> {
        let (found, version) = self.values.get(key).ok_or(Status::NotFound)?;
        value.extend_from_slice(found);
        Ok(*version)
    }

    /// For [`Host::set_shared_data`](crate::Host::set_shared_data).
    ///
    /// # Errors
    /// [`Status::CasMismatch`], and [`Status::InternalFailure`] when there is no room.
    pub fn set(&mut self, key: &[u8], value: &[u8], version: Option<NonZeroU32>) -> Result<(), Status> {
        let present = self.values.get(key);
        if let (Some((_, present)), Some(version)) = (present, version)
            && *present != version.get()
        {
            return Err(Status::CasMismatch);
        }
        let before = present.map_or(0, |(value, _)| key.len() + value.len());
        let bytes = self.bytes - before + key.len() + value.len();
        if bytes > self.most {
            return Err(Status::InternalFailure);
        }
        self.bytes = bytes;
        self.version = self.version.checked_add(1).unwrap_or(1);
        self.values.insert(key.to_vec(), (value.to_vec(), self.version));
        Ok(())
    }
}

/// Queues that VMs of one id share.
#[derive(Debug, Default)]
pub struct Queues {
    names: BTreeMap<Vec<u8>, u32>,
    items: BTreeMap<u32, VecDeque<Vec<u8>>>,
}

impl Queues {
    /// Items of one queue.
    pub const MOST_ITEMS: usize = 1_000;

    /// For [`Host::register_queue`](crate::Host::register_queue).
    ///
    /// # Errors
    /// None: the library bounds the number of queues.
    pub fn register(&mut self, name: &[u8]) -> Result<u32, Status> {
        let next = u32::try_from(self.names.len() + 1).map_err(|_| Status::InternalFailure)?;
        let id = *self.names.entry(name.to_vec()).or_insert(next);
        self.items.entry(id).or_default();
        Ok(id)
    }

    /// For [`Host::resolve_queue`](crate::Host::resolve_queue).
    ///
    /// # Errors
    /// [`Status::NotFound`].
    pub fn resolve(&self, name: &[u8]) -> Result<u32, Status> {
        self.names.get(name).copied().ok_or(Status::NotFound)
    }

    /// Whether there is anything in any of them.
    pub fn has_items(&self) -> bool {
        self.items.values().any(|items| !items.is_empty())
    }

    /// For [`Host::enqueue`](crate::Host::enqueue).
    ///
    /// # Errors
    /// [`Status::NotFound`], and [`Status::InternalFailure`] when it is full.
    pub fn enqueue(&mut self, queue: u32, item: &[u8]) -> Result<(), Status> {
        let items = self.items.get_mut(&queue).ok_or(Status::NotFound)?;
        if items.len() >= Self::MOST_ITEMS {
            return Err(Status::InternalFailure);
        }
        items.push_back(item.to_vec());
        Ok(())
    }

    /// For [`Host::dequeue`](crate::Host::dequeue).
    ///
    /// # Errors
    /// [`Status::NotFound`], [`Status::Empty`].
    pub fn dequeue(&mut self, queue: u32, item: &mut Vec<u8>) -> Result<(), Status> {
        let items = self.items.get_mut(&queue).ok_or(Status::NotFound)?;
        item.extend_from_slice(&items.pop_front().ok_or(Status::Empty)?);
        Ok(())
    }
}
