//! How much memory a process has had at most, as the kernel counts it. Only on Linux.

use std::fs;

use crate::machine::field;

/// The memory of one process.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    pid: u32,
}

/// A peak: how much, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peak {
    /// Resident bytes.
    pub bytes: u64,
    /// Whether it could not be reset, so that what came before counts too.
    pub since_start: bool,
}

impl Memory {
    /// The memory of a process.
    #[must_use]
    pub fn of(pid: u32) -> Self {
        Self { pid }
    }

    /// Forgets the peak so far, and answers whether that was possible.
    #[must_use]
    pub fn reset(self) -> bool {
        fs::write(format!("/proc/{}/clear_refs", self.pid), "5").is_ok()
    }

    /// The peak since the last reset; nothing where the kernel does not tell.
    #[must_use]
    pub fn peak(self, reset: bool) -> Option<Peak> {
        let text = field(&format!("/proc/{}/status", self.pid), "VmHWM")?;
        let kib: u64 = text.strip_suffix("kB")?.trim().parse().ok()?;
        Some(Peak { bytes: kib * 1024, since_start: !reset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_that_was_used_is_in_the_peak() {
        let memory = Memory::of(std::process::id());
        let reset = memory.reset();
        let used = vec![1_u8; 64 << 20];
        let peak = memory.peak(reset).unwrap();
        assert!(peak.bytes > 64 << 20, "{peak:?} with {} bytes", std::hint::black_box(&used).len());
    }
}
