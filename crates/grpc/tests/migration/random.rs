//! Random organizations are migrated, changed, and rolled back. Either no member's behaviour changes, or the rollback
//! is too late for a reason. The tests compute the expected result from the legacy settings alone.

use std::collections::BTreeMap;

use rollcall_proto::v1::{
    Assignment, CheckEmailExportResponse, DirectoryGroup, DirectoryMember, EmailExport, EmailExportReason,
    Member as MemberMessage, MemberStatus, Membership, MigrationState, MoveAssignmentRequest, MoveMembersRequest,
    Phase, ReleaseMembersRequest, SyncDirectoryRequest, SyncMode, UpdateAssignmentRequest, UpdateMemberSettingsRequest,
};
use rollcall_testkit::{Member, Org, Random, TestServer, refused};
use tonic::{Response, Status};

use super::{AUTOMATIC, MANUAL, NO, YES, migration, retry, roll_back};

const ORGANIZATIONS: usize = 40;
const MEMBERS: [&str; 8] = ["m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7"];
const GROUPS: [&[&str]; 6] = [&[], &["g0"], &["g1"], &["g2"], &["g0", "g1"], &["g1", "g2"]];
const LISTED: [&str; 3] = ["a0", "a1", "a2"];

/// An organization and its expected state.
struct Subject<'a> {
    server: &'a TestServer,
    org: Org<'a>,
    /// The legacy setting of every member.
    old: BTreeMap<&'static str, bool>,
    /// The first assignment on which a value was chosen after the migration.
    chosen: Option<String>,
}

impl<'a> Subject<'a> {
    async fn build(server: &'a TestServer, id: &'a str, random: &mut Random) -> Self {
        let org = Org::create(server, id, Phase::Legacy).await;
        let members: Vec<Member> = MEMBERS[..6]
            .iter()
            .map(|&id| Member { id, groups: random.pick(&GROUPS), active: random.chance(80) })
            .collect();
        // All groups are known, even without members.
        let mut request = org.full_sync(&members);
        request.groups =
            ["g0", "g1", "g2"].map(|id| DirectoryGroup { group: id.to_owned(), ..Default::default() }).to_vec();
        server.directory().sync_directory(tokio_stream::once(request)).await.unwrap();
        for (assignment, group) in LISTED.into_iter().zip(["g0", "g1", "g2"]) {
            org.assign(assignment, &[group], random.pick(&[AUTOMATIC, MANUAL]), None).await;
        }
        let everybody_alike = random.chance(40);
        let alike = random.chance(50);
        let old: BTreeMap<&str, bool> =
            members.iter().map(|member| (member.id, if everybody_alike { alike } else { random.chance(50) })).collect();
        // A missing row equals a row with `DO_NOT_EXPORT`.
        let rows: Vec<(&str, bool)> =
            old.iter().map(|(id, export)| (*id, *export)).filter(|(_, export)| *export || random.chance(50)).collect();
        org.import(&rows).await;
        Self { server, org, old, chosen: None }
    }

    /// Makes a random change. A rule may refuse it.
    async fn step(&mut self, random: &mut Random) {
        let assignment = random.pick(&["a0", "a1", "a2", "default"]);
        match random.below(20) {
            0..5 => self.sync(random).await,
            5..8 => self.move_member(random.pick(&MEMBERS), assignment).await,
            8..10 => self.release(random.pick(&MEMBERS)).await,
            10..12 => self.move_assignment(random.pick(&LISTED), i32::try_from(1 + random.below(3)).unwrap()).await,
            12..15 => {
                let display_name = format!("Renamed {}", random.below(9));
                self.update(Assignment { display_name, ..self.named(assignment) }).await;
            }
            15 => {
                let update_mode = random.pick(&[AUTOMATIC, MANUAL]).into();
                self.update(Assignment { update_mode, ..self.named(assignment) }).await;
            }
            16 | 17 => self.edit(random.pick(&MEMBERS), random.pick(&[YES, NO])).await,
            _ => {
                let (before, value) = (self.org.get_assignment(assignment).await, random.pick(&[YES, NO]));
                let chosen = Assignment { email_export: value.into(), ..self.named(assignment) };
                // Without a mask, the value is chosen if it differs from the stored one (product.md 4.1).
                if self.update(chosen).await && before.email_export() != value {
                    self.chosen.get_or_insert_with(|| assignment.to_owned());
                }
            }
        }
    }

    fn named(&self, assignment: &str) -> Assignment {
        Assignment { name: self.org.assignment(assignment), ..Default::default() }
    }

    /// Syncs random changes: members are renamed, appear, become inactive or active, and change groups.
    async fn sync(&mut self, random: &mut Random) {
        let member = random.pick(&MEMBERS);
        let status = if random.chance(75) { MemberStatus::Active } else { MemberStatus::Inactive };
        let row = DirectoryMember {
            job_title: format!("Title {}", random.below(3)),
            status: status.into(),
            ..self.org.row(&Member::new(member, &[]))
        };
        let membership = |group: &str| Membership { group: group.to_owned(), member: member.to_owned() };
        let request = SyncDirectoryRequest {
            parent: self.org.name(),
            mode: SyncMode::Delta.into(),
            members: vec![row],
            memberships: if random.chance(30) { vec![membership(random.pick(&["g0", "g1", "g2"]))] } else { vec![] },
            removed_memberships: if random.chance(20) { vec![membership("g1")] } else { vec![] },
            ..Default::default()
        };
        self.server.directory().sync_directory(tokio_stream::once(request)).await.unwrap();
        self.old.entry(member).or_insert(false);
    }

    async fn move_member(&self, member: &str, assignment: &str) {
        let (members, assignment) = (vec![self.org.member(member)], self.org.assignment(assignment));
        let request = MoveMembersRequest { parent: self.org.name(), members, assignment, ..Default::default() };
        allowed(self.server.members().move_members(request).await);
    }

    async fn release(&self, member: &str) {
        let members = vec![self.org.member(member)];
        let request = ReleaseMembersRequest { parent: self.org.name(), members, ..Default::default() };
        allowed(self.server.members().release_members(request).await);
    }

    async fn move_assignment(&self, assignment: &str, position: i32) {
        let name = self.org.assignment(assignment);
        let request = MoveAssignmentRequest { name, position, ..Default::default() };
        allowed(self.server.assignments().move_assignment(request).await);
    }

    async fn update(&self, assignment: Assignment) -> bool {
        let request = UpdateAssignmentRequest { assignment: Some(assignment), ..Default::default() };
        allowed(self.server.assignments().update_assignment(request).await)
    }

    async fn edit(&self, member: &str, value: EmailExport) {
        let member = MemberMessage { name: self.org.member(member), email_export: value.into(), ..Default::default() };
        let request = UpdateMemberSettingsRequest { member: Some(member), ..Default::default() };
        allowed(self.server.members().update_member_settings(request).await);
    }

    /// Returns the members whose setting differs from their legacy setting.
    async fn changed(&self) -> usize {
        let mut changed = 0;
        for (member, old) in &self.old {
            let found = self.org.get_member(member).await;
            let expected = if *old { YES } else { NO };
            changed += usize::from(found.email_export() != expected || found.email_export_since.is_some());
        }
        changed
    }

    /// Returns the answers for every member, without source and revision.
    async fn answers(&self) -> Vec<CheckEmailExportResponse> {
        let mut answers = Vec::new();
        for member in self.old.keys() {
            let answer = self.org.check(member, Some(std::time::SystemTime::UNIX_EPOCH)).await;
            answers.push(CheckEmailExportResponse { source: 0, revision: String::new(), age: None, ..answer });
        }
        answers
    }

    /// Returns the answers that the legacy settings give for every member.
    async fn is_as_before(&self) {
        for (member, old) in &self.old {
            let (answer, active) = (self.org.check(member, None).await, self.org.get_member(member).await.status());
            let reason = match (active, old) {
                (MemberStatus::Inactive, _) => EmailExportReason::MemberInactive,
                (_, true) => EmailExportReason::Exported,
                (_, false) => EmailExportReason::SettingIsDoNotExport,
            };
            let export = reason == EmailExportReason::Exported;
            assert_eq!((answer.export, answer.reason(), answer.export_since), (export, reason, None), "{member}");
        }
    }

    /// Rolls back. Returns whether the rollback succeeded, or why it was too late.
    async fn roll_back(&self) -> Result<(), &'static str> {
        let (changed, organization) = (self.changed().await, self.org.name());
        let organization = organization.strip_prefix("organizations/").unwrap();
        let (why, obstacle) = match &self.chosen {
            Some(assignment) => ("a value was chosen", format!("assignment={assignment}")),
            None => ("members would change", format!("members={changed}")),
        };
        let (before, revision) = (self.answers().await, migration(self.server, &self.org).await.1);
        if self.chosen.is_some() || changed > 0 {
            for validate_only in [true, false] {
                let expected =
                    format!("FailedPrecondition MIGRATION_ROLLBACK_TOO_LATE {obstacle} organization={organization}");
                assert_eq!(refused(roll_back(self.server, &self.org, validate_only)).await, expected);
            }
            assert_eq!((self.answers().await, migration(self.server, &self.org).await.1), (before, revision));
            return Err(why);
        }
        for validate_only in [true, false] {
            let answer = roll_back(self.server, &self.org, validate_only).await.unwrap().into_inner();
            let proof = answer.migration.unwrap().proof.unwrap();
            assert_eq!((proof.differences, proof.digest_before == proof.digest_after), (0, true));
            assert_eq!(usize::try_from(proof.members_compared).unwrap(), self.old.len());
        }
        assert_eq!(self.answers().await, before);
        self.is_as_before().await;
        Ok(())
    }
}

/// Returns whether the rules allow a call. Any other error fails the test.
fn allowed<T>(answer: Result<Response<T>, Status>) -> bool {
    use tonic::Code::{FailedPrecondition, NotFound};
    match answer {
        Ok(_) => true,
        Err(status) if [FailedPrecondition, NotFound].contains(&status.code()) => false,
        Err(status) => panic!("{status:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn migration_and_rollback_keep_the_behaviour_of_every_member() {
    let server = TestServer::start().await;
    let ids: Vec<String> = (0..ORGANIZATIONS).map(|number| format!("org-{number:02}")).collect();
    let mut random = Random::new(0x0000_ba5e);
    let mut subjects = Vec::new();
    for id in &ids {
        let subject = Subject::build(&server, id, &mut random).await;
        subject.is_as_before().await;
        subjects.push(subject);
    }
    subjects[0].org.run_job("settings-migration").await;
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let mut back = Vec::new();
    for (number, subject) in subjects.iter_mut().enumerate() {
        subject.is_as_before().await;
        for _ in 0..number % 8 {
            subject.step(&mut random).await;
        }
        let outcome = subject.roll_back().await;
        *counts.entry(outcome.err().unwrap_or("rolled back")).or_default() += 1;
        back.extend(outcome.is_ok().then_some(number));
    }
    assert!(counts.len() == 3 && counts.values().all(|count| *count >= 3), "{counts:?}");

    let skipping = subjects[0].org.run_job("settings-migration").await;
    assert_eq!(usize::try_from(skipping.outcome["organizations_skipped"]).unwrap(), back.len());
    for number in &back {
        assert_eq!(migration(&server, &subjects[*number].org).await.0.state(), MigrationState::RolledBack);
        retry(&server, &subjects[*number].org, false).await.unwrap();
    }
    let again = subjects[0].org.run_job("settings-migration").await;
    assert_eq!(usize::try_from(again.outcome["organizations_migrated"]).unwrap(), back.len());
    for number in back {
        subjects[number].is_as_before().await;
        assert_eq!(subjects[number].changed().await, 0);
    }
}
