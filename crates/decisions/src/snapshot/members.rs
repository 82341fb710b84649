//! The members of a snapshot, packed: 17 bytes for each, besides the bytes of the id.

use std::sync::Arc;

use rollcall_domain::{
    AssignmentId, Timestamp,
    email_export::{CheckSubject, MemberExport, Setting, Since, Source},
};

use crate::shared_array::MemorySize;

/// How many members a chunk has.
pub(super) const CHUNK: usize = 256;

/// Up to 256 members.
#[derive(Clone, Debug, Default)]
pub(super) struct MemberChunk {
    flags: Vec<u8>,
    assignments: Vec<u32>,
    /// The start of the period of EXPORT in microseconds; 0 if there is none.
    since: Vec<i64>,
    /// Where the id of each member ends in `ids`.
    ends: Vec<u32>,
    ids: String,
}

impl MemorySize for MemberChunk {
    fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.flags.capacity()
            + self.assignments.capacity() * size_of::<u32>()
            + self.since.capacity() * size_of::<i64>()
            + self.ends.capacity() * size_of::<u32>()
            + self.ids.capacity()
    }
}

impl MemberChunk {
    /// Adds a member after the others.
    pub(super) fn push(&mut self, subject: &CheckSubject, assignment: u32) {
        let (flags, since) = pack(subject);
        self.ids.push_str(subject.member.as_str());
        self.ends.push(u32::try_from(self.ids.len()).unwrap_or(u32::MAX));
        self.flags.push(flags);
        self.assignments.push(assignment);
        self.since.push(since);
    }

    /// Replaces what is known about a member.
    pub(super) fn set(&mut self, index: usize, subject: &CheckSubject, assignment: u32) {
        let (flags, since) = pack(subject);
        if let Some(old) = self.flags.get_mut(index) {
            *old = flags;
        }
        if let Some(old) = self.assignments.get_mut(index) {
            *old = assignment;
        }
        if let Some(old) = self.since.get_mut(index) {
            *old = since;
        }
    }

    /// Marks a member as one that the organization does not have.
    pub(super) fn remove(&mut self, index: usize) {
        if let Some(flags) = self.flags.get_mut(index) {
            *flags = flag::REMOVED;
        }
    }

    /// Gives the memory back that is reserved for more members.
    pub(super) fn shrink(&mut self) {
        self.flags.shrink_to_fit();
        self.assignments.shrink_to_fit();
        self.since.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.ids.shrink_to_fit();
    }

    /// Returns the id of a member, also of a removed one.
    pub(super) fn id(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start = match index {
            0 => 0,
            _ => *self.ends.get(index - 1)? as usize,
        };
        self.ids.get(start..end)
    }

    /// Returns what decides about a member's emails; `None` for a removed member.
    pub(super) fn get(&self, index: usize, assignments: &[AssignmentId]) -> Option<CheckSubject<&str>> {
        let flags = *self.flags.get(index).filter(|flags| **flags != flag::REMOVED)?;
        let assignment = assignments.get(*self.assignments.get(index)? as usize)?;
        Some(CheckSubject {
            member: self.id(index)?,
            active: flags & flag::ACTIVE != 0,
            assignment: assignment.clone(),
            export: unpack_export(flags, *self.since.get(index)?),
            legacy: match flags & flag::LEGACY {
                0 => None,
                old => Some(old == flag::LEGACY_EXPORT),
            },
        })
    }
}

/// The bits of a member's flags.
mod flag {
    pub(super) const ACTIVE: u8 = 1;
    /// The setting: none, `DO_NOT_EXPORT`, EXPORT since a moment, EXPORT since always.
    pub(super) const SETTING: u8 = 0b110;
    pub(super) const DO_NOT_EXPORT: u8 = 0b010;
    pub(super) const EXPORT_SINCE: u8 = 0b100;
    pub(super) const EXPORT_ALWAYS: u8 = 0b110;
    pub(super) const SOURCE: u8 = 0b1_1000;
    pub(super) const SOURCE_SHIFT: u32 = 3;
    pub(super) const LEGACY: u8 = 0b110_0000;
    pub(super) const LEGACY_NO: u8 = 0b010_0000;
    pub(super) const LEGACY_EXPORT: u8 = 0b100_0000;
    pub(super) const REMOVED: u8 = 0b1000_0000;
}

const SOURCES: [Source; 4] = [Source::Assignment, Source::EditedByHand, Source::Migration, Source::Legacy];

fn pack(subject: &CheckSubject) -> (u8, i64) {
    let active = if subject.active { flag::ACTIVE } else { 0 };
    let legacy = match subject.legacy {
        None => 0,
        Some(false) => flag::LEGACY_NO,
        Some(true) => flag::LEGACY_EXPORT,
    };
    let (setting, since) = match subject.export.map(|export| export.setting) {
        None => (0, 0),
        Some(Setting::DoNotExport) => (flag::DO_NOT_EXPORT, 0),
        Some(Setting::Export(Since::Always)) => (flag::EXPORT_ALWAYS, 0),
        Some(Setting::Export(Since::At(start))) => (flag::EXPORT_SINCE, start.timestamp_micros()),
    };
    let source = subject.export.map_or(0, |export| match export.source {
        Source::Assignment => 0,
        Source::EditedByHand => 1,
        Source::Migration => 2,
        Source::Legacy => 3,
    });
    (active | legacy | setting | (source << flag::SOURCE_SHIFT), since)
}

fn unpack_export(flags: u8, since: i64) -> Option<MemberExport> {
    let setting = match flags & flag::SETTING {
        flag::DO_NOT_EXPORT => Setting::DoNotExport,
        flag::EXPORT_ALWAYS => Setting::Export(Since::Always),
        // A time that cannot be shown was not stored. Nothing is exported then.
        flag::EXPORT_SINCE => Timestamp::from_timestamp_micros(since)
            .map_or(Setting::DoNotExport, |start| Setting::Export(Since::At(start))),
        _ => return None,
    };
    let source = SOURCES[usize::from((flags & flag::SOURCE) >> flag::SOURCE_SHIFT)];
    Some(MemberExport { setting, source })
}

/// The names of the assignments, each once.
#[derive(Clone, Debug, Default)]
pub(super) struct Assignments {
    pub(super) ids: Vec<AssignmentId>,
    numbers: std::collections::HashMap<AssignmentId, u32>,
}

impl Assignments {
    /// Returns the number of an assignment, which is added if it is new.
    pub(super) fn number(this: &mut Arc<Self>, id: &AssignmentId) -> u32 {
        if let Some(number) = this.numbers.get(id) {
            return *number;
        }
        let this = Arc::make_mut(this);
        let number = u32::try_from(this.ids.len()).unwrap_or(u32::MAX);
        this.ids.push(id.clone());
        this.numbers.insert(id.clone(), number);
        number
    }

    /// The size in bytes: each id is stored once, and named twice.
    pub(super) fn bytes(&self) -> usize {
        let names: usize = self.ids.iter().map(|id| id.as_str().len() + 16).sum();
        names + self.ids.capacity() * 16 + self.numbers.capacity() * 25
    }
}

#[cfg(test)]
mod tests {
    use rollcall_domain::MemberId;

    use super::*;

    #[test]
    fn a_packed_member_is_the_same_again() {
        let at = Timestamp::from_timestamp_micros(1_700_000_000_123_456).unwrap();
        let settings = [Setting::DoNotExport, Setting::Export(Since::Always), Setting::Export(Since::At(at))].map(Some);
        let mut chunk = MemberChunk::default();
        let mut subjects = Vec::new();
        for setting in settings.into_iter().chain([None]) {
            for source in SOURCES {
                for legacy in [None, Some(false), Some(true)] {
                    for active in [false, true] {
                        let member = MemberId::trusted(format!("m{}", subjects.len()));
                        let export = setting.map(|setting| MemberExport { setting, source });
                        let assignment = AssignmentId::trusted("a1");
                        subjects.push(CheckSubject { member, active, assignment, export, legacy });
                    }
                }
            }
        }
        let mut names = Arc::default();
        assert_eq!(Assignments::number(&mut names, &AssignmentId::trusted("a0")), 0);
        for subject in &subjects {
            chunk.push(subject, Assignments::number(&mut names, &subject.assignment));
        }
        for (index, subject) in subjects.iter().enumerate() {
            let found = chunk.get(index, &names.ids).unwrap();
            let CheckSubject { member, active, assignment, export, legacy } = found;
            let member = MemberId::trusted(member);
            assert_eq!(&CheckSubject { member, active, assignment, export, legacy }, subject);
        }
        chunk.remove(3);
        assert_eq!(chunk.get(3, &names.ids), None);
        assert_eq!(chunk.id(3), Some("m3"));
    }
}
