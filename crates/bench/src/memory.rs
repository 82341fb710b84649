//! The peak memory of a process, as the kernel counts it. Only on Linux.

use std::fs;

use crate::{Result, machine::field};

/// The memory of one process.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    pid: u32,
}

/// The peak memory of a process since the last reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peak {
    /// Resident bytes.
    pub bytes: u64,
    /// Whether the kernel could not reset the peak, so that it counts since the start of the process.
    pub since_start: bool,
}

impl Memory {
    /// The memory of a process.
    #[must_use]
    pub fn of(pid: u32) -> Self {
        Self { pid }
    }

    /// Resets the peak. Returns whether the kernel could do so.
    fn reset(self) -> bool {
        fs::write(format!("/proc/{}/clear_refs", self.pid), "5").is_ok()
    }

    /// The peak since the last reset; `None` when the kernel does not report it.
    fn peak(self, reset: bool) -> Option<Peak> {
        let text = field(&format!("/proc/{}/status", self.pid), "VmHWM")?;
        let kib: u64 = text.strip_suffix("kB")?.trim().parse().ok()?;
        Some(Peak { bytes: kib * 1024, since_start: !reset })
    }
}

/// Returns what `work` returns, and the peak memory of the process during `work`.
///
/// # Errors
/// The error of `work`.
pub async fn peak_during<T>(process: Memory, work: impl Future<Output = Result<T>>) -> Result<(T, Option<Peak>)> {
    let reset = process.reset();
    let answer = work.await?;
    Ok((answer, process.peak(reset)))
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
