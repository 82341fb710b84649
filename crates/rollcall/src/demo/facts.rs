//! What came of it, read back through the API, and whether it proves what it should.

use rollcall_proto::v1::{
    Assignment, GetMigrationRequest, ListMembersRequest, ListReportsRequest, Member, MemberStatus, Migration,
    MigrationProof, MigrationState, Report,
};
use url::Url;

use crate::{
    error::{Error, Result},
    folder::Folder,
    job_run::Ended,
    remote::{self, Remote},
};

/// The state of the organization after the two jobs.
pub(super) struct Facts {
    /// In evaluation order.
    pub(super) assignments: Vec<Assignment>,
    /// One to try calls with.
    pub(super) member: Option<Member>,
    migration: Migration,
    report: Report,
}

impl Facts {
    pub(super) async fn gather(remote: &Remote, folder: &Folder, run: &Ended) -> Result<Self> {
        let parent = format!("organizations/{}", folder.organization);
        let request = GetMigrationRequest { name: format!("{parent}/migration"), ..Default::default() };
        let answer = remote.migration().get_migration(request).await;
        let answer = answer.map_err(remote::refused("cannot read the migration"))?.into_inner();
        Ok(Self {
            assignments: remote.all_assignments(&parent).await?,
            member: some_member(remote, &parent).await?,
            migration: answer.migration.unwrap_or_default(),
            report: find_report(remote, &run.report).await?,
        })
    }

    /// What the migration proved, in words.
    pub(super) fn proof(&self) -> String {
        let Some(proof) = &self.migration.proof else {
            return "The settings migration has proved nothing about this organization.".to_owned();
        };
        let compared =
            format!("{} members compared before and after, {} differ", proof.members_compared, proof.differences);
        if holds(proof) {
            format!(
                "Proof: {compared}: everybody keeps the same email export behaviour.\n       SHA-256 of both: {}",
                proof.digest_after
            )
        } else {
            format!(
                "NO PROOF: {compared}.\n  SHA-256 before: {}\n  SHA-256 after:  {}",
                proof.digest_before, proof.digest_after
            )
        }
    }

    /// Where the nightly report's data file lies.
    pub(super) fn csv(&self) -> String {
        let data = self.report.data.clone().unwrap_or_default();
        let place = format!("{}/{}", self.report.url.trim_end_matches('/'), data.file);
        let path = Url::parse(&place).ok().and_then(|url| url.to_file_path().ok());
        let place = path.map_or(place, |path| path.display().to_string());
        format!("Mixed-settings CSV: {place} ({} rows, {})", data.rows, self.report.name)
    }

    /// Whether the migration proved that nobody's behaviour changed. Rows that could not be taken were
    /// listed, and are no matter of the proof.
    pub(super) fn verdict(&self, organization: &str) -> Result {
        if self.migration.state() != MigrationState::Migrated {
            let state = self.migration.state().as_str_name();
            let state = state.strip_prefix("MIGRATION_STATE_").unwrap_or(state);
            return Err(Error::failed(format!(
                "the migration of {organization} is {state}: {}",
                self.migration.failure
            )));
        }
        if !self.migration.proof.as_ref().is_some_and(holds) {
            return Err(Error::failed(format!(
                "the migration of {organization} lacks a proof that nobody's behaviour changed"
            )));
        }
        Ok(())
    }
}

fn holds(proof: &MigrationProof) -> bool {
    proof.differences == 0 && !proof.digest_before.is_empty() && proof.digest_before == proof.digest_after
}

/// An active member whose name and email need no quoting in a shell.
async fn some_member(remote: &Remote, parent: &str) -> Result<Option<Member>> {
    let request = ListMembersRequest { parent: parent.to_owned(), page_size: 100, ..Default::default() };
    let answered = remote.members().list_members(request).await;
    let members = answered.map_err(remote::refused("cannot list the members"))?.into_inner().members;
    let plain = |member: &Member| !format!("{}{}", member.name, member.email).contains(['\'', '"', '\\']);
    Ok(members.into_iter().find(|member| member.status() == MemberStatus::Active && plain(member)))
}

async fn find_report(remote: &Remote, name: &str) -> Result<Report> {
    let answered = remote.reports().list_reports(ListReportsRequest::default()).await;
    let reports = answered.map_err(remote::refused("cannot list the reports"))?.into_inner().reports;
    let found = reports.into_iter().find(|report| report.name == name);
    found.ok_or_else(|| Error::failed(format!("the report {name:?} of the run is not listed")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(state: MigrationState, proof: MigrationProof) -> bool {
        let facts = Facts {
            assignments: Vec::new(),
            member: None,
            migration: Migration { state: state.into(), proof: Some(proof), ..Default::default() },
            report: Report::default(),
        };
        facts.verdict("acme").is_ok()
    }

    fn proof() -> MigrationProof {
        let digest = || "d1".to_owned();
        MigrationProof { members_compared: 1, differences: 0, digest_before: digest(), digest_after: digest() }
    }

    #[test]
    fn only_a_whole_proof_is_accepted() {
        assert!(accepted(MigrationState::Migrated, proof()));
        assert!(!accepted(MigrationState::Failed, proof()));
        assert!(!accepted(MigrationState::Migrated, MigrationProof { differences: 1, ..proof() }));
        assert!(!accepted(MigrationState::Migrated, MigrationProof { digest_after: "d2".to_owned(), ..proof() }));
        assert!(!accepted(MigrationState::Migrated, MigrationProof::default()));
    }
}
