//! Reads the result of the demo through the API: the migration, a member and the report.

use rollcall_proto::v1::{
    GetMigrationRequest, ListMembersRequest, ListReportsRequest, Member, MemberStatus, Migration, Report,
};
use url::Url;

use crate::{
    connection::{ServerConnection, answer},
    error::{Error, Result},
};

/// Returns the migration of an organization.
///
/// # Errors
/// The call fails.
pub(super) async fn get_migration(server: &ServerConnection, parent: &str) -> Result<Migration> {
    let request = GetMigrationRequest { name: format!("{parent}/migration"), ..Default::default() };
    let found = answer("cannot read the migration", server.migration().get_migration(request).await)?;
    Ok(found.migration.unwrap_or_default())
}

/// Finds an active member whose name and email need no quoting in a shell.
///
/// # Errors
/// The call fails.
pub(super) async fn find_example_member(server: &ServerConnection, parent: &str) -> Result<Option<Member>> {
    let request = ListMembersRequest { parent: parent.to_owned(), page_size: 100, ..Default::default() };
    let page = answer("cannot list the members", server.members().list_members(request).await)?;
    let plain = |member: &Member| !format!("{}{}", member.name, member.email).contains(['\'', '"', '\\']);
    Ok(page.members.into_iter().find(|member| member.status() == MemberStatus::Active && plain(member)))
}

/// Returns the report with this name.
///
/// # Errors
/// The call fails, or the report is not listed.
pub(super) async fn get_report(server: &ServerConnection, name: &str) -> Result<Report> {
    let list = answer("cannot list the reports", server.reports().list_reports(ListReportsRequest::default()).await)?;
    let found = list.reports.into_iter().find(|report| report.name == name);
    found.ok_or_else(|| Error::failed(format!("the report {name:?} of the run is not listed")))
}

/// Returns a line with the location of the report's data file.
pub(super) fn csv_line(report: &Report) -> String {
    let data = report.data.clone().unwrap_or_default();
    let url = format!("{}/{}", report.url.trim_end_matches('/'), data.file);
    let path = Url::parse(&url).ok().and_then(|url| url.to_file_path().ok());
    let location = path.map_or(url, |path| path.display().to_string());
    format!("Mixed-settings CSV: {location} ({} rows, {})", data.rows, report.name)
}
