//! Ctrl-C, SIGTERM and a closed terminal: noted, so that everything that was started is stopped
//! in order instead of being left behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::failure::Failure;

pub(crate) struct Interruption {
    noted: Arc<AtomicBool>,
}

impl Interruption {
    pub(crate) fn listen() -> Result<Self, Failure> {
        let noted = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register(signal, Arc::clone(&noted))
                .map_err(|error| Failure::new(format!("cannot listen for signal {signal}: {error}")))?;
        }
        Ok(Self { noted })
    }

    pub(crate) fn noted(&self) -> bool {
        self.noted.load(Ordering::Relaxed)
    }

    /// Between two steps.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.noted() {
            return Err(Failure::new("interrupted"));
        }
        Ok(())
    }
}
