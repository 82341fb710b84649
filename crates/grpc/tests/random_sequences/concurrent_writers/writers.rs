//! The calls of a writer. They depend only on the number of the writer, and not on the other writers, so
//! many calls concern deleted, existing or locked resources.

use prost_types::FieldMask;
use rollcall_proto::v1::{
    Assignment, CreateAssignmentRequest, DeleteAssignmentRequest, EmailExport, Member, MoveAssignmentRequest,
    MoveMembersRequest, ReleaseMembersRequest, UpdateAssignmentRequest, UpdateMemberSettingsRequest, UpdateMode,
};
use rollcall_testkit::Random;

use super::{
    calls::WriterCall,
    organization::{GROUPS, MEMBERS, UNRESOLVED, member, name, parent, settings},
    syncs,
};

/// The number of concurrent writers.
pub(crate) const WRITERS: usize = 20;

/// A writer.
pub(crate) struct ConcurrentWriter {
    number: usize,
    step: usize,
    random: Random,
}

impl ConcurrentWriter {
    pub(crate) fn new(number: usize) -> Self {
        let seed = 0x00c0_ffee + u64::try_from(number).unwrap();
        Self { number, step: 0, random: Random::new(seed) }
    }

    /// Returns the next call.
    pub(crate) fn next_call(&mut self) -> WriterCall {
        self.step += 1;
        let newcomer = format!("x{:02}-{}", self.number, self.step % 2);
        let random = &mut self.random;
        if self.step == 1 && self.number.is_multiple_of(2) {
            // Half of the writers begin with a mixed assignment without a chosen value.
            return WriterCall::Rewrite(name("assignments", random.pick(&UNRESOLVED)));
        }
        match random.below(100) {
            0..7 => WriterCall::MoveAssignment(move_assignment(random)),
            7..32 => WriterCall::Update(update(random, &format!("writer {} step {}", self.number, self.step))),
            32..37 => WriterCall::Rewrite(name("assignments", &any_assignment(random))),
            37..46 => WriterCall::Create(create(random)),
            46..50 => WriterCall::Delete(delete(random)),
            50..67 => WriterCall::Sync(syncs::delta(random, &newcomer)),
            67..71 => WriterCall::Sync(syncs::full(random, &newcomer)),
            71..80 => WriterCall::MoveMembers(move_members(random)),
            80..88 => WriterCall::Release(release(random)),
            _ => WriterCall::Edit(Box::new(edit_member(random))),
        }
    }
}

/// Returns the id of an initial member or of a newcomer.
pub(crate) fn any_member(random: &mut Random) -> String {
    if random.chance(92) {
        return member(random.below(MEMBERS));
    }
    format!("x{:02}-{}", random.below(WRITERS), random.below(2))
}

/// Returns the id of an initial group or of a new group.
pub(crate) fn any_group(random: &mut Random) -> String {
    format!("g{}", random.below(GROUPS + 2))
}

/// Returns the id of an initial assignment, of a created one, or of the default one.
fn any_assignment(random: &mut Random) -> String {
    if random.chance(6) { "default".to_owned() } else { any_listed(random) }
}

fn any_listed(random: &mut Random) -> String {
    if random.chance(75) { format!("a{}", random.below(8)) } else { format!("c{}", random.below(4)) }
}

fn any_groups(random: &mut Random) -> Vec<String> {
    random.some(2, |random| name("groups", &any_group(random)))
}

fn any_mode(random: &mut Random) -> i32 {
    let mode = random.pick(&[UpdateMode::ManualEditing, UpdateMode::AutomaticUpdates]);
    mode.into()
}

fn any_export(random: &mut Random) -> i32 {
    let export = random.pick(&[EmailExport::Export, EmailExport::DoNotExport]);
    export.into()
}

fn move_assignment(random: &mut Random) -> MoveAssignmentRequest {
    let position = i32::try_from(1 + random.below(8)).unwrap();
    MoveAssignmentRequest { name: name("assignments", &any_assignment(random)), position, ..Default::default() }
}

/// Returns an update of one or two fields, with or without a mask.
fn update(random: &mut Random, display_name: &str) -> UpdateAssignmentRequest {
    let mut assignment = Assignment { name: name("assignments", &any_assignment(random)), ..Default::default() };
    let mut paths = Vec::new();
    for _ in 0..=usize::from(random.chance(35)) {
        paths.push(match random.below(11) {
            0..3 => {
                assignment.display_name = display_name.to_owned();
                "display_name"
            }
            3 => {
                assignment.email_export = any_export(random);
                "email_export"
            }
            4..7 => {
                assignment.update_mode = any_mode(random);
                "update_mode"
            }
            7 | 8 => {
                assignment.groups = any_groups(random);
                "groups"
            }
            _ => {
                assignment.settings = Some(settings(random.below(10)));
                "settings"
            }
        });
    }
    let masked = random.chance(60);
    let update_mask = masked.then(|| FieldMask { paths: paths.into_iter().map(str::to_owned).collect() });
    UpdateAssignmentRequest { assignment: Some(assignment), update_mask, ..Default::default() }
}

fn create(random: &mut Random) -> CreateAssignmentRequest {
    let id = any_listed(random);
    let email_export = if random.chance(92) { any_export(random) } else { 0 };
    let assignment = Assignment {
        display_name: format!("Created {id}"),
        groups: any_groups(random),
        update_mode: any_mode(random),
        settings: Some(settings(random.below(10))),
        email_export,
        ..Default::default()
    };
    let position = i32::try_from(random.below(9)).unwrap();
    CreateAssignmentRequest {
        parent: parent(),
        assignment_id: id,
        assignment: Some(assignment),
        position,
        ..Default::default()
    }
}

fn delete(random: &mut Random) -> DeleteAssignmentRequest {
    let resolve_members = random.chance(60);
    DeleteAssignmentRequest {
        name: name("assignments", &any_assignment(random)),
        resolve_members,
        ..Default::default()
    }
}

fn any_members(random: &mut Random, most: usize) -> Vec<String> {
    random.some(most, |random| name("members", &any_member(random)))
}

fn move_members(random: &mut Random) -> MoveMembersRequest {
    MoveMembersRequest {
        parent: parent(),
        members: any_members(random, 3),
        assignment: name("assignments", &any_assignment(random)),
        reason: format!("reason {}", random.below(1000)),
        ..Default::default()
    }
}

fn release(random: &mut Random) -> ReleaseMembersRequest {
    ReleaseMembersRequest { parent: parent(), members: any_members(random, 6), ..Default::default() }
}

fn edit_member(random: &mut Random) -> UpdateMemberSettingsRequest {
    let mut edited = Member { name: name("members", &any_member(random)), ..Default::default() };
    let mut paths = Vec::new();
    if random.chance(60) {
        edited.email_export = any_export(random);
        paths.push("email_export".to_owned());
    }
    if paths.is_empty() || random.chance(30) {
        edited.settings = Some(settings(random.below(10)));
        paths.push("settings".to_owned());
    }
    UpdateMemberSettingsRequest { member: Some(edited), update_mask: Some(FieldMask { paths }), ..Default::default() }
}
