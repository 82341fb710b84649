//! `migration plan`: what migrating would leave mixed.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
};

use rollcall_app::reports::{
    Profile,
    csv::{CsvPage, PLAN_COLUMNS},
};
use rollcall_proto::v1::{
    AssignmentOutcome, EmailExportState, ListMigrationsRequest, MigrationState, PlanMigrationRequest,
    PlanMigrationResponse, UpdateMode,
};

use super::{arguments::PlanArguments, each_page, organization};
use crate::{
    error::{Error, Result},
    progress::say,
    remote::{self, Remote},
};

/// Plans one organization, or all that wait, writes the CSV and shows a summary.
///
/// # Errors
/// When the server does not answer or refuses, or the CSV cannot be written.
pub(super) async fn show(remote: &Remote, arguments: &PlanArguments) -> Result {
    let mut plan = Plan::new(arguments.csv.as_deref())?;
    if let Some(organization) = &arguments.organization {
        plan.add(remote, organization.as_str()).await?;
    } else {
        let wave = arguments.wave.map(u32::cast_signed);
        let request = ListMigrationsRequest { state: MigrationState::Pending.into(), wave, ..Default::default() };
        let pages = each_page(remote, request, async |page| {
            for migration in &page.migrations {
                plan.add(remote, organization(migration)).await?;
            }
            Ok(())
        });
        pages.await?;
    }
    plan.finish()?.iter().for_each(say);
    Ok(())
}

/// What is counted, and where rows go.
struct Plan {
    csv: Option<BufWriter<File>>,
    organizations: u32,
    members_exporting: i64,
    members_not_exporting: i64,
    unmatched: i64,
    mixed: u32,
    action_required: u32,
}

impl Plan {
    fn new(csv: Option<&Path>) -> Result<Self> {
        let create = |path: &Path| {
            File::create(path).map(BufWriter::new).map_err(Error::doing(format!("cannot write {}", path.display())))
        };
        let csv = csv.map(create).transpose()?;
        let mut plan = Self {
            csv,
            organizations: 0,
            members_exporting: 0,
            members_not_exporting: 0,
            unmatched: 0,
            mixed: 0,
            action_required: 0,
        };
        plan.write(|page| page.header(&PLAN_COLUMNS))?;
        Ok(plan)
    }

    async fn add(&mut self, remote: &Remote, organization: &str) -> Result {
        let name = format!("organizations/{organization}/migration");
        let request = PlanMigrationRequest { name, ..Default::default() };
        let answered = remote.migration().plan_migration(request).await;
        let planned = answered.map_err(remote::refused(format!("cannot plan the migration of {organization}")))?;
        self.count(organization, &planned.into_inner())
    }

    fn count(&mut self, organization: &str, planned: &PlanMigrationResponse) -> Result {
        self.organizations += 1;
        self.members_exporting += i64::from(planned.members_exporting);
        self.members_not_exporting += i64::from(planned.members_not_exporting);
        self.unmatched += i64::from(planned.unmatched_legacy_settings);
        let mixed = planned.assignments.iter().filter(|outcome| outcome.state() == EmailExportState::Mixed);
        for outcome in mixed {
            self.mixed += 1;
            self.action_required += u32::from(outcome.action_required);
            let cells = cells(organization, outcome);
            self.write(|page| page.cells(&cells.each_ref().map(String::as_str)))?;
        }
        Ok(())
    }

    fn write(&mut self, add: impl FnOnce(&mut CsvPage) -> rollcall_app::Result<()>) -> Result {
        let Some(csv) = &mut self.csv else { return Ok(()) };
        let mut page = CsvPage::new(Profile::Spreadsheet);
        let bytes = add(&mut page).and_then(|()| page.finish()).map_err(Error::doing("cannot write a row"))?;
        csv.write_all(&bytes).map_err(Error::doing("cannot write the CSV"))
    }

    /// The summary, once all rows are on the disk.
    fn finish(mut self) -> Result<Vec<String>> {
        if let Some(csv) = &mut self.csv {
            csv.flush().map_err(Error::doing("cannot write the CSV"))?;
        }
        Ok(vec![
            format!("organizations that would be migrated: {}", self.organizations),
            format!("members who would keep exporting: {}", self.members_exporting),
            format!("members who would keep not exporting: {}", self.members_not_exporting),
            format!("old settings that wait for a member: {}", self.unmatched),
            format!("assignments that would be mixed: {}", self.mixed),
            format!("of those, a tech admin has to act on: {}", self.action_required),
        ])
    }
}

/// A row, with bare ids and words as in the reports.
fn cells(organization: &str, outcome: &AssignmentOutcome) -> [String; 8] {
    let assignment = outcome.assignment.rsplit('/').next().unwrap_or_default();
    let update_mode = match outcome.update_mode() {
        UpdateMode::AutomaticUpdates => "AUTOMATIC_UPDATES",
        UpdateMode::ManualEditing => "MANUAL_EDITING",
        UpdateMode::Unspecified => "",
    };
    [
        organization.to_owned(),
        assignment.to_owned(),
        outcome.display_name.clone(),
        outcome.rank.to_string(),
        update_mode.to_owned(),
        outcome.action_required.to_string(),
        outcome.exporting.to_string(),
        outcome.not_exporting.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_would_be_mixed_is_a_row_and_formulas_do_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("plan.csv");
        let mut plan = Plan::new(Some(&file)).unwrap();
        let mixed = AssignmentOutcome {
            assignment: "organizations/acme/assignments/sales".to_owned(),
            display_name: "=Sales, EMEA".to_owned(),
            rank: 2,
            update_mode: UpdateMode::AutomaticUpdates.into(),
            state: EmailExportState::Mixed.into(),
            exporting: 3,
            not_exporting: 1,
            action_required: true,
            ..Default::default()
        };
        let agreed = AssignmentOutcome { state: EmailExportState::Export.into(), ..mixed.clone() };
        let planned = PlanMigrationResponse {
            assignments: vec![agreed, mixed],
            members_exporting: 7,
            members_not_exporting: 1,
            unmatched_legacy_settings: 2,
            ..Default::default()
        };
        plan.count("acme", &planned).unwrap();
        let summary = plan.finish().unwrap();
        assert_eq!(summary[4..], ["assignments that would be mixed: 1", "of those, a tech admin has to act on: 1"]);
        let expected = "organization,assignment,assignment_name,assignment_rank,update_mode,action_required,\
                        members_exporting,members_not_exporting\r\n\
                        acme,sales,\"'=Sales, EMEA\",2,AUTOMATIC_UPDATES,true,3,1\r\n";
        assert_eq!(std::fs::read_to_string(file).unwrap(), expected);
    }
}
