//! The proof that a migration or a rollback changed no member's behaviour (product.md 7.5).

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::{
    MemberId,
    email_export::{Setting, Since},
};

/// The setting that a read path answers for every member, in byte order of the members' ids.
pub type Reading = Vec<(MemberId, Setting)>;

/// The result of comparing the settings of all members before and after a migration or a rollback.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Proof {
    /// Members compared, inactive ones included.
    pub members: u32,
    /// Members whose setting or `export_since` differs, and members that only one side has.
    pub differences: u32,
    /// SHA-256 in hex over one line for each member, as the read path before the change answered.
    pub digest_before: String,
    /// SHA-256 in hex over one line for each member, as the read path after the change answers from the rows that were
    /// written.
    pub digest_after: String,
}

impl Proof {
    /// Compares two readings. Both must be in byte order of the members' ids.
    #[must_use]
    pub fn compare(before: &[(MemberId, Setting)], after: &[(MemberId, Setting)]) -> Self {
        let (mut i, mut j, mut members, mut differences) = (0, 0, 0, 0);
        while i < before.len() || j < after.len() {
            let (left, right) = (before.get(i), after.get(j));
            let order = match (left, right) {
                (Some(left), Some(right)) => left.0.cmp(&right.0),
                (Some(_), None) => std::cmp::Ordering::Less,
                _ => std::cmp::Ordering::Greater,
            };
            differences += u32::from(left.map(|l| &l.1) != right.map(|r| &r.1) || order.is_ne());
            members += 1;
            i += usize::from(order.is_le());
            j += usize::from(order.is_ge());
        }
        Self { members, differences, digest_before: digest(before), digest_after: digest(after) }
    }

    /// Whether the proof shows that no member's behaviour changed.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.differences == 0 && self.digest_before == self.digest_after
    }
}

fn digest(reading: &[(MemberId, Setting)]) -> String {
    let mut hash = Sha256::new();
    for (member, setting) in reading {
        hash.update(member.as_str());
        hash.update(match setting {
            Setting::DoNotExport => ",DO_NOT_EXPORT,\n".to_owned(),
            Setting::Export(Since::Always) => ",EXPORT,always\n".to_owned(),
            Setting::Export(Since::At(start)) => format!(",EXPORT,{}\n", start.to_rfc3339()),
        });
    }
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
