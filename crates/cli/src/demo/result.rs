//! The result of the demo, read through the API, and the check of the migration's proof.

use rollcall_proto::v1::{
    Assignment, GetMigrationRequest, ListMembersRequest, ListReportsRequest, Member, MemberStatus, Migration,
    MigrationProof, MigrationState, Report,
};
use url::Url;

use crate::{
    connection::{ServerConnection, call_failed},
    error::{Error, Result},
    folder::OrganizationFolder,
};

/// The organization after the migration and the report.
pub(super) struct DemoResult {
    /// In evaluation order.
    pub(super) assignments: Vec<Assignment>,
    /// A member for the example calls.
    pub(super) member: Option<Member>,
    migration: Migration,
    report: Report,
}

impl DemoResult {
    /// Reads the organization and the report with the name `report`.
    ///
    /// # Errors
    /// A call fails, or the report is not listed.
    pub(super) async fn read(server: &ServerConnection, folder: &OrganizationFolder, report: &str) -> Result<Self> {
        let parent = format!("organizations/{}", folder.organization);
        let request = GetMigrationRequest { name: format!("{parent}/migration"), ..Default::default() };
        let answer = server.migration().get_migration(request).await;
        let answer = answer.map_err(call_failed("cannot read the migration"))?.into_inner();
        Ok(Self {
            assignments: server.list_all_assignments(&parent).await?,
            member: find_example_member(server, &parent).await?,
            migration: answer.migration.unwrap_or_default(),
            report: find_report(server, report).await?,
        })
    }

    /// Returns the migration's proof as text.
    pub(super) fn proof_text(&self) -> String {
        let Some(proof) = &self.migration.proof else {
            return "The settings migration has no proof for this organization.".to_owned();
        };
        let compared =
            format!("{} members compared before and after, {} differ", proof.members_compared, proof.differences);
        if holds(proof) {
            format!(
                "Proof: {compared}: every member keeps the same email export behaviour.\n       SHA-256 of both: {}",
                proof.digest_after
            )
        } else {
            format!(
                "NO PROOF: {compared}.\n  SHA-256 before: {}\n  SHA-256 after:  {}",
                proof.digest_before, proof.digest_after
            )
        }
    }

    /// Returns a line with the location of the report's data file.
    pub(super) fn csv_line(&self) -> String {
        let data = self.report.data.clone().unwrap_or_default();
        let url = format!("{}/{}", self.report.url.trim_end_matches('/'), data.file);
        let path = Url::parse(&url).ok().and_then(|url| url.to_file_path().ok());
        let location = path.map_or(url, |path| path.display().to_string());
        format!("Mixed-settings CSV: {location} ({} rows, {})", data.rows, self.report.name)
    }

    /// Checks that the migration proved that no member's behaviour changed. Rejected rows of the import do not matter:
    /// they were listed.
    ///
    /// # Errors
    /// The organization is not migrated, or the proof is missing or does not hold.
    pub(super) fn check_proof(&self, organization: &str) -> Result {
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
                "the migration of {organization} has no proof that every member's behaviour stayed the same"
            )));
        }
        Ok(())
    }
}

fn holds(proof: &MigrationProof) -> bool {
    proof.differences == 0 && !proof.digest_before.is_empty() && proof.digest_before == proof.digest_after
}

/// Finds an active member whose name and email need no quoting in a shell.
async fn find_example_member(server: &ServerConnection, parent: &str) -> Result<Option<Member>> {
    let request = ListMembersRequest { parent: parent.to_owned(), page_size: 100, ..Default::default() };
    let answered = server.members().list_members(request).await;
    let members = answered.map_err(call_failed("cannot list the members"))?.into_inner().members;
    let plain = |member: &Member| !format!("{}{}", member.name, member.email).contains(['\'', '"', '\\']);
    Ok(members.into_iter().find(|member| member.status() == MemberStatus::Active && plain(member)))
}

async fn find_report(server: &ServerConnection, name: &str) -> Result<Report> {
    let answered = server.reports().list_reports(ListReportsRequest::default()).await;
    let reports = answered.map_err(call_failed("cannot list the reports"))?.into_inner().reports;
    let found = reports.into_iter().find(|report| report.name == name);
    found.ok_or_else(|| Error::failed(format!("the report {name:?} of the run is not listed")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(state: MigrationState, proof: MigrationProof) -> bool {
        let result = DemoResult {
            assignments: Vec::new(),
            member: None,
            migration: Migration { state: state.into(), proof: Some(proof), ..Default::default() },
            report: Report::default(),
        };
        result.check_proof("acme").is_ok()
    }

    fn proof() -> MigrationProof {
        let digest = || "d1".to_owned();
        MigrationProof { members_compared: 1, differences: 0, digest_before: digest(), digest_after: digest() }
    }

    #[test]
    fn only_a_complete_proof_is_accepted() {
        assert!(accepted(MigrationState::Migrated, proof()));
        assert!(!accepted(MigrationState::Failed, proof()));
        assert!(!accepted(MigrationState::Migrated, MigrationProof { differences: 1, ..proof() }));
        assert!(!accepted(MigrationState::Migrated, MigrationProof { digest_after: "d2".to_owned(), ..proof() }));
        assert!(!accepted(MigrationState::Migrated, MigrationProof::default()));
    }
}
